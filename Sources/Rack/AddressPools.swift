import Net

/// All pools, and which blocks are in use.
///
/// ## Invariants
/// 1. A chunk belongs to at most one pool, for as long as that one's project is there.
/// 2. `held` has the block of every management address of every server, and no other.
/// 3. `reserved` has every address of every elastic block, and no other.
struct AddressPools: Sendable {
  let plan: AddressPlan
  private(set) var pools: [AddressPool.Key: AddressPool] = [:]
  private var held: Set<IPPrefix> = []
  private var reserved: Set<IPAddress> = []
  private var chunksOwned: [Range: Set<Int>] = [:]

  private struct Range: Hashable, Sendable {
    var facility: String
    var kind: Address.Kind
  }

  init(plan: AddressPlan) { self.plan = plan }

  func isHeld(_ block: IPPrefix) -> Bool { held.contains(block) }
  var heldCount: Int { held.count }
  func isReserved(_ address: IPAddress) -> Bool { reserved.contains(address) }
  var reservedCount: Int { reserved.count }

  /// Chooses a free block of two, and says what the pool is afterwards. Nothing is taken until `put` and `hold`.
  ///
  /// `avoiding` is given out only when nothing else is free.
  func choose(
    _ kind: Address.Kind, in facility: String, for project: ProjectID, avoiding: IPPrefix?
  ) throws(Refusal) -> (block: IPPrefix, pool: AddressPool) {
    var pool = pool(kind, in: facility, for: project)
    var lastResort: Int?
    let count = rowLength(of: pool)
    for step in 0..<count {
      let index = (pool.next + step) % count
      let block = block(index, of: pool)
      if isTaken(block) { continue }
      if block == avoiding {
        lastResort = index
        continue
      }
      pool.next = (index + 1) % count
      return (block, pool)
    }
    if let chunk = freeChunk(kind, in: facility) {
      pool.chunks.append(chunk)
      pool.next = (count + 1) % rowLength(of: pool)
      return (block(count, of: pool), pool)
    }
    if let lastResort {
      pool.next = (lastResort + 1) % count
      return (block(lastResort, of: pool), pool)
    }
    let range = plan.range(of: kind, in: facility).map { " of \($0)" } ?? ""
    let whose = kind.isPerProject ? " that the project can have" : " for servers"
    throw .invalid(
      "facility \(facility) has no \(kind.words) addresses left: all \(count) blocks\(range)\(whose) are in use; "
        + "delete a server there, or convert one to a layer-2 mode")
  }

  /// Chooses a free elastic block, and says what the pool is afterwards. Nothing is taken until `put` and `reserve`.
  func chooseElastic(length: Int, in facility: String) throws(Refusal) -> (block: IPPrefix, pool: AddressPool) {
    guard let range = plan.elasticRange(in: facility) else { throw .invalid(Rack.unknownFacility(facility)) }
    var pool = pool(.publicIPv4, in: facility, for: nil)
    let size = 1 << (32 - length)
    let count = Int(range.size) / size
    let first = (pool.nextElastic + size - 1) / size
    for step in 0..<count {
      let offset = (first + step) % count * size
      let block = IPPrefix(range.base + UInt128(offset), length: length)
      if isTaken(block) { continue }
      pool.nextElastic = (offset + size) % Int(range.size)
      return (block, pool)
    }
    throw .invalid(
      "facility \(facility) has no free elastic /\(length) left in \(range); release a block there"
        + (length < 32 ? ", or reserve a smaller one" : ""))
  }

  /// Puts a pool in place. Of one that is from another plan only what lies in this plan's range is left.
  mutating func put(_ pool: AddressPool) {
    var pool = pool
    let kind = pool.key.kind
    if let range = plan.range(of: kind, in: pool.key.facility) {
      let valid = kind.chunks(in: range)
      pool.chunks.removeAll { !valid.contains($0) }
      if pool.next > 0 { pool.next %= max(rowLength(of: pool), 1) }
      if pool.nextElastic > 0 { pool.nextElastic %= Int(range.size / 4) }
    }
    let owner = Range(facility: pool.key.facility, kind: kind)
    chunksOwned[owner, default: []].subtract(pools.updateValue(pool, forKey: pool.key)?.chunks ?? [])
    chunksOwned[owner, default: []].formUnion(pool.chunks)
  }

  /// Forgets the pools of a project that has no servers any more. Their chunks are free for others.
  mutating func remove(of project: ProjectID) {
    for (key, pool) in pools where key.project == project {
      chunksOwned[Range(facility: key.facility, kind: key.kind), default: []].subtract(pool.chunks)
      pools[key] = nil
    }
  }

