import Net

typealias Dice = SeededGenerator

/// What tests of the gateway do with a seeded generator.
extension SeededGenerator {
  mutating func roll(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &self) }

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
