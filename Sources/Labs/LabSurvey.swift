import Net
import Rack

/// What a target comes to on a rack: which records are there, which are made anew, and what each server will be.
struct LabSurvey {
  let target: LabTarget
  let view: LabView
  let project: ProjectID
  let adopts: Bool
  /// By name in the lab.
  private(set) var servers: [String: Subject] = [:]
  private(set) var networks: [String: NetworkSubject] = [:]

  struct Subject {
    /// The lab's own, or one that is nobody's and is to be taken.
    var existing: Server?
    var isTaken: Bool
    var plan: String
    var facility: String
    /// The mode that it will have; hybrid-bonded also where it comes by a network on bond0.
    var mode: NetworkMode
    /// The one that the target names, or means by saying nothing.
    var wanted: NetworkMode?
    var isRecreated: Bool

    /// The record that stays.
    var kept: Server? { isRecreated ? nil : existing }
  }

  struct NetworkSubject {
    var existing: VirtualNetwork?
    var isTaken: Bool
    /// As it is asked for, or is.
    var number: Int?
    var place: NetworkPlace
    var isRecreated: Bool

    var kept: VirtualNetwork? { isRecreated ? nil : existing }
  }

  init(_ target: LabTarget, _ view: LabView, project: ProjectID, adopts: Bool) {
    (self.target, self.view, self.project, self.adopts) = (target, view, project, adopts)
    let networks = target.networks.map { ($0.name, subject($0.name, $0.value)) }
    let servers = target.servers.map { ($0.name, subject($0.name, $0.value)) }
    self.networks = Dictionary(networks) { _, last in last }
    self.servers = Dictionary(servers) { _, last in last }
  }

  private func subject(_ name: String, _ wanted: LabTarget.Network) -> NetworkSubject {
    var existing = view.network(name)
    var isTaken = false
    let place = wanted.place ?? existing?.place ?? .facility(Catalogue.defaultFacility.code)
    if existing == nil, adopts, let number = wanted.vxlan,
      let other = view.rack.network(numbered: number, in: place, project: project), other.membership == nil
    {
      (existing, isTaken) = (other, true)
    }
    let isRecreated = existing.map { $0.place != place || wanted.vxlan ?? $0.vxlan != $0.vxlan }
    return NetworkSubject(
      existing: existing, isTaken: isTaken, number: wanted.vxlan ?? existing?.vxlan, place: place,
      isRecreated: isRecreated ?? false)
  }

  private func subject(_ name: String, _ wanted: LabTarget.Server) -> Subject {
    var existing = view.server(name)
    var isTaken = false
    if existing == nil, adopts, let other = view.rack.server(named: name, of: project), other.membership == nil {
      (existing, isTaken) = (other, true)
    }
    let plan = wanted.plan ?? existing?.plan ?? Catalogue.defaultPlan.slug
    let facility = wanted.facility ?? existing?.facility ?? Catalogue.defaultFacility.code
    let isRecreated = existing.map { $0.plan != plan || $0.facility != facility } ?? false
    let usual = Catalogue.plan(plan)?.initialMode ?? .layer3
    var mode = wanted.mode ?? (wanted.isUsualMode ? usual : nil)
    // layer3 says nothing of a bond0 that is not named: what somebody has put on it by hand may stay.
    if mode == .layer3, wanted.ports[.bond0] == nil, !isRecreated, existing?.mode == .hybridBonded {
      mode = .hybridBonded
    }
    var final = mode ?? (isRecreated ? nil : existing?.mode) ?? usual
    if mode == nil, final == .layer3 || final == .hybridBonded, let bond0 = wanted.ports[.bond0] {
      final = bond0.isEmpty ? .layer3 : .hybridBonded
    }
    return Subject(
      existing: existing, isTaken: isTaken, plan: plan, facility: facility, mode: final, wanted: mode,
      isRecreated: isRecreated)
  }
}

extension LabSurvey {
  struct BlockSubject {
    var existing: Reservation?
    var isTaken: Bool
    var facility: String
    var isRecreated: Bool

    var kept: Reservation? { isRecreated ? nil : existing }
  }

  /// By name in the lab. A block that has no facility of its own follows its server.
  func blocks() -> [String: BlockSubject] {
    var found: [String: BlockSubject] = [:]
    var taken: Set<ReservationID> = []
    for entry in target.blocks {
      let wanted = entry.value
      let holder = wanted.server.flatMap { servers[$0] }
      var existing = view.block(entry.name)
      var isTaken = false
      if existing == nil, adopts, let server = holder?.existing {
        existing =
          server.blocks.lazy.compactMap { view.rack.reservations[$0.reservation] }.first {
            $0.membership == nil && $0.block.length == wanted.size && view.holder(of: $0)?.id == server.id
              && !taken.contains($0.id)
          }
        isTaken = existing != nil
        if let existing { taken.insert(existing.id) }
      }
      let facility =
        holder?.facility ?? existing?.facility ?? wanted.facility ?? Catalogue.defaultFacility.code
      let isRecreated = existing.map {
        $0.block.length != wanted.size || $0.facility != facility || wanted.block ?? "\($0.block)" != "\($0.block)"
      }
      found[entry.name] = BlockSubject(
        existing: existing, isTaken: isTaken, facility: facility, isRecreated: isRecreated ?? false)
    }
    return found
  }
}
