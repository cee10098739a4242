/// Who watches a console, as the console knows them.
public struct Visitor: Hashable, Sendable {
  /// What their name is the name of.
  public enum Kind: Hashable, Sendable { case user, token, key }

  /// Of a user of this machine, of a token, or of an SSH key.
  public var name: String
  public var kind: Kind
  /// `the Unix socket`, `192.0.2.7`, `192.0.2.7 by SSH`.
  public var from: String
  /// Whether they may ever have the keyboard.
  public var mayWrite: Bool
  /// Takes the keyboard on arrival, whoever has it.
  public var takes: Bool
  /// Wants to see first what was said before.
  public var replays: Bool
  public var size: TerminalSize?
  /// `TERM`; at most 64 printable characters.
  public var terminal: String

  public init(
    name: String, kind: Kind = .user, from: String, mayWrite: Bool, takes: Bool = false, replays: Bool = true,
    size: TerminalSize? = nil, terminal: String = "vt100"
  ) {
    (self.name, self.kind, self.from) = (name, kind, from)
    (self.mayWrite, self.takes, self.replays) = (mayWrite, takes, replays)
    (self.size, self.terminal) = (size, terminal)
  }
}

/// Of a window, in characters.
public struct TerminalSize: Hashable, Sendable {
  public static let valid = 1...1000

  public var rows: Int
  public var columns: Int

  /// `nil` where one of the two is not `valid`.
  public init?(rows: Int, columns: Int) {
    guard Self.valid.contains(rows), Self.valid.contains(columns) else { return nil }
    (self.rows, self.columns) = (rows, columns)
  }

  /// What a terminal has that says nothing.
  public static let standard = TerminalSize(rows: 24, columns: 80)!
}

/// Which of those who are or were connected; numbers are given out once.
public struct VisitorID: Hashable, Sendable, Comparable {
  public let number: Int
  public init(_ number: Int) { self.number = number }
  public static func < (a: VisitorID, b: VisitorID) -> Bool { a.number < b.number }
}

/// One visit, for the journal.
public struct Visit: Hashable, Sendable {
  public var visitor: Visitor
  /// Whether they had the keyboard at any time.
  public var hasWritten: Bool
  /// Milliseconds.
  public var duration: UInt64

  public init(visitor: Visitor, hasWritten: Bool, duration: UInt64) {
    (self.visitor, self.hasWritten, self.duration) = (visitor, hasWritten, duration)
  }
}
