import Rack
import Testing

@Suite("Spans of time") struct TimeSpanTests {
  @Test("a number has a unit, or means seconds")
  func read() {
    for (text, milliseconds) in [
      ("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("7", 7_000), ("0", 0), ("0ms", 0), ("010s", 10_000),
    ] {
      #expect(TimeSpan.milliseconds(text) == milliseconds, "\(text)")
    }
    for text in ["", "s", "-1s", "+1s", "1.5s", "1 s", "1h", "1S", "1sec", "1234567890", "１s", "1s ", "ms"] {
      #expect(TimeSpan.milliseconds(text) == nil, "\(text)")
    }
  }

  @Test("it is written in the largest unit without a rest")
  func text() {
    #expect(
      [0, 500, 1_500, 10_000, 60_000, 90_000].map(TimeSpan.text) == ["0s", "500ms", "1500ms", "10s", "1m", "90s"])
  }
}
