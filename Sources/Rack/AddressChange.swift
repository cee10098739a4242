public import Net

/// What a change of bond0's layer does to a server's addresses.
///
/// In layer 2 there are none. Leaving layer 3 gives them back for good and unassigns the elastic blocks, whose
/// reservations stay with the project; coming back, the server gets new ones. `Rack+Addresses` decides it, and whoever
/// tells people of it, before or afterwards, tells this.
public struct AddressChange: Hashable, Sendable {
  /// A new address: a block of two, the odd one for the server.
  public struct Given: Hashable, Sendable {
    public let kind: Address.Kind
    public let network: IPPrefix
  }

  /// Given back for good.
  public internal(set) var released: [Address] = []
  /// Elastic blocks that are routed to nobody any more.
  public internal(set) var unassigned: [BlockAssignment] = []
  public internal(set) var given: [Given] = []
  /// Those that `given` is from, as they are afterwards.
  var pools: [AddressPool] = []

  /// Whether the server keeps what it has, and gets nothing new.
  public var isEmpty: Bool { !isLoss && given.isEmpty }

  /// Whether the server had something that it does not get back.
  public var isLoss: Bool { !released.isEmpty || !unassigned.isEmpty }
}

extension Outcome {
  /// What the command does to the addresses of a server that it changes.
  public var addressChange: AddressChange {
    var result = AddressChange()
    for change in changes {
      switch change {
      case .pool(let pool): result.pools.append(pool)
      case .server(let new, replacing: let old?):
        result.released = old.addresses.filter { !new.addresses.contains($0) }
        result.unassigned = old.blocks.filter { !new.blocks.contains($0) }
        result.given = new.addresses.filter { !old.addresses.contains($0) }
          .map { AddressChange.Given(kind: $0.kind, network: $0.network) }
      default: break
      }
    }
    return result
  }
}

extension Address {
  /// The server's address with the length of its block: `198.18.0.3/31`.
  public var text: String { "\(address)/\(network.length)" }
}

extension AddressChange.Given {
  /// As `Address.text`.
  public var text: String { "\(network.base + 1)/\(network.length)" }
}
