import FoundationEssentials
import Rack

/// Counts instead of chance.
struct Counting: Entropy {
  var count: UInt16 = 0
  let now = Date(timeIntervalSince1970: 1_563_439_598)  // 2019-07-18T08:46:38Z

  mutating func identifier() -> UUID {
    count += 1
    return UUID(
      uuid: (0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, UInt8(count >> 8), UInt8(truncatingIfNeeded: count)))
  }
  mutating func bits48() -> UInt64 {
    count += 1
    return UInt64(count) << 8
  }
}
