import Testing

@testable import toprack

@Suite("Server-sent events, WHATWG HTML 9.2.6") struct ServerSentEventsTests {
  private typealias Event = ServerSentEvents.Event

  private func items(_ text: String) -> [ServerSentEvents.Item] {
    var parser = ServerSentEvents()
    return parser.feed(text.utf8)
  }

  @Test("an event ends with an empty line, and has the type, the data and the identifier of its lines")
  func event() {
    #expect(
      items("id: 7\nevent: port.assign\ndata: {\"a\":1}\n\n")
        == [.event(Event(id: "7", type: "port.assign", data: "{\"a\":1}"))])
    #expect(items("id: 7\ndata: x\n").isEmpty)
  }

  @Test("lines may end with LF, CR or both")
  func lineEnds() {
    for end in ["\n", "\r", "\r\n"] {
      #expect(
        items("data: x\(end)\(end)data: y\(end)\(end)")
          == [
            .event(Event(id: nil, type: "message", data: "x")), .event(Event(id: nil, type: "message", data: "y")),
          ])
    }
  }

  @Test("one space after the colon is not part of the value, and data lines are joined")
  func values() {
    #expect(
      items("data:a\ndata: b\ndata:  c\ndata\n\n") == [.event(Event(id: nil, type: "message", data: "a\nb\n c\n"))])
  }

  @Test("a comment is told apart, and an event without data is none")
  func nothing() {
    #expect(items(": still here\n\n") == [.comment])
    #expect(items("event: x\n\ndata: y\n\n") == [.event(Event(id: nil, type: "message", data: "y"))])
    #expect(items("retry: 1000\nunknown: field\n\n").isEmpty)
  }

  @Test("the identifier stays until another comes")
  func identifier() {
    #expect(
      items("id: 1\ndata: a\n\ndata: b\n\n")
        == [.event(Event(id: "1", type: "message", data: "a")), .event(Event(id: "1", type: "message", data: "b"))])
  }

  @Test("how the bytes are cut into pieces does not matter")
  func pieces() {
    let text = ": hello\r\n\r\nid: 1\r\nevent: e\r\ndata: ä\r\n\r\ndata: b\r\n\r\n"
    let whole = items(text)
    #expect(whole.count == 3)
    for size in 1...7 {
      var parser = ServerSentEvents()
      var found: [ServerSentEvents.Item] = []
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        found += parser.feed(rest.prefix(size))
        rest = rest.dropFirst(size)
      }
      #expect(found == whole, "pieces of \(size)")
    }
  }
}
