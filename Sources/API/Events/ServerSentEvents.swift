// The format of server-sent events, HTML standard 9.2: lines of `field: value`, a message ends with an empty line.

enum ServerSentEvents {
  static let mediaType = "text/event-stream; charset=utf-8"

  /// `data` is JSON and so has no line breaks. `id`: nil: a reader goes on from what was before.
  static func message(id: String?, type: String, data: JSON) -> [UInt8] {
    Array("\(id.map { "id: \($0)\n" } ?? "")event: \(type)\ndata: ".utf8) + data.text + Array("\n\n".utf8)
  }

  /// A line that receivers ignore: it keeps the connection from looking dead, here and on the way.
  static func comment(_ text: String) -> [UInt8] { Array(": \(text)\n\n".utf8) }
}
