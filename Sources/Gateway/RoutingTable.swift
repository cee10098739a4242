public import Net

/// Where an address is: the longest prefix that holds it.
///
/// ## How it works
/// One hash table of prefixes of both families with open addressing and linear probing, and for each family the list of the lengths
/// that occur, longest first. A look-up masks the address to each of them in turn and probes. Nearly every packet is for a host
/// route, whose length is the first of its family, so one probe is the rule; elastic blocks (/29 … /32) and pools are a few more.
/// Deleting moves later entries of the run back, so there are no tombstones and a probe never gets slower with time.
///
/// An adversary chooses the addresses that are looked up, not those that are in the table, so he cannot make a run longer.
///
/// ## Invariants
/// 1. At most half of the slots are used: a probe ends.
/// 2. Between an entry's own slot and where it is no slot is free.
/// 3. `lengths` has exactly the lengths whose count is not 0, falling.
///
/// ## Threads
/// One owner, a worker. `find` neither allocates, locks nor counts references; `insert` may grow the table, between two batches.
@safe public struct RoutingTable: ~Copyable {
  public enum Target: Hashable, Sendable, BitwiseCopyable {
    /// An address of the gateway itself.
    case local
    /// Unassigned: part of a pool, and nobody's.
    case unassigned
    /// Next hop, `Neighbour.index`.
    case neighbour(Int32)
  }

  @usableFromInline struct Slot: BitwiseCopyable {
    @usableFromInline var high: UInt64 = 0
    @usableFromInline var low: UInt64 = 0
    /// −2: local, −1: unassigned, else the neighbour's index.
    @usableFromInline var target: Int32 = 0
    /// Length of the prefix plus one; 0: free.
    @usableFromInline var tag: UInt8 = 0
    @usableFromInline init() {}
  }

  @usableFromInline var slots: UnsafeMutablePointer<Slot>
  @usableFromInline var mask: Int
  /// Entries with each length, 0...128, IPv4 then IPv6: 258 counts.
  private let counts: UnsafeMutablePointer<Int32>
  /// Lengths that occur, falling: 129 for IPv4, 129 for IPv6.
  @usableFromInline let lengths: UnsafeMutablePointer<UInt8>
  @usableFromInline var lengthCounts: (v4: Int, v6: Int) = (0, 0)
  public private(set) var count = 0

  private static let lengthLimit = 129

  public init() {
    mask = 1_023
    unsafe slots = .allocate(capacity: 1_024)
    unsafe slots.initialize(repeating: Slot(), count: 1_024)
    unsafe counts = .allocate(capacity: 2 * Self.lengthLimit)
    unsafe counts.initialize(repeating: 0, count: 2 * Self.lengthLimit)
    unsafe lengths = .allocate(capacity: 2 * Self.lengthLimit)
    unsafe lengths.initialize(repeating: 0, count: 2 * Self.lengthLimit)
  }

  deinit {
    unsafe slots.deallocate()
    unsafe counts.deallocate()
    unsafe lengths.deallocate()
  }

  // MARK: Looking up

  /// What the longest prefix that holds `address` says; nil when none does.
  @inline(always) @inlinable
  public borrowing func find(_ address: IPAddress) -> Target? {
    let isV4 = address.isV4
    let first = isV4 ? 0 : 129
    let last = first &+ (isV4 ? lengthCounts.v4 : lengthCounts.v6)
    var place = first
    while place < last {
      let length = unsafe Int(lengths[place])
      let index = probe(address.masked(to: length), length)
      if index >= 0 { return unsafe Self.decode(slots[index].target) }
      place &+= 1
    }
    return nil
  }

  /// The slot of exactly this prefix; negative when there is none.
  @inline(always) @inlinable
  borrowing func probe(_ base: IPAddress, _ length: Int) -> Int {
    let tag = UInt8(truncatingIfNeeded: length &+ 1)
    var index = Self.hash(base, tag) & mask
    while true {
      let slot = unsafe slots[index]
      if slot.tag == 0 { return -1 }
      if slot.low == base.low, slot.high == base.high, slot.tag == tag { return index }
      index = (index &+ 1) & mask
    }
  }

  @inline(always) @inlinable
  static func hash(_ base: IPAddress, _ tag: UInt8) -> Int {
    let mixed = (base.low ^ UInt64(tag) << 56) &* 0x9E37_79B9_7F4A_7C15 ^ base.high &* 0xC2B2_AE3D_27D4_EB4F
    return Int(truncatingIfNeeded: (mixed ^ mixed >> 29) &* 0xBF58_476D_1CE4_E5B9 >> 24)
  }

  @inline(always) @inlinable
  static func decode(_ raw: Int32) -> Target {
    raw >= 0 ? .neighbour(raw) : raw == -1 ? .unassigned : .local
  }

  // MARK: Changes

  /// Puts a route in, or instead of the one with the same prefix.
  public mutating func insert(_ prefix: IPPrefix, _ target: Target) {
    let raw: Int32 =
      switch target {
      case .local: -2
      case .unassigned: -1
      case .neighbour(let index): index
      }
    let found = probe(prefix.base, prefix.depth)
    if found >= 0 {
      unsafe slots[found].target = raw
      return
    }
    if (count + 1) * 2 > mask + 1 { grow() }
    var slot = Slot()
    (slot.high, slot.low) = (prefix.base.high, prefix.base.low)
    (slot.tag, slot.target) = (UInt8(prefix.depth + 1), raw)
    place(slot)
    count += 1
    adjust(prefix, by: 1)
  }

  /// Takes a route out; nothing when there is none with exactly this prefix.
  public mutating func remove(_ prefix: IPPrefix) {
    var hole = probe(prefix.base, prefix.depth)
    guard hole >= 0 else { return }
    var index = hole
    while true {
      index = (index + 1) & mask
      let slot = unsafe slots[index]
      if slot.tag == 0 { break }
      // It may move into the hole when its own place is not between the hole and where it is.
      let home = Self.hash(IPAddress(high: slot.high, low: slot.low), slot.tag) & mask
      if (index &- home) & mask >= (index &- hole) & mask {
        unsafe slots[hole] = slot
        hole = index
      }
    }
    unsafe slots[hole] = Slot()
    count -= 1
    adjust(prefix, by: -1)
  }

  private mutating func place(_ slot: Slot) {
    var index = Self.hash(IPAddress(high: slot.high, low: slot.low), slot.tag) & mask
    while unsafe slots[index].tag != 0 { index = (index + 1) & mask }
    unsafe slots[index] = slot
  }

  private mutating func grow() {
    let old = unsafe slots
    let oldCapacity = mask + 1
    unsafe slots = .allocate(capacity: oldCapacity * 2)
    unsafe slots.initialize(repeating: Slot(), count: oldCapacity * 2)
    mask = oldCapacity * 2 - 1
    for index in 0..<oldCapacity where unsafe old[index].tag != 0 { place(unsafe old[index]) }
    unsafe old.deallocate()
  }

  private mutating func adjust(_ prefix: IPPrefix, by amount: Int32) {
    let family = prefix.isV4 ? 0 : Self.lengthLimit
    let before = unsafe counts[family + prefix.depth]
    unsafe counts[family + prefix.depth] = before + amount
    guard before == 0 || before + amount == 0 else { return }
    var found = 0
    for length in (0..<Self.lengthLimit).reversed() where unsafe counts[family + length] > 0 {
      unsafe lengths[family + found] = UInt8(length)
      found += 1
    }
    if family == 0 { lengthCounts.v4 = found } else { lengthCounts.v6 = found }
  }
}
