// Networks on a port as a list of their own, and its change in batches. A batch is done, all of it or nothing, before it
// is answered; clients that would wait for it see at once that it is completed.

import Rack

struct AssignmentRoutes {
  func register(on routes: inout Routes) {
    routes.get("/ports/:id/vlan-assignments", list)
    routes.get("/ports/:id/vlan-assignments/:assignment", show)
    routes.get("/ports/:id/vlan-assignments/batches", listBatches)
    routes.post("/ports/:id/vlan-assignments/batches", change)
    routes.get("/ports/:id/vlan-assignments/batches/:batch", showBatch)
  }

  private func list(_ call: Call) async throws -> Reply {
    let page = try Page(call.arguments, size: Page.sizeLimit)
    let view = await call.view()
    let (server, port) = try view.known(port: call.identifier(of: "port"))
    let assignments = call.renderer(view).assignments(of: port, server)
    return page.reply("vlan_assignments", of: assignments, call: call, view) { $1.json }
  }

  private func show(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let (server, port) = try view.known(port: call.identifier(of: "port"))
    let text = call.parameter("assignment").lowercased()
    guard let assignment = call.renderer(view).assignments(of: port, server).first(where: { $0.id == text }) else {
      throw APIError.unknown(
        "there is no VLAN assignment \(Arguments.shown(.string(text))) on \(port.name.rawValue) of \(server.hostname)")
    }
    return .ok(assignment.json)
  }

  private func listBatches(_ call: Call) async throws -> Reply {
    let page = try Page(call.arguments, size: Page.sizeLimit)
    let view = await call.view()
    let (server, port) = try view.known(port: call.identifier(of: "port"))
    return page.reply("batches", of: try await call.batches(of: port), call: call, view) {
      $0.batch($1, on: port, of: server)
    }
  }

  private func showBatch(_ call: Call) async throws -> Reply {
    try await batch(call.identifier("batch", of: "batch"), call).map(Reply.ok)
      ?? {
        throw APIError.unknown("there is no batch \(Arguments.shown(.string(call.parameter("batch")))) of this port")
      }()
  }

  /// `nil`: the port has no such batch.
  private func batch(_ id: BatchID, _ call: Call) async throws -> JSON? {
    let view = await call.view()
    let (server, port) = try view.known(port: call.identifier(of: "port"))
    guard let batch = try await call.batch(id), batch.port == port.id else { return nil }
    return call.renderer(view).batch(batch, on: port, of: server)
  }

  private func change(_ call: Call) async throws -> Reply {
    let (_, port) = try await call.view().known(port: call.identifier(of: "port"))
    let outcome = try await call.perform(.changeAssignments(port.id, try Self.changes(call.arguments)))
    guard case .batch(let id) = outcome.subject, let batch = try await batch(id, call) else {
      preconditionFailure("a batch that was made is the subject")
    }
    return .created(batch)
  }

  private static func changes(_ arguments: Arguments) throws(APIError) -> [AssignmentChange] {
    let rule = #"give a list of objects such as {"vlan": "1001", "state": "assigned", "native": false}"#
    guard let entries = try arguments.objects("vlan_assignments", rule) else {
      throw .invalid("vlan_assignments is missing; \(rule)")
    }
    return try entries.map { entry throws(APIError) in
      let network: NetworkReference? =
        switch entry["vlan"] {
        case .integer(let number): .number(number)
        case .string(let text): NetworkReference(text)
        default: nil
        }
      let state = entry["state"]?.given ?? "assigned"
      guard let network, state == "assigned" || state == "unassigned"
      else { throw .invalid("vlan_assignments has the entry \(Arguments.shown(entry)); \(rule)") }
      let isNative: Bool?
      switch entry["native"]?.given {
      case nil: isNative = nil
      case .boolean(let flag): isNative = flag
      case .some(let other): throw .invalid("native must be true or false, not \(Arguments.shown(other))")
      }
      return AssignmentChange(network: network, isAssigned: state == "assigned", isNative: isNative)
    }
  }
}
