// A size in bytes, as people write it: 512M, 2G.

import ArgumentParser

struct ByteSize: Hashable {
  let bytes: Int

  private static let units = ["K": 10, "M": 20, "G": 30, "T": 40]
  static let valid = "valid are a whole number and a unit, as 512M or 2G"

  /// `nil`: no size, or one without a unit: those who write 512 mean bytes, kilobytes or megabytes.
  init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).uppercased()
    let letter = unit.hasSuffix("IB") ? String(unit.dropLast(2)) : unit.hasSuffix("B") ? String(unit.dropLast()) : unit
    guard let number = Int(digits), number > 0, let shift = Self.units[letter] else { return nil }
    let (bytes, isTooMuch) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !isTooMuch else { return nil }
    self.bytes = bytes
  }

  /// What `argument`, the value of `option`, means; fails as wrong usage.
  static func reading(_ argument: String, of option: String) throws -> ByteSize {
    guard let size = ByteSize(argument) else { throw ValidationError("\(option) '\(argument)' is no size; \(valid)") }
    return size
  }

  /// 512M, 2G, 1500K: in the largest unit that has no rest.
  static func text(_ bytes: Int) -> String {
    for (letter, shift) in units.sorted(by: { $0.value > $1.value })
    where bytes >= 1 << shift && bytes % (1 << shift) == 0 {
      return "\(bytes >> shift)\(letter)"
    }
    return "\(bytes) bytes"
  }
}
