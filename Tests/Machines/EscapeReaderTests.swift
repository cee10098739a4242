import Testing

@testable import Machines

@Suite("Escapes between keys") struct EscapeReaderTests {
  struct Vector: Sendable, CustomTestStringConvertible {
    let keys: String
    let want: [EscapeReader.Item]
    var testDescription: String { keys.debugDescription }
    init(_ keys: String, _ want: [EscapeReader.Item]) { (self.keys, self.want) = (keys, want) }
  }

  private static func keys(_ text: String) -> EscapeReader.Item { .keys(Array(text.utf8)) }

  static let all = [
    Vector("", []), Vector("id\r", [keys("id\r")]), Vector("~.", [.command(.leave)]),
    Vector("~?", [.command(.help)]), Vector("~B", [.command(.sendBreak)]), Vector("~t", [.command(.takeKeyboard)]),
    Vector("~w", [.command(.who)]), Vector("~~", [keys("~")]), Vector("~~.", [keys("~.")]),
    Vector("~x", [keys("~x")]), Vector("~\r~.", [keys("~\r"), .command(.leave)]), Vector("a~.", [keys("a~.")]),
    Vector("a\r~.", [keys("a\r"), .command(.leave)]), Vector("a\n~?b", [keys("a\n"), .command(.help), keys("b")]),
    Vector("~?~.", [.command(.help), .command(.leave)]), Vector("\u{1D}.", [.command(.leave)]),
    Vector("ls \u{1D}w", [keys("ls "), .command(.who)]), Vector("\u{1D}\u{1D}", [keys("\u{1D}")]),
    Vector("a\u{1D}b", [keys("a\u{1D}b")]), Vector("~", []), Vector("\u{1D}", []), Vector("~b", [keys("~b")]),
    Vector("\u{1D}~", [keys("\u{1D}~")]),
  ]

  @Test("what is a command and what is for the machine", arguments: all)
  func reads(_ vector: Vector) {
    var reader = EscapeReader()
    #expect(reader.read(vector.keys.utf8) == vector.want)
  }

  @Test("it makes no difference in which pieces the keys come", arguments: all)
  func pieces(_ vector: Vector) {
    var reader = EscapeReader()
    var items: [EscapeReader.Item] = []
    for key in vector.keys.utf8 {
      for item in reader.read([key]) {
        if case .keys(let more) = item, case .keys(let run)? = items.last {
          items[items.count - 1] = .keys(run + more)
        } else {
          items.append(item)
        }
      }
    }
    #expect(items == vector.want)
  }
}
