// Servers, under the name that the Metal API gives them.

import Rack

struct DeviceRoutes {
  func register(on routes: inout Routes) {
    routes.post("/projects/:id/devices", create)
    routes.get("/projects/:id/devices", list)
    routes.get("/devices/:id", show)
    routes.delete("/devices/:id", delete)
    routes.get("/devices/:id/ips", addresses)
  }

  private func create(_ call: Call) async throws -> Reply {
    let project = try await call.view().known(project: call.identifier(of: "project"))
    let request = try DeviceRequest(call.arguments, project: project.id).request
    let outcome = try await call.perform(.createServer(request))
    guard case .server(let id) = outcome.subject else { preconditionFailure("a created server is the subject") }
    return .created(try await call.device(id))
  }

  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let project = try view.known(project: call.identifier(of: "project"))
    let page = try Page(call.arguments)
    let filter = try DeviceFilter(call.arguments)
    let servers = view.servers
      .filter { $0.project == project.id && filter.matches($0) }
      .sorted { ($0.createdAt, $0.hostname) < ($1.createdAt, $1.hostname) }
    let devices = await call.devices(page.slice(of: servers), in: view)
    return .ok(["devices": .array(devices), "meta": page.meta(total: servers.count, call: call)])
  }

  private func show(_ call: Call) async throws -> Reply {
    .ok(try await call.device(call.identifier(of: "device")))
  }

  /// Whether `force_delete` is given makes no difference: nothing that a server has keeps it from being deleted.
  private func delete(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(server: call.identifier(of: "device"))
    try await call.perform(.deleteServer(server.id))
    return .noContent
  }

  private func addresses(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try view.known(server: call.identifier(of: "device"))
    let renderer = call.renderer(view)
    return .ok(["ip_addresses": .array(renderer.addresses(of: server))])
  }
}

extension Call {
  /// The device as it is now.
  func device(_ id: ServerID) async throws -> JSON {
    let view = await view()
    let server = try view.known(server: id)
    return renderer(view).device(server, nics: await counters(of: server))
  }

  func devices(_ servers: some Sequence<Server>, in view: View) async -> [JSON] {
    let renderer = renderer(view)
    var devices: [JSON] = []
    for server in servers { devices.append(renderer.device(server, nics: await counters(of: server))) }
    return devices
  }
}
