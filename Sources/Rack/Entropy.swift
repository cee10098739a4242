public import FoundationEssentials

/// Where a command takes identifiers, MAC addresses and the time from. They are arguments, so that a command is a pure
/// function and a test can repeat it.
public protocol Entropy {
  /// A UUID that was never returned before.
  mutating func identifier() -> UUID
  /// 48 random bits in the low bits; the rest is 0.
  mutating func bits48() -> UInt64
  var now: Date { get }
}

/// The system's random numbers and clock.
public struct SystemEntropy: Entropy, Sendable {
  public init() {}
  public func identifier() -> UUID { UUID() }
  public func bits48() -> UInt64 { UInt64.random(in: 0..<1 << 48) }
  /// Whole seconds, which is what the API shows and the store keeps.
  public var now: Date { Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)) }
}
