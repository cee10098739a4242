// Servers, under the name that the Metal API gives them.

import Control
import Rack

struct DeviceRoutes {
  let control: Control

  func register(on routes: inout Routes) {
    routes.post("/projects/:id/devices", create)
    routes.get("/projects/:id/devices", list)
    routes.get("/devices/:id", show)
    routes.delete("/devices/:id", delete)
    routes.get("/devices/:id/ips", addresses)
  }

  private func create(_ call: Call) async throws -> Reply {
    let project = try await control.rack.known(project: call.identifier(of: "project"))
    let request = try DeviceRequest(call.arguments, project: project.id).request
    let outcome = try await control.perform(.createServer(request))
    guard case .server(let id) = outcome.subject else { preconditionFailure("a created server is the subject") }
    return .created(try await control.device(id, prefix: call.prefix))
  }

  private func list(_ call: Call) async throws -> Reply {
    let rack = await control.rack
    let project = try rack.known(project: call.identifier(of: "project"))
    let page = try Page(call.arguments)
    let filter = try DeviceFilter(call.arguments)
    let servers = rack.servers.values
      .filter { $0.project == project.id && filter.matches($0) }
      .sorted { ($0.createdAt, $0.hostname) < ($1.createdAt, $1.hostname) }
    let devices = await control.devices(Array(page.slice(of: servers)), in: rack, prefix: call.prefix)
    return .ok(["devices": .array(devices), "meta": page.meta(total: servers.count, call: call)])
  }

  private func show(_ call: Call) async throws -> Reply {
    .ok(try await control.device(call.identifier(of: "device"), prefix: call.prefix))
  }

  /// Whether `force_delete` is given makes no difference: nothing that a server has keeps it from being deleted.
  private func delete(_ call: Call) async throws -> Reply {
    let server = try await control.rack.known(server: call.identifier(of: "device"))
    _ = try await control.perform(.deleteServer(server.id))
    return .noContent
  }

  private func addresses(_ call: Call) async throws -> Reply {
    let rack = await control.rack
    let server = try rack.known(server: call.identifier(of: "device"))
    let renderer = Renderer(rack: rack, prefix: call.prefix)
    return .ok(["ip_addresses": .array(renderer.addresses(of: server))])
  }
}

extension Control {
  /// The device as it is now.
  func device(_ id: ServerID, prefix: String) async throws -> JSON {
    let rack = rack
    let server = try rack.known(server: id)
    return Renderer(rack: rack, prefix: prefix).device(server, nics: await counters(of: id))
  }

  func devices(_ servers: [Server], in rack: Rack, prefix: String) async -> [JSON] {
    let renderer = Renderer(rack: rack, prefix: prefix)
    var devices: [JSON] = []
    for server in servers { devices.append(renderer.device(server, nics: await counters(of: server.id))) }
    return devices
  }
}
