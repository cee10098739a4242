// The format of a stream of events, `text/event-stream`. Source: WHATWG HTML, 9.2.6 "Interpreting an event stream".

/// Bytes in, events out.
struct ServerSentEvents {
  struct Event: Equatable {
    /// The last identifier that the stream has said; what a new connection continues after.
    var id: String?
    var type: String
    /// Lines, with a newline between two.
    var data: String
  }

  enum Item: Equatable {
    case event(Event)
    /// A line that means nothing: the stream lives.
    case comment
  }

  private var line: [UInt8] = []
  /// Whether the last byte was a CR, so that an LF after it ends no other line.
  private var endsInReturn = false
  private var id: String?
  private var type = ""
  private var data: [String] = []

  /// What `bytes`, the next of the stream, bring to an end. An event ends with an empty line; one without data is none.
  mutating func feed(_ bytes: some Sequence<UInt8>) -> [Item] {
    var items: [Item] = []
    for byte in bytes {
      let isSecondHalf = endsInReturn && byte == UInt8(ascii: "\n")
      endsInReturn = byte == UInt8(ascii: "\r")
      if isSecondHalf { continue }
      guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
        line.append(byte)
        continue
      }
      if let item = finish(String(decoding: line, as: UTF8.self)) { items.append(item) }
      line.removeAll(keepingCapacity: true)
    }
    return items
  }

  private mutating func finish(_ line: String) -> Item? {
    guard !line.isEmpty else {
      defer { (type, data) = ("", []) }
      guard !data.isEmpty else { return nil }
      return .event(Event(id: id, type: type.isEmpty ? "message" : type, data: data.joined(separator: "\n")))
    }
    guard let colon = line.firstIndex(of: ":") else {
      set(line, to: "")
      return nil
    }
    guard colon != line.startIndex else { return .comment }
    let value = line[line.index(after: colon)...]
    set(String(line[..<colon]), to: String(value.first == " " ? value.dropFirst() : value))
    return nil
  }

  private mutating func set(_ field: String, to value: String) {
    switch field {
    case "id": id = value
    case "event": type = value
    case "data": data.append(value)
    default: break
    }
  }
}
