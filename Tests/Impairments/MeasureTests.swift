import Impairments
import Testing

@Suite("Values with units") struct MeasureTests {
  @Test(
    "percentages",
    arguments: [
      ("1%", 10_000), ("0.1%", 1_000), ("100%", 1_000_000), ("0%", 0), ("0", 0), ("0.0001%", 1), ("12.5%", 125_000),
      ("1.0%", 10_000), ("1", nil), ("101%", nil), ("-1%", nil), ("0.00001%", nil), ("%", nil), ("1.2.3%", nil),
      (".5%", nil), ("", nil), ("one", nil), ("1 %", nil),
    ] as [(String, UInt32?)])
  func fractions(text: String, millionths: UInt32?) {
    #expect(Fraction(reading: text)?.millionths == millionths)
  }

  @Test(
    "times",
    arguments: [
      ("20ms", 20_000_000), ("1.5s", 1_500_000_000), ("100us", 100_000), ("0.5ms", 500_000), ("0", 0),
      ("20MS", 20_000_000),
      ("20", nil), ("1m", nil), ("1,5s", nil), ("99999999999999999s", nil), ("ms", nil),
    ] as [(String, UInt64?)])
  func times(text: String, nanoseconds: UInt64?) { #expect(Measure.time(text) == nanoseconds) }

  @Test(
    "rates",
    arguments: [
      ("100mbit", 100_000_000), ("1.5Gbit", 1_500_000_000), ("64kbit", 64_000), ("0", 0), ("2500bit", 2_500),
      ("100", nil), ("100mb", nil), ("100mbps", nil),
    ] as [(String, UInt64?)])
  func rates(text: String, bits: UInt64?) { #expect(Measure.rate(text) == bits) }

  @Test("are written as they are read")
  func texts() {
    for text in ["1%", "0.25%", "0.0001%", "100%", "0%"] { #expect(Fraction(reading: text)?.text == text) }
    for text in ["20ms", "2s", "1500ms", "150us", "0s"] {
      #expect(Measure.time(text).map(Measure.text(ofTime:)) == text)
    }
    for text in ["100mbit", "1gbit", "1500mbit", "64kbit", "0bit"] {
      #expect(Measure.rate(text).map(Measure.text(ofRate:)) == text)
    }
    #expect(Measure.time("0.5us").map(Measure.text(ofTime:)) == "0.5us")
  }
}
