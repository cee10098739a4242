/// The only place where a server gets or loses addresses; `AddressChange` says by what rule.
extension Rack {
  /// What becomes of the addresses when the server is taken to a mode.
  func addressChange(of server: Server, to mode: NetworkMode) throws(Refusal) -> AddressChange {
    switch (server.layer, mode.layer) {
    case (3, 2): server.leavingLayer3
    case (2, 3): try newAddresses(Address.Kind.allCases, for: server)
    default: AddressChange()
    }
  }

  /// A new block of each of `kinds`. Nothing is taken yet.
  func newAddresses(_ kinds: [Address.Kind], for server: Server) throws(Refusal) -> AddressChange {
    guard let facility = Catalogue.facility(server.facility) else {
      throw .invalid(Self.unknownFacility(server.facility))
    }
    var change = AddressChange()
    for kind in kinds {
      let (block, pool) = try addressPools.choose(
        kind, in: facility.code, for: server.project, avoiding: server.lastHeld[kind])
      change.given.append(AddressChange.Given(kind: kind, network: block))
      change.pools.append(pool)
    }
    return change
  }
}

extension Server {
  var leavingLayer3: AddressChange { AddressChange(released: addresses, unassigned: blocks) }

  /// Loses what the change takes.
  mutating func lose(_ change: AddressChange) {
    for address in change.released { lastHeld[address.kind] = address.network }
    addresses.removeAll(where: change.released.contains)
    blocks.removeAll(where: change.unassigned.contains)
  }

  /// Gets what the change gives.
  mutating func get(_ change: AddressChange, with source: inout some Entropy) {
    for given in change.given {
      addresses.append(
        Address(
          id: AddressID(source.identifier()), kind: given.kind, network: given.network, createdAt: source.now))
    }
  }
}
