public import FoundationEssentials

/// Several changes of one port's networks that were made at once.
public struct AssignmentBatch: Hashable, Sendable {
  public let id: BatchID
  public let port: PortID
  public let project: ProjectID
  public let createdAt: Date
  /// What was asked for, in that order.
  public let entries: [Entry]

  public struct Entry: Hashable, Sendable, Codable {
    public let network: NetworkID
    public let vxlan: Int
    public let isAssigned: Bool
    /// Whether it is native now.
    public let isNative: Bool

    public init(network: NetworkID, vxlan: Int, isAssigned: Bool, isNative: Bool) {
      (self.network, self.vxlan, self.isAssigned, self.isNative) = (network, vxlan, isAssigned, isNative)
    }
  }

  public init(id: BatchID, port: PortID, project: ProjectID, createdAt: Date, entries: [Entry]) {
    (self.id, self.port, self.project, self.createdAt, self.entries) = (id, port, project, createdAt, entries)
  }
}

/// What is asked of a network twice is refused, because the answer would depend on the order; apart from that the order of the entries does
/// not count: networks leave first, so that one can take another's place, then come, then the native one is chosen.
extension Rack {
  func changeAssignments(
    of id: PortID, _ changes: [AssignmentChange], with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    let (old, name) = try serverAndPort(id)
    guard !changes.isEmpty else { throw .invalid("the batch has no vlan_assignments; give at least one") }
    guard changes.count <= Self.networksPerPortLimit else {
      throw .invalid("the batch has \(changes.count) vlan_assignments; valid are up to \(Self.networksPerPortLimit)")
    }
    var wanted: [(network: VirtualNetwork, change: AssignmentChange)] = []
    for change in changes {
      let network = try network(change.network, for: old)
      guard !wanted.contains(where: { $0.network.id == network.id }) else {
        throw .invalid("virtual network \(network.vxlan) is in the batch twice")
      }
      wanted.append((network, change))
    }
    var new = old
    for (network, change) in wanted where !change.isAssigned && new[name].networks.contains(network.id) {
      try unassign(.id(network.id), from: name, of: &new)
    }
    for (network, change) in wanted where change.isAssigned && !new[name].networks.contains(network.id) {
      try assign(.id(network.id), to: name, of: &new)
    }
    let natives = wanted.filter { $0.change.isAssigned && $0.change.isNative == true }.map(\.network)
    guard natives.count < 2 else {
      throw .invalid(
        "virtual networks \(natives.map { String($0.vxlan) }.listed()) cannot all be native; a port has one")
    }
    for (network, change) in wanted where change.isNative == false && new[name].native == network.id {
      new[name].native = nil
    }
    if let native = natives.first { try setNative(.id(native.id), on: name, of: &new) }

    let batch = AssignmentBatch(
      id: BatchID(source.identifier()), port: id, project: old.project, createdAt: source.now,
      entries: wanted.map { network, change in
        AssignmentBatch.Entry(
          network: network.id, vxlan: network.vxlan, isAssigned: change.isAssigned,
          isNative: new[name].native == network.id)
      })
    var outcome = outcome(of: old, to: new, subject: .batch(batch.id))
    outcome.batch = batch
    return outcome
  }
}
