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

  @Test("a cell is one line, as wide as it is shown")
  func cells() {
    var table = Table("NAME", "X")
    table.add("a\n\u{1B}", "1")
    table.add("b", "2")
    #expect(table.text.split(separator: "\n").suffix(2) == [#"a\x0a\x1b  1"#, "b          2"])
    #expect(Table.facts([("name", "a\nproblem  none")]) == #"name  a\x0aproblem  none"#)
  }
}
