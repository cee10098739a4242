import Net

/// Elastic blocks: reserve, assign, unassign, release, and what is written on them.
///
/// An assigned block is routed to its server's public IPv4 address, so it goes where that goes: it stays between layer3
/// and hybrid, and is unassigned by a conversion to layer 2 and with the server. The reservation stays with the project
/// until it is released. Coming back to layer 3 assigns nothing.
extension Rack {
  func reserveBlock(_ request: BlockRequest, with source: inout some Entropy) throws(Refusal) -> Outcome {
    guard let project = projects[request.project] else {
      throw .notFound("project \(request.project) does not exist")
    }
    guard let facility = Catalogue.facility(request.facility) else {
      throw .invalid(Self.unknownFacility(request.facility))
    }
    guard Reservation.lengths.contains(request.length) else { throw .invalid(Self.wrongLength("/\(request.length)")) }
    if let fault = Names.fault(of: request.note) { throw .invalid(fault) }
    try mustHaveRoom(forBlockOf: request.length, project)
    guard reservations.count < Self.reservationLimit else {
      throw .invalid("the rack has \(Self.reservationLimit) elastic blocks, which is its limit; release one first")
    }
    try mustFit(request.membership, project.id, \.reservations)
    let (block, pool) =
      if let given = request.given {
        (try taken(given, by: request, in: facility.code), nil as AddressPool?)
      } else {
        try addressPools.chooseElastic(length: request.length, in: facility.code) as (IPPrefix, AddressPool?)
      }
    let reservation = Reservation(
      id: ReservationID(source.identifier()), project: request.project, facility: facility.code, block: block,
      note: request.note, membership: request.membership, createdAt: source.now)
    let pools = [pool].compactMap(\.self).map { Change.pool($0) }
    return Outcome(subject: .reservation(reservation.id), changes: pools + [.reservation(reservation)])
  }

  func assignBlock(
    _ block: IPPrefix, to old: Server, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    var new = old
    let id = try assign(block, to: &new, with: &source)
    return outcome(of: old, to: new, subject: .assignment(id))
  }

  /// For a server that is being made: the first reservation of the wish that has such a block free.
  func assign(_ wish: BlockWish, to server: inout Server, with source: inout some Entropy) throws(Refusal) {
    var free: IPPrefix?
    for id in wish.reservations {
      guard let reservation = reservations[id], reservation.project == server.project else {
        throw .invalid("ip_reservations has \(id), which is no reservation of the project of the device")
      }
      let length = wish.length ?? reservation.block.length
      guard free == nil, (reservation.block.length...Reservation.lengths.upperBound).contains(length) else { continue }
      let taken = assignments(of: id).map(\.assignment.block) + server.blocks.map(\.block)
      free = reservation.block.parts(length).first { part in !taken.contains { $0.overlaps(part) } }
    }
    guard let free else {
      let names = wish.reservations.compactMap { reservations[$0]?.block.description }.listed()
      throw .invalid(
        "ip_reservations names \(names), which has no "
          + (wish.length.map { "/\($0)" } ?? "whole block") + " left; unassign one, or name another reservation")
    }
    _ = try assign(free, to: &server, with: &source)
  }

  private func assign(
    _ block: IPPrefix, to server: inout Server, with source: inout some Entropy
  ) throws(Refusal) -> AssignmentID {
    guard block.isV4, Reservation.lengths.contains(block.length) else {
      throw .invalid(Self.wrongLength("\(block)"))
    }
    let reservation = try reservation(containing: block, for: server)
    guard server.isRouted(.bond0) else {
      throw .invalid(
        "\(server.hostname) is \(server.mode.rawValue), and nothing is routed to it: "
          + "convert it to layer3 or hybrid first"
      )
    }
    guard server.address(.publicIPv4) != nil else {
      throw .invalid(
        "\(server.hostname) has no public IPv4 address, by which \(block) would be routed to it; "
          + "it gets one when it is converted to layer 2 and back")
    }
    if let (holder, other) = assignments(of: reservation.id).first(where: { $0.assignment.block.overlaps(block) }) {
      let which = other.block == block ? "\(block)" : "\(other.block), which has addresses of \(block),"
      throw .invalid("\(which) is assigned to \(holder.hostname) already; unassign it there first")
    }
    guard server.blocks.count < Self.blocksPerServerLimit else {
      throw .invalid(
        "\(server.hostname) has \(Self.blocksPerServerLimit) elastic blocks, which is the limit; unassign one first")
    }
    let assignment = BlockAssignment(
      id: AssignmentID(source.identifier()), reservation: reservation.id, block: block, createdAt: source.now)
    server.blocks.append(assignment)
    return assignment.id
  }

  func updateBlock(_ id: ReservationID, _ update: BlockUpdate) throws(Refusal) -> Outcome {
    guard var reservation = reservations[id] else { throw .notFound("reservation \(id) does not exist") }
    if let text = update.details { reservation.note.details = text.isEmpty ? nil : text }
    if let tags = update.tags { reservation.note.tags = tags }
    if let text = update.customdata { reservation.note.customdata = text }
    if let fault = Names.fault(of: reservation.note) { throw .invalid(fault) }
    guard reservation != reservations[id] else { return Outcome(subject: .reservation(id)) }
    return Outcome(subject: .reservation(id), changes: [.reservation(reservation)])
  }

  func unassignBlock(_ id: AssignmentID) throws(Refusal) -> Outcome {
    guard let (old, _) = assignment(id) else { throw .notFound("elastic assignment \(id) does not exist") }
    var new = old
    new.blocks.removeAll { $0.id == id }
    return outcome(of: old, to: new, subject: .server(old.id))
  }

  func releaseBlock(_ id: ReservationID) throws(Refusal) -> Outcome {
    guard let reservation = reservations[id] else { throw .notFound("reservation \(id) does not exist") }
    let assigned = assignments(of: id)
    guard assigned.isEmpty else {
      let parts = assigned.map { server, assignment in
        (assignment.block == reservation.block ? "" : "\(assignment.block) of it ") + "to \(server.hostname)"
      }
      throw .invalid("\(reservation.block) is assigned, \(parts.listed()); unassign it there first")
    }
    return Outcome(subject: .nothing, changes: [.reservationDeleted(id)])
  }

  /// The reservation of the server's project and facility that has the block. One of another project is none, in the
  /// same words: who asks may not know of it.
  private func reservation(containing block: IPPrefix, for server: Server) throws(Refusal) -> Reservation {
    guard let found = reservation(containing: block), found.project == server.project else {
      throw .invalid(
        "\(block) is not in an elastic block that the project of \(server.hostname) has reserved: reserve one first; "
          + "a block goes to servers of its own project only")
    }
    guard found.facility == server.facility else {
      throw .invalid(
        "\(block) is reserved in facility \(found.facility), \(server.hostname) is in \(server.facility); "
          + "a block never leaves its facility")
    }
    return found
  }

  private static func wrongLength(_ text: String) -> String {
    "an elastic block cannot be \(text); valid are IPv4 blocks of /29 (8 addresses), /30 (4), /31 (2) and /32 (1)"
  }
}
