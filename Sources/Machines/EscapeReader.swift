/// Finds the commands that a person gives between the keys that are meant for the machine.
///
///     at the start of a line  ~.  leave   ~?  help   ~B  break   ~t  take the keyboard   ~w  who   ~~  one ~
///     anywhere                Ctrl-] instead of ~; twice is one Ctrl-]
///
/// A line starts with the first key, and behind each carriage return or line feed. `~` is held until the next key says
/// whether it was a command; with any other key both go to the machine. Over ssh its client takes one `~` for itself,
/// which is what Ctrl-] is for.
public struct EscapeReader: Equatable, Sendable {
  public enum Command: Equatable, Sendable { case leave, help, sendBreak, takeKeyboard, who }
  public enum Item: Equatable, Sendable {
    case keys([UInt8])
    case command(Command)
  }

  private static let tilde = UInt8(ascii: "~")
  /// Ctrl-].
  private static let bracket: UInt8 = 0x1D

  private var isAtLineStart = true
  /// The prefix that waits for its second key.
  private var held: UInt8?

  public init() {}

  /// What was typed has gone nowhere, so no line has begun.
  public mutating func startLine() { isAtLineStart = true }

  /// What `keys` mean, in order; no two runs of keys stand next to each other.
  public mutating func read(_ keys: some Sequence<UInt8>) -> [Item] {
    var items: [Item] = []
    var run: [UInt8] = []
    for key in keys {
      if let prefix = held {
        held = nil
        if let command = Self.command(key) {
          if !run.isEmpty { items.append(.keys(run)) }
          run = []
          items.append(.command(command))
          // As if the line had not begun: commands follow each other.
          isAtLineStart = true
          continue
        }
        run.append(prefix)
        if key == prefix {
          isAtLineStart = false
          continue
        }
      } else if key == Self.bracket || key == Self.tilde && isAtLineStart {
        held = key
        continue
      }
      run.append(key)
      isAtLineStart = key == 0x0D || key == 0x0A
    }
    if !run.isEmpty { items.append(.keys(run)) }
    return items
  }

  private static func command(_ key: UInt8) -> Command? {
    switch key {
    case UInt8(ascii: "."): .leave
    case UInt8(ascii: "?"): .help
    case UInt8(ascii: "B"): .sendBreak
    case UInt8(ascii: "t"): .takeKeyboard
    case UInt8(ascii: "w"): .who
    default: nil
    }
  }
}
