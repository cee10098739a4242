/// Addresses that are given because they are asked for: what a lab had before goes back to it, as far as nobody has it
/// by now.
extension Rack {
  /// Gives a server exactly these blocks, beside those that it has, and returns the pools that are others afterwards.
  func takeAddresses(
    _ given: [Address.Kind: IPBlock], for server: inout Server, with source: inout some Entropy
  ) throws(Refusal) -> [AddressPool] {
    guard Catalogue.facility(server.facility) != nil else { throw .invalid(Self.unknownFacility(server.facility)) }
    var pools: [AddressPool] = []
    for kind in Address.Kind.allCases {
      guard let block = given[kind] else { continue }
      try mustBeFree(block, for: server.hostname, server.project)
      guard let pool = addressPools.pool(having: block, kind, in: server.facility, for: server.project) else {
        let range = addressPlan.range(of: kind, in: server.facility)
        throw .invalid(
          "\(block), which \(server.hostname) had, "
            + (range?.contains(block) == true
              ? "is in a part of \(range!) that another project has now"
              : "is not of \(AddressPlan.name(of: kind, in: server.facility))"
                + (range.map { ", which is \($0)" } ?? "")))
      }
      if pool.isNew { pools.append(pool.pool) }
      server.addresses.append(
        Address(id: AddressID(source.identifier()), kind: kind, network: block, createdAt: source.now))
    }
    let order = Address.Kind.allCases
    server.addresses.sort { order.firstIndex(of: $0.kind)! < order.firstIndex(of: $1.kind)! }
    return pools
  }

  /// The elastic block that a request asks for, if it can be had.
  func taken(_ block: IPBlock, by request: BlockRequest, in facility: String) throws(Refusal) -> IPBlock {
    guard block.family == 4, block.length == request.length,
      addressPlan.range(of: .publicIPv4, in: facility)?.contains(block) == true
    else { throw .invalid("\(block) is no elastic /\(request.length) of \(AddressPlan.name(of: .publicIPv4, in: facility))") }
    try mustBeFree(block, for: request.membership?.name ?? "the project", request.project)
    return block
  }

  /// A mode, and in layer 3 exactly `given`.
  func setMode(
    of old: Server, to mode: NetworkMode, addresses given: [Address.Kind: IPBlock], with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    guard mode.layer == 3, old.mode == mode || mode != .hybridBonded else {
      return try setMode(of: old, to: mode, with: &source)
    }
    guard let plan = Catalogue.plan(old.plan), plan.allows(mode) else {
      throw .invalid("\(old.hostname) is a \(old.plan), which has no mode \(mode.rawValue)")
    }
    guard !given.isEmpty else { throw .invalid("\(old.hostname) is to have no address, and layer 3 needs one") }
    try mustBeFree(old, for: mode)
    var new = old
    new.setMembers(Set(mode.members))
    new.layer = 3
    for address in old.addresses where given[address.kind] != address.network {
      new.lastHeld[address.kind] = address.network
      new.addresses.removeAll { $0.id == address.id }
    }
    let missing = given.filter { kind, _ in new.address(kind) == nil }
    let pools = try takeAddresses(missing, for: &new, with: &source)
    if new.address(.publicIPv4) == nil { new.blocks = [] }
    return outcome(of: old, to: new, pools: pools, subject: .server(old.id))
  }

  /// Names whoever has addresses of `block` when it is of the same project; of others only that it is theirs.
  private func mustBeFree(_ block: IPBlock, for name: String, _ project: ProjectID) throws(Refusal) {
    guard addressPools.isTaken(block) else { return }
    var holder = "somebody"
    for part in block.family == 4 ? Array(block.parts(32)) : [block.prefix(128)] {
      if let found = reservation(containing: part) {
        holder = found.project == project ? "elastic block \(found.block)" : "another project"
      } else if let found = index.hosts[part] ?? index.hosts[IPBlock(family: part.family, base: part.base | 1, length: part.length)],
        let server = servers[found]
      {
        holder = server.project == project ? "server \(server.hostname)" : "another project"
      }
    }
    throw .invalid("\(block), which \(name) had, is taken by \(holder)")
  }
}
