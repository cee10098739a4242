import Foundation
import Testing

@testable import toprack

@Suite("Text on a terminal") struct OutputTests {
  @Test("has nothing in it that steers the terminal, and keeps its lines")
  func text() {
    #expect(
      Output.terminalText("a\tb\nç \u{1B}[2J\u{7}\r\u{9B}1m\u{202E}x\n")
        == "a\tb\nç \\x1b[2J\\x07\\x0d\\x9b1m\\u{202e}x\n")
  }

  @Test("the bold heading of a table stays, on a line of its own alone")
  func heading() {
    #expect(Output.terminalText("\u{1B}[1mNAME\u{1B}[0m\nweb1") == "\u{1B}[1mNAME\u{1B}[0m\nweb1")
    #expect(Output.terminalText("\u{1B}[1mNA\u{7}ME\u{1B}[0m") == "\u{1B}[1mNA\\x07ME\u{1B}[0m")
    #expect(Output.terminalText("x \u{1B}[1mNAME\u{1B}[0m") == "x \\x1b[1mNAME\\x1b[0m")
  }

  @Test("JSON means what it meant, and has no character in it that steers a terminal or is not seen")
  func json() throws {
    let hidden = "\u{7F}\u{9B}2J\u{202E}\u{2066}\u{2028}\u{2029}\u{FEFF}\u{AD}\u{200D}\u{E0001}"
    let value = ["name": "ç日😀 \u{1B}\n" + hidden]
    let text = try JSONText.pretty(value)
    #expect(text.contains("ç日😀"))
    for escape in [#"\u007f"#, #"\u009b2J"#, #"\u202e\u2066\u2028\u2029\ufeff\u00ad\u200d"#, #"\udb40\udc01"#] {
      #expect(text.contains(escape), "\(text)")
    }
    let plain = hidden.unicodeScalars.filter { "2J".unicodeScalars.contains($0) }
    #expect(text.unicodeScalars.allSatisfy { !hidden.unicodeScalars.contains($0) || plain.contains($0) })
    #expect(try JSONDecoder().decode([String: String].self, from: Data(text.utf8)) == value)
    #expect(JSONText.harmless("{\n  \"a\": 1\n}") == "{\n  \"a\": 1\n}")
  }

  @Test("no project's name looks like all of the rack in the list of tokens")
  func scope() throws {
    func scope(_ project: String?) throws -> String {
      let inner = try project.map { #"{"id": "x", "name": \#(try JSONText.pretty($0))}"# } ?? "null"
      return try Answer(
        Data(#"{"id": "1", "name": "t", "project": \#(inner), "read_only": false, "created_at": ""}"#.utf8)
      ).decoded(as: Token.self).scope
    }
    #expect(try scope(nil) == "(all)")
    #expect(try scope("all") == "all")
    #expect(try scope("web (old)") == "web (old)")
    for name in ["(all)", " (all)", "\"(all)\"", "(", "\u{A0}(all)"] { #expect(try scope(name) == "\"\(name)\"") }
  }

  @Test("a cell is one line, as wide as it is shown")
  func cells() {
    var table = Table("NAME", "X")
    table.add("a\n\u{1B}", "1")
    table.add("b", "2")
    #expect(table.text.split(separator: "\n").suffix(2) == [#"a\x0a\x1b  1"#, "b          2"])
    #expect(Table.facts([("name", "a\nproblem  none")]) == #"name  a\x0aproblem  none"#)
  }
}
