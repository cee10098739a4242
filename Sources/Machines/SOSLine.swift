/// What is said on `console.sock`, between the programs that sshd starts and the daemon.
///
/// One line of UTF-8 to the daemon, then frames both ways:
///
///     keys LOGIN\n                                     answered with lines for a list of authorized keys, then the end
///     console LOGIN KIND BASE64 FROM ROWS COLS TERM\n  KIND and BASE64: the key that sshd has let in; ROWS and COLS: 0
///                                                      without a terminal
///
///     0      1      2      3 …
///     kind   length        payload
///
/// The length counts the payload, high byte first. To the daemon: 0, keys; 1, the window's size, rows and columns, two
/// bytes each. From the daemon: 0, what the machine says; 1, the last: why the console has ended, in UTF-8; empty when
/// the visitor has left.
///
/// sshd has decided who has the key; the daemon decides which key may come to which console.
public enum SOSLine: Hashable, Sendable {
  /// Bytes of the line: the longest key and the longest name.
  public static let limit = 32 << 10

  case keys(login: String)
  case console(SOSCall)

  /// `nil`: it is none. `line`: without its end.
  public init?(_ line: String) {
    let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    switch (words.first, words.count) {
    case ("keys", 2) where !words[1].isEmpty: self = .keys(login: words[1])
    case ("console", 8) where !words[1].isEmpty:
      guard let rows = Int(words[5]), let columns = Int(words[6]) else { return nil }
      let terminal = words[7]
      let isTerminal =
        (1...64).contains(terminal.utf8.count) && terminal.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2F }
      self = .console(
        SOSCall(
          login: words[1], key: "\(words[2]) \(words[3])", from: words[4],
          size: TerminalSize(rows: rows, columns: columns), terminal: isTerminal ? terminal : "vt100"))
    default: return nil
    }
  }
}

/// Somebody who comes to a console by SSH.
public struct SOSCall: Hashable, Sendable {
  /// The name that they have logged in as: a server's UUID or hostname.
  public var login: String
  /// The key that they have come with, as `ssh-ed25519 AAAA…`.
  public var key: String
  /// An address.
  public var from: String
  /// `nil`: they have no terminal.
  public var size: TerminalSize?
  public var terminal: String

  public init(login: String, key: String, from: String, size: TerminalSize?, terminal: String) {
    (self.login, self.key, self.from, self.size, self.terminal) = (login, key, from, size, terminal)
  }
}

/// Takes the frames to the daemon apart, however they come in pieces.
public struct SOSFrameReader: Sendable {
  public enum Frame: Hashable, Sendable {
    case keys([UInt8])
    /// `nil`: no size that a terminal can have.
    case window(TerminalSize?)
  }

  /// Less than a frame.
  private var rest: [UInt8] = []

  public init() {}

  /// `nil`: that is no frame, and nothing can be read after it.
  public mutating func read(_ bytes: some Collection<UInt8>) -> [Frame]? {
    rest += bytes
    var frames: [Frame] = []
    var start = 0
    while rest.count - start >= 3 {
      let length = Int(rest[start + 1]) << 8 | Int(rest[start + 2])
      guard rest.count - start >= 3 + length else { break }
      let payload = Array(rest[start + 3..<start + 3 + length])
      switch (rest[start], length) {
      case (0, _): frames.append(.keys(payload))
      case (1, 4):
        func number(_ place: Int) -> Int { Int(payload[place]) << 8 | Int(payload[place + 1]) }
        frames.append(.window(TerminalSize(rows: number(0), columns: number(2))))
      default: return nil
      }
      start += 3 + length
    }
    rest.removeFirst(start)
    return frames
  }
}

/// Frames from the daemon.
public enum SOSFrame {
  /// What the machine says, in as many frames as it takes.
  public static func output(_ bytes: [UInt8]) -> [UInt8] {
    var frames: [UInt8] = []
    frames.reserveCapacity(bytes.count + 3)
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + 0xFFFF)
      frames += frame(0, bytes[start..<end])
      start = end
    }
    return frames
  }

  /// The last one.
  public static func end(_ reason: String?) -> [UInt8] { frame(1, Array((reason ?? "").utf8.prefix(1024))[...]) }

  private static func frame(_ kind: UInt8, _ payload: ArraySlice<UInt8>) -> [UInt8] {
    [kind, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
  }
}
