// Values as people write them: `1%`, `20ms`, `100mbit`.

extension Fraction {
  public static let rule = "valid are 0% to 100%, as 1% or 0.25%"

  /// `nil`: it is none.
  public init?(reading text: String) {
    guard let (number, unit) = Measure.read(text, [("%", 10_000)]), !unit.isEmpty || number == 0, number <= 1_000_000
    else { return nil }
    self.init(millionths: UInt32(number))
  }

  /// `0.25%`.
  public var text: String { Measure.text(UInt64(millionths), of: 10_000) + "%" }
}

/// Times and rates with a unit.
public enum Measure {
  private static let times: [(unit: String, factor: UInt64)] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)]
  private static let rates: [(unit: String, factor: UInt64)] = [
    ("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000), ("bit", 1),
  ]

  public static let timeRule = "valid are 0s to 10s, with the unit s, ms or us, as 20ms or 1.5s"
  public static let queueRule = "valid are 1ms to 10s, with the unit s, ms or us, as 50ms"
  public static let rateRule =
    "valid are 1kbit to 1000gbit a second, with the unit kbit, mbit or gbit, as 100mbit, or 0 for no limit"
  public static let seedRule = "valid are whole numbers, 0 to \(Impairment.seeds.upperBound)"

  /// In nanoseconds; `nil`: it is no time.
  public static func time(_ text: String) -> UInt64? { value(text, times) }
  /// In bits a second; `nil`: it is no rate.
  public static func rate(_ text: String) -> UInt64? { value(text, rates) }
  public static func text(ofTime time: UInt64) -> String { self.text(time, times, zero: "0s") }
  public static func text(ofRate rate: UInt64) -> String { self.text(rate, rates, zero: "0bit") }

  private static func value(_ text: String, _ units: [(unit: String, factor: UInt64)]) -> UInt64? {
    guard let (number, unit) = read(text.lowercased(), units), !unit.isEmpty || number == 0 else { return nil }
    return number
  }

  /// In the largest unit that it is a whole number of; else in the smallest.
  private static func text(_ value: UInt64, _ units: [(unit: String, factor: UInt64)], zero: String) -> String {
    if value == 0 { return zero }
    let unit = units.first { value.isMultiple(of: $0.factor) } ?? units.last!
    return self.text(value, of: unit.factor) + unit.unit
  }

  /// A number, with a point or without, times what its unit stands for. `nil`: it is none, or no whole number then.
  static func read(_ text: String, _ units: [(unit: String, factor: UInt64)]) -> (number: UInt64, unit: String)? {
    let digits = text.utf8.prefix { 0x30...0x39 ~= $0 || $0 == UInt8(ascii: ".") }
    let unit = String(text.utf8.dropFirst(digits.count)) ?? "?"
    let parts = digits.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ (1...15).contains($0.count) }),
      let factor = unit.isEmpty ? 1 : units.first(where: { $0.unit == unit })?.factor,
      let whole = UInt64(String(parts[0]) ?? "")
    else { return nil }
    var (number, isTooMuch) = whole.multipliedReportingOverflow(by: factor)
    if isTooMuch { return nil }
    var left = factor
    for digit in parts.count == 2 ? parts[1] : Substring("").utf8 {
      let value = UInt64(digit - 0x30)
      guard left.isMultiple(of: 10) || value == 0 else { return nil }
      left /= 10
      (number, isTooMuch) = number.addingReportingOverflow(left * value)
      if isTooMuch { return nil }
    }
    return (number, unit)
  }

  /// `value` in units of `factor`, a power of ten: `0.25`.
  static func text(_ value: UInt64, of factor: UInt64) -> String {
    var text = "\(value / factor)"
    var (rest, left) = (value % factor, factor)
    if rest > 0 { text += "." }
    while rest > 0 {
      left /= 10
      text += "\(rest / left)"
      rest %= left
    }
    return text
  }
}