  mutating func hold(_ block: IPPrefix) { held.insert(block) }
  mutating func release(_ block: IPPrefix) { held.remove(block) }
  mutating func reserve(_ block: IPPrefix) { reserved.formUnion(block.parts(32).map(\.base)) }
  mutating func giveBack(_ block: IPPrefix) { reserved.subtract(block.parts(32).map(\.base)) }

  /// Whether the pool of a server's project has `block` in its row, or has had it under another plan.
  func has(_ block: IPPrefix, _ kind: Address.Kind, in facility: String, for project: ProjectID) -> Bool {
    guard let range = plan.range(of: kind, in: facility), range.contains(block), block.length == kind.blockLength else {
      return false
    }
    return !kind.isPerProject || pool(kind, in: facility, for: project).chunks.contains(kind.chunk(of: block))
  }

  /// The pool of a project with `block` in its row, and whether it is another one than before; nothing is taken. `nil`
  /// when the block is another pool's or out of range.
  func pool(
    having block: IPPrefix, _ kind: Address.Kind, in facility: String, for project: ProjectID
  ) -> (pool: AddressPool, isNew: Bool)? {
    guard let range = plan.range(of: kind, in: facility), range.contains(block), block.length == kind.blockLength else {
      return nil
    }
    var pool = pool(kind, in: facility, for: project)
    let chunk = kind.isPerProject ? kind.chunk(of: block) : 0
    if !kind.isPerProject || pool.chunks.contains(chunk) { return (pool, pools[pool.key] == nil) }
    guard !chunksOwned[Range(facility: facility, kind: kind), default: []].contains(chunk) else { return nil }
    pool.chunks.append(chunk)
    return (pool, true)
  }

  private func pool(_ kind: Address.Kind, in facility: String, for project: ProjectID?) -> AddressPool {
    let key = AddressPool.Key(facility: facility, kind: kind, project: kind.isPerProject ? project : nil)
    return pools[key] ?? AddressPool(key: key)
  }

  /// Whether a management or an elastic block has addresses of it. IPv4 blocks of two and elastic ones meet, no others.
  func isTaken(_ block: IPPrefix) -> Bool {
    guard block.isV4 else { return held.contains(block) }
    return block.parts(32).contains { reserved.contains($0.base) || held.contains($0.prefix(31)) }
  }

  private func rowLength(of pool: AddressPool) -> Int {
    let kind = pool.key.kind
    if kind.isPerProject { return pool.chunks.count * kind.blocksPerChunk }
    return plan.range(of: kind, in: pool.key.facility).map { Int($0.size / 8 * 3) } ?? 0
  }

  private func block(_ index: Int, of pool: AddressPool) -> IPPrefix {
    let kind = pool.key.kind
    if kind.isPerProject { return kind.block(index, of: pool.chunks) }
    let range = plan.range(of: kind, in: pool.key.facility)!
    return IPPrefix(range.base + UInt128(index) * 2, length: 31)
  }

  private func freeChunk(_ kind: Address.Kind, in facility: String) -> Int? {
    guard kind.isPerProject, let range = plan.range(of: kind, in: facility) else { return nil }
    let owned = chunksOwned[Range(facility: facility, kind: kind), default: []]
    return kind.chunks(in: range).first { !owned.contains($0) }
  }

  /// Sentences about what is wrong; empty when all is well.
  func violations() -> [String] {
    var found: [String] = []
    var owners: [Range: Set<Int>] = [:]
    for (key, pool) in pools {
      let owner = Range(facility: key.facility, kind: key.kind)
      let name = "\(key.kind.words) pool of \(key.facility)"
      if plan.range(of: key.kind, in: key.facility) == nil { found.append("\(name): unknown facility") }
      if key.kind.isPerProject != (key.project != nil) { found.append("\(name) has the wrong kind of owner") }
      if !key.kind.isPerProject, !pool.chunks.isEmpty { found.append("\(name) has chunks") }
      for chunk in pool.chunks where !owners[owner, default: []].insert(chunk).inserted {
        found.append("\(name): chunk \(chunk) has two owners")
      }
      if pool.next < 0 || pool.next >= max(rowLength(of: pool), 1) {
        found.append("\(name): cursor \(pool.next) is out of range")
      }
      let elastic = key.kind == .publicIPv4 ? plan.elasticRange(in: key.facility).map { Int($0.size) } ?? 1 : 1
      if pool.nextElastic < 0 || pool.nextElastic >= elastic {
        found.append("\(name): elastic cursor \(pool.nextElastic) is out of range")
      }
    }
    for (owner, chunks) in chunksOwned where chunks != owners[owner, default: []] {
      found.append("\(owner.kind.words) chunks of \(owner.facility) do not agree with the pools")
    }
    return found
  }
}
