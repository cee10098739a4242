/// What a console says by itself. All of it stands in brackets on lines of its own, so that nobody takes it for the
/// machine's words.
enum ConsoleText {
  /// A line that begins at the left, whatever the machine has written before.
  static func line(_ text: String) -> [UInt8] { Array("\r\n[\(text)]\r\n".utf8) }

  static func greeting(_ server: String, canWrite: Bool, connected: Int) -> [UInt8] {
    line(
      "SOS session for \(server), \(canWrite ? "read-write" : "read-only"), \(connected) connected. Use ~? for help.")
  }

  static let help = Array(
    """
    \r\n[at the start of a line:\r
      ~.  leave\r
      ~?  this help\r
      ~B  send a break\r
      ~t  take the keyboard\r
      ~w  who is connected\r
      ~~  one ~\r
    Ctrl-] does for ~, also in the middle of a line]\r\n
    """.utf8)

  static func switched(_ server: String, on: Bool) -> String { "\(server) is switched \(on ? "on" : "off")" }

  /// 5 s, 3 min, 2 h.
  static func span(_ milliseconds: UInt64) -> String {
    let seconds = milliseconds / 1000
    switch seconds {
    case ..<60: return "\(seconds) s"
    case ..<3600: return "\(seconds / 60) min"
    default: return "\(seconds / 3600) h"
    }
  }
}
