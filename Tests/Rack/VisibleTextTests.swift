import Rack
import Testing

@Suite("Words of others") struct VisibleTextTests {
  @Test("what steers a terminal is written visibly, and nothing else is changed")
  func visible() {
    #expect("\u{1B}[2J\u{1B}]0;P\u{7}".visible == #"\x1b[2J\x1b]0;P\x07"#)
    #expect("\u{0}\u{1F}\u{7F}\u{80}\u{9F}".visible == #"\x00\x1f\x7f\x80\x9f"#)
    #expect("\u{2028}\u{2029}\u{202A}\u{202E}\u{2066}\u{2069}".visible.hasPrefix(#"\u{2028}\u{2029}\u{202a}"#))
    for text in ["", "web1: 10 %, “ä” – \\x", "שלום", "👩‍💻", "\u{A0}\u{2027}\u{202F}\u{2065}\u{206A}"] {
      #expect(text.visible == text)
    }
    #expect("a\tb\nc\rd".visible == "a\tb\nc\\x0dd" && "a\tb\nc".visibleInLine == #"a\x09b\x0ac"#)
  }
}
