/// A span of time as people write it: `500ms`, `10s`, `2m`, or seconds alone.
public enum TimeSpan {
  public static let rule = "valid are seconds, or a whole number with ms, s or m behind it, as 500ms, 10s or 2m"
  private static let units = ["": 1_000, "ms": 1, "s": 1_000, "m": 60_000]

  /// In milliseconds; `nil`: it is none, or has more than nine digits.
  public static func milliseconds(_ text: String) -> Int? {
    let digits = text.utf8.prefix { 0x30...0x39 ~= $0 }
    guard (1...9).contains(digits.count), let number = Int(String(digits) ?? ""),
      let unit = units[String(text.utf8.dropFirst(digits.count)) ?? "?"]
    else { return nil }
    return number * unit
  }

  /// `2m`, `10s` or `1500ms`: in the largest unit that has no rest.
  public static func text(_ milliseconds: Int) -> String {
    if milliseconds % 60_000 == 0, milliseconds > 0 { return "\(milliseconds / 60_000)m" }
    return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms"
  }
}
