import Rack

/// A name of servers: `web1`, or a range, `web[1-50]`, `web[01-12]`.
struct LabRange: Hashable, Sendable {
  /// Servers of one range.
  static let limit = 1000

  let prefix: String
  let suffix: String
  /// `nil`: a plain name, which is `prefix`.
  let numbers: ClosedRange<Int>?
  /// Of padded numbers.
  let width: Int

  /// - Precondition: `LabRange.fault(of: text)` is `nil`.
  init(_ text: String) {
    guard let parts = Self.parts(text), let first = Int(parts.first), let last = Int(parts.last) else {
      (prefix, suffix, numbers, width) = (text, "", nil, 0)
      return
    }
    (prefix, suffix) = (parts.prefix, parts.suffix)
    numbers = first...max(first, last)
    width = parts.first.hasPrefix("0") ? parts.first.count : 0
  }

  var count: Int { numbers?.count ?? 1 }
  /// In order.
  var names: [String] { numbers.map { $0.map(name) } ?? [prefix] }

  func contains(_ name: String) -> Bool {
    guard let numbers else { return name == prefix }
    let isLong = name.utf8.count > prefix.utf8.count + suffix.utf8.count
    guard isLong, name.hasPrefix(prefix), name.hasSuffix(suffix) else { return false }
    let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
    guard let number = Int(digits), numbers.contains(number) else { return false }
    return self.name(number) == name
  }

  private func name(_ number: Int) -> String {
    let digits = String(number)
    return prefix + String(repeating: "0", count: max(0, width - digits.count)) + digits + suffix
  }

  /// What is wrong with `text` as the name of a server or of a range, or `nil`.
  static func fault(of text: String) -> String? {
    guard text.contains("[") || text.contains("]") else { return Names.fault(ofHostname: text) }
    let rule = "valid is a range as web[1-50] or web[01-12]"
    guard let parts = parts(text), let first = Int(parts.first), let last = Int(parts.last) else {
      return "\(text.quoted) is not valid; \(rule)"
    }
    if first > last { return "range \(text.quoted) begins with more than it ends with; \(rule)" }
    if last - first >= limit {
      return "range \(text.quoted) has \(last - first + 1) servers; valid are up to \(limit) in one range"
    }
    let isPadded =
      parts.first.hasPrefix("0") && parts.first.count > 1 || parts.last.hasPrefix("0") && parts.last.count > 1
    if isPadded, parts.first.count != parts.last.count {
      return "range \(text.quoted) has numbers of different lengths, of which one begins with 0; \(rule)"
    }
    let range = LabRange(text)
    return Names.fault(ofHostname: range.name(last))
  }

  /// Digits: up to nine.
  private static func parts(_ text: String) -> (prefix: String, first: String, last: String, suffix: String)? {
    guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]"), open < close else { return nil }
    let suffix = text[text.index(after: close)...]
    let numbers = text[text.index(after: open)..<close].split(separator: "-", omittingEmptySubsequences: false)
    let areDigits = numbers.allSatisfy { (1...9).contains($0.utf8.count) && $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }
    guard numbers.count == 2, areDigits, !suffix.contains("["), !suffix.contains("]") else { return nil }
    return (String(text[..<open]), String(numbers[0]), String(numbers[1]), String(suffix))
  }
}
