/// Seeded randomness for the tests: SplitMix64.
struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  mutating func roll(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &self) }

  mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      let value = next()
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
    }
    bytes.removeSubrange(count...)
    return bytes
  }

  /// `bytes` with up to eight bytes changed, and perhaps cut, extended, or with a part of it doubled.
  mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<roll(0...8) where !bytes.isEmpty {
      let value = next()
      // Extremes find more than middling numbers do.
      let edge: [UInt8] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF]
      let index = roll(0...bytes.count - 1)
      bytes[index] = value & 1 == 0 ? UInt8(truncatingIfNeeded: value >> 8) : edge[Int((value >> 8) % 6)]
    }
    switch roll(0...9) {
    case 0: bytes.removeSubrange(roll(0...bytes.count)...)
    case 1: bytes += self.bytes(roll(0...20))
    case 2:
      let from = roll(0...bytes.count)
      let to = roll(from...min(bytes.count, from + 40))
      bytes.insert(contentsOf: bytes[from..<to], at: roll(0...bytes.count))
    default: break
    }
    return bytes
  }
}
