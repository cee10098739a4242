// Single IP assignments and reservations: what they are, and their end. A server's own addresses come and go with layer
// 3 and with the server; elastic blocks are taken and given back.

import Net
import Rack

struct AddressRoutes {
  func register(on routes: inout Routes) {
    routes.get("/ips/:id", show)
    routes.patch("/ips/:id", update)
    routes.delete("/ips/:id", remove)
    routes.get("/ips/:id/available", available)
    routes.get("/projects/:id/ips", list)
    routes.post("/projects/:id/ips", reserve)
    routes.post("/devices/:id/ips", assign)
  }

  /// Reservations in a page of their list: more than other pages have, as in the original.
  private static let pageSize = 250

  private func show(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let renderer = call.renderer(view)
    switch try view.known(ip: call.parameter("id")) {
    case .address(let address, let server): return .ok(renderer.address(address, of: server))
    case .assignment(let assignment, let server): return .ok(renderer.assignment(assignment, of: server))
    case .reservation(let reservation): return .ok(renderer.reservation(reservation))
    }
  }

  /// What is not given, or null, stays as it is. An assignment has no words of its own.
  private func update(_ call: Call) async throws -> Reply {
    let reservation: Reservation
    switch try await call.view().known(ip: call.parameter("id")) {
    case .reservation(let found): reservation = found
    case .address(let address, let server):
      throw APIError.invalid(
        "\(address.address) is a management address of \(server.hostname), which has no details, tags and customdata; "
          + "valid is a reservation")
    case .assignment(let assignment, _):
      throw APIError.invalid(
        "\(assignment.block) is an assignment; what is written on it is its reservation's: "
          + "PATCH /ips/\(assignment.reservation)")
    }
    let arguments = call.arguments
    try await call.perform(
      .updateBlock(
        reservation.id,
        BlockUpdate(
          details: try arguments.string("details"), tags: try arguments.texts("tags"),
          customdata: try arguments.object("customdata"))))
    let view = await call.view()
    guard let changed = view[reservation.id] else {
      throw APIError.unknown("there is no reservation \(reservation.id)")
    }
    return .ok(call.renderer(view).reservation(changed))
  }

  private func remove(_ call: Call) async throws -> Reply {
    switch try await call.view().known(ip: call.parameter("id")) {
    case .address(let address, let server):
      throw APIError.invalid(
        "\(address.address) is a management address of \(server.hostname) and cannot be removed by itself; "
          + "converting the server to layer 2, or deleting it, frees it")
    case .assignment(let assignment, _): try await call.perform(.unassignBlock(assignment.id))
    case .reservation(let reservation): try await call.perform(.releaseBlock(reservation.id))
    }
    return .noContent
  }

  /// The parts of a reservation, of the length that is asked for, that are not assigned.
  private func available(_ call: Call) async throws -> Reply {
    let view = await call.view()
    guard case .reservation(let reservation) = try view.known(ip: call.parameter("id")) else {
      throw APIError.invalid("\(Arguments.shown(.string(call.parameter("id")))) is an assignment; give a reservation")
    }
    let valid = reservation.block.length...Reservation.lengths.upperBound
    let rule = "valid are \(valid.lowerBound) to \(valid.upperBound)"
    let length = try call.arguments.required("cidr", "a length of a prefix; \(rule)") { try call.arguments.integer($0) }
    guard valid.contains(length) else {
      throw APIError.invalid("cidr \(length) is not possible in \(reservation.block); \(rule)")
    }
    let taken = view.assignments(of: reservation).map(\.assignment.block)
    let free = reservation.block.parts(length).filter { part in !taken.contains { $0.overlaps(part) } }
    return .ok(["available": .array(free.map { .string("\($0)") })])
  }

  /// Reservations only: strict clients take an assignment in this list for a fault.
  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let project = try view.known(project: call.identifier(of: "project"))
    let page = try Page(call.arguments, size: Self.pageSize)
    let filter = try ReservationFilter(call.arguments)
    let reservations = view.reservations.filter { $0.project == project.id && filter.matches($0) }.inOrder
    return page.reply("ip_addresses", of: reservations, call: call, view) { $0.reservation($1) }
  }

  private func reserve(_ call: Call) async throws -> Reply {
    let project = try await call.view().known(project: call.identifier(of: "project"))
    let request = try ReservationRequest(call.arguments, project: project.id).request
    let outcome = try await call.perform(.reserveBlock(request))
    guard case .reservation(let id) = outcome.subject else { preconditionFailure("a reservation is the subject") }
    let view = await call.view()
    guard let reservation = view[id] else { throw APIError.unknown("there is no reservation \(id)") }
    return .created(call.renderer(view).reservation(reservation))
  }

  private func assign(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(server: call.identifier(of: "device"))
    let block = try call.arguments.required("address", Arguments.blockRule) { try call.arguments.block($0) }
    let outcome = try await call.perform(.assignBlock(server.id, block))
    guard case .assignment(let id) = outcome.subject else { preconditionFailure("an assignment is the subject") }
    let view = await call.view()
    guard let place = view[id] else { throw APIError.unknown("there is no IP assignment \(id)") }
    return .created(call.renderer(view).assignment(place.assignment, of: place.server))
  }
}
