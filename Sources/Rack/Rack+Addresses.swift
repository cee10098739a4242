extension Rack {
  /// Gives the server a new block of each of `kinds`, and returns the pools as they are afterwards.
  func giveAddresses(
    _ kinds: [Address.Kind], to server: inout Server, with source: inout some Entropy
  ) throws(Refusal) -> [AddressPool] {
    guard let facility = Catalogue.facility(server.facility) else {
      throw .invalid(Self.unknownFacility(server.facility))
    }
    var pools: [AddressPool] = []
    for kind in kinds {
      let (block, pool) = try addressPools.choose(
        kind, in: facility.code, for: server.project, avoiding: server.lastHeld[kind])
      pools.append(pool)
      server.addresses.append(
        Address(id: AddressID(source.identifier()), kind: kind, network: block, createdAt: source.now))
    }
    return pools
  }

  /// Takes all addresses from the server, for good, and unassigns its elastic blocks, which stay with the project.
  func releaseAddresses(of server: inout Server) {
    for address in server.addresses { server.lastHeld[address.kind] = address.network }
    server.addresses = []
    server.blocks = []
  }
}
