/// All pools, and which blocks are in use.
///
/// ## Invariants
/// 1. A chunk belongs to at most one pool; chunks of a share are given out in order and never taken back.
/// 2. `held` has the block of every address of every server, and no other.
struct AddressPools: Sendable {
  private(set) var pools: [AddressPool.Key: AddressPool] = [:]
  private var held: Set<IPBlock> = []
  /// How many chunks of a facility's share have been given out.
  private var chunksGiven: [Share: Int] = [:]

  private struct Share: Hashable, Sendable {
    var facility: String
    var kind: Address.Kind
  }

  func isHeld(_ block: IPBlock) -> Bool { held.contains(block) }
  var heldCount: Int { held.count }

  /// Chooses a free block, and says what the pool is afterwards. Nothing is taken until `put` and `hold`.
  ///
  /// `avoiding` is given out only when nothing else is free.
  func choose(
    _ kind: Address.Kind, in facility: Facility, for project: ProjectID, avoiding: IPBlock?
  ) throws(Refusal) -> (block: IPBlock, pool: AddressPool) {
    let key = AddressPool.Key(facility: facility.code, kind: kind, project: kind.isPerProject ? project : nil)
    var pool = pools[key] ?? AddressPool(key: key, chunks: [], next: 0)

    var lastResort: Int?
    let count = pool.chunks.count * kind.blocksPerChunk
    for step in 0..<count {
      let index = (pool.next + step) % count
      let block = Self.block(index, of: pool, share: facility.share)
      if held.contains(block) { continue }
      if block == avoiding {
        lastResort = index
        continue
      }
      pool.next = (index + 1) % count
      return (block, pool)
    }

    let given = chunksGiven[Share(facility: facility.code, kind: kind), default: 0]
    if given < kind.chunksPerShare {
      pool.chunks.append(given)
      pool.next = (count + 1) % (count + kind.blocksPerChunk)
      return (Self.block(count, of: pool, share: facility.share), pool)
    }
    if let lastResort {
      pool.next = (lastResort + 1) % count
      return (Self.block(lastResort, of: pool, share: facility.share), pool)
    }
    throw .invalid(
      "facility \(facility.code) has no \(kind.words) addresses left: all \(count) blocks are in use; "
        + "delete a server there, or convert one to a layer-2 mode")
  }

  mutating func put(_ pool: AddressPool) {
    let share = Share(facility: pool.key.facility, kind: pool.key.kind)
    let before = pools.updateValue(pool, forKey: pool.key)?.chunks.count ?? 0
    chunksGiven[share, default: 0] += pool.chunks.count - before
  }
  mutating func hold(_ block: IPBlock) { held.insert(block) }
  mutating func release(_ block: IPBlock) { held.remove(block) }

  private static func block(_ index: Int, of pool: AddressPool, share: Int) -> IPBlock {
    let kind = pool.key.kind
    let perChunk = kind.blocksPerChunk
    return kind.block(index % perChunk, ofChunk: pool.chunks[index / perChunk], share: share)
  }

  /// Sentences about what is wrong; empty when all is well.
  func violations() -> [String] {
    var found: [String] = []
    var owners: [Share: Set<Int>] = [:]
    for (key, pool) in pools {
      let share = Share(facility: key.facility, kind: key.kind)
      let name = "\(key.kind.words) pool of \(key.facility)"
      if key.kind.isPerProject != (key.project != nil) { found.append("\(name) has the wrong kind of owner") }
      if pool.chunks.isEmpty { found.append("\(name) has no chunk") }
      for chunk in pool.chunks {
        if !(0..<key.kind.chunksPerShare).contains(chunk) {
          found.append("\(name) has chunk \(chunk), which does not exist")
        }
        if !owners[share, default: []].insert(chunk).inserted { found.append("\(name): chunk \(chunk) has two owners") }
      }
      let count = pool.chunks.count.multipliedReportingOverflow(by: key.kind.blocksPerChunk)
      if count.overflow || pool.next < 0 || pool.next >= max(count.partialValue, 1) {
        found.append("\(name): cursor \(pool.next) is out of range")
      }
    }
    for (share, chunks) in owners where chunks != Set(0..<chunks.count) || chunksGiven[share] != chunks.count {
      found.append("\(share.kind.words) chunks of \(share.facility) were not given out in order")
    }
    return found
  }
}
