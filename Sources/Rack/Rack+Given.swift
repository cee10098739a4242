import Net

/// Addresses that are given because they are asked for: what a lab had before goes back to it, as far as nobody has it
/// by now.
extension Rack {
  /// Gives a server exactly these blocks, beside those that it has, and returns the pools that are others afterwards.
  func takeAddresses(
    _ given: [Address.Kind: IPPrefix], for server: inout Server, with source: inout some Entropy
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
  func taken(_ block: IPPrefix, by request: BlockRequest, in facility: String) throws(Refusal) -> IPPrefix {
    guard block.isV4, block.length == request.length,
      addressPlan.range(of: .publicIPv4, in: facility)?.contains(block) == true
    else {
      throw .invalid(
        "\(block) is no elastic /\(request.length) of \(AddressPlan.name(of: .publicIPv4, in: facility))")
    }
    try mustBeFree(block, for: request.membership?.name ?? "the project", request.project)
    return block
  }

  /// All give back what they shall not have before the first takes anything, so that two can exchange.
  func giveAddresses(
    _ wanted: [ServerID: [Address.Kind: IPPrefix]], of lab: Lab, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    var (copy, changes): (Rack, [Change]) = (self, [])
    var taking: [(server: ServerID, missing: [Address.Kind: IPPrefix])] = []
    for server in try wanted.keys.map({ id throws(Refusal) in try server(id) }).sorted(by: { $0.number < $1.number }) {
      let given = wanted[server.id, default: [:]]
      guard server.lab == lab.id, server.layer == 3, !given.isEmpty else {
        throw .invalid(
          "\(server.hostname) cannot be given addresses: it must be a server of lab \(lab.name.quoted) in layer 3, where it "
            + "has at least one")
      }
      var stripped = server
      for address in server.addresses where given[address.kind] != address.network {
        stripped.lastHeld[address.kind] = address.network
        stripped.addresses.removeAll { $0.id == address.id }
      }
      taking.append((server.id, given.filter { kind, _ in stripped.address(kind) == nil }))
      guard stripped != server else { continue }
      changes.append(.server(stripped, replacing: server))
      copy.apply([changes[changes.count - 1]])
    }
    for (id, missing) in taking where !missing.isEmpty {
      let old = try copy.server(id)
      var new = old
      let pools = try copy.takeAddresses(missing, for: &new, with: &source)
      let given = pools.map { Change.pool($0) } + [.server(new, replacing: old)]
      changes += given
      copy.apply(given)
    }
    for (id, _) in taking {
      let old = try copy.server(id)
      guard old.address(.publicIPv4) == nil, !old.blocks.isEmpty else { continue }
      var new = old
      new.blocks = []
      changes.append(.server(new, replacing: old))
    }
    guard !changes.isEmpty else { return Outcome(subject: .lab(lab.id)) }
    return Outcome(subject: .lab(lab.id), changes: changes)
  }

  /// Names whoever has addresses of `block` when it is of the same project; of others only that it is theirs.
  private func mustBeFree(_ block: IPPrefix, for name: String, _ project: ProjectID) throws(Refusal) {
    guard addressPools.isTaken(block) else { return }
    var holder = "somebody"
    for part in block.isV4 ? Array(block.parts(32)) : [IPPrefix(block.base)] {
      if let found = reservation(containing: part) {
        holder = found.project == project ? "elastic block \(found.block)" : "another project"
      } else if let found = index.hosts[part]
        ?? index.hosts[
          IPPrefix(part.base.masked(to: 127) + 1)], let server = servers[found]
      {
        holder = server.project == project ? "server \(server.hostname)" : "another project"
      }
    }
    throw .invalid("\(block), which \(name) had, is taken by \(holder)")
  }
}
