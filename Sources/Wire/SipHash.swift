/// A secret of 128 bits, and SipHash-2-4 of eight bytes by it: a tag that nobody makes who does not know the secret.
///
/// Source: Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012.
public struct SipKey: Sendable, BitwiseCopyable {
  @usableFromInline let low: UInt64
  @usableFromInline let high: UInt64

  /// The secret's bytes 0-7 and 8-15, each as a little-endian number.
  public init(_ low: UInt64, _ high: UInt64) { (self.low, self.high) = (low, high) }

  /// A secret of this process.
  public static func random() -> SipKey {
    var source = SystemRandomNumberGenerator()
    return SipKey(source.next(), source.next())
  }

  /// The tag of `word`, whose bytes are taken in little-endian order.
  public func tag(of word: UInt64) -> UInt64 {
    var state = State(self)
    state.absorb(word)
    // The last block: no bytes that are left over, and the length in its highest byte.
    state.absorb(8 << 56)
    state.v2 ^= 0xFF
    for _ in 0..<4 { state.mix() }
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3
  }

  private struct State: BitwiseCopyable {
    var v0: UInt64, v1: UInt64, v2: UInt64, v3: UInt64

    init(_ key: SipKey) {
      (v0, v1) = (key.low ^ 0x736F_6D65_7073_6575, key.high ^ 0x646F_7261_6E64_6F6D)
      (v2, v3) = (key.low ^ 0x6C79_6765_6E65_7261, key.high ^ 0x7465_6462_7974_6573)
    }

    mutating func absorb(_ block: UInt64) {
      v3 ^= block
      mix()
      mix()
      v0 ^= block
    }

    mutating func mix() {
      v0 = v0 &+ v1
      v1 = Self.rotate(v1, 13) ^ v0
      v0 = Self.rotate(v0, 32)
      v2 = v2 &+ v3
      v3 = Self.rotate(v3, 16) ^ v2
      v0 = v0 &+ v3
      v3 = Self.rotate(v3, 21) ^ v0
      v2 = v2 &+ v1
      v1 = Self.rotate(v1, 17) ^ v2
      v2 = Self.rotate(v2, 32)
    }

    private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value &<< bits | value &>> (64 - bits) }
  }
}
