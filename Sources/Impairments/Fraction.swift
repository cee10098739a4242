/// A part of a whole in millionths, so that equal ones are equal: 1 % is 10 000.
public struct Fraction: Hashable, Sendable, BitwiseCopyable {
  /// 0 to 1 000 000.
  public let millionths: UInt32

  public static let zero = Fraction(millionths: 0)!
  public static let all = Fraction(millionths: 1_000_000)!

  /// `nil`: more than a whole.
  public init?(millionths: UInt32) {
    guard millionths <= 1_000_000 else { return nil }
    self.millionths = millionths
  }

  /// The nearest to a number; `nil`: it is not in 0 to 1.
  public init?(_ value: Double) {
    guard (0...1).contains(value) else { return nil }
    millionths = UInt32((value * 1_000_000).rounded())
  }

  public var value: Double { Double(millionths) / 1_000_000 }

  /// Whether a random number, all of whose values are equally likely, is in this part of them.
  @inline(always) @inlinable public func has(_ random: UInt64) -> Bool {
    random.multipliedFullWidth(by: 1_000_000).high < UInt64(millionths)
  }
}
