// Toprack's own view of servers: by name, all projects together, whole mode changes as one step, and what each port
// does on the wire.

import Control
import Rack

struct ToprackDeviceRoutes {
  let control: Control

  func register(on routes: inout Routes) {
    routes.get("/toprack/devices", list)
    routes.get("/toprack/devices/:server", show)
    routes.put("/toprack/devices/:server/mode", setMode)
    routes.put("/toprack/devices/:server/mtu", setMTU)
    routes.get("/toprack/devices/:server/ports", ports)
  }

  /// Every server, without pages.
  private func list(_ call: Call) async throws -> Reply {
    let rack = await control.rack
    let filter = try DeviceFilter(call.arguments)
    let servers = rack.servers.values.filter(filter.matches).sorted { $0.hostname < $1.hostname }
    return .ok(["devices": .array(await control.devices(servers, in: rack, prefix: call.prefix))])
  }

  private func show(_ call: Call) async throws -> Reply {
    let server = try await control.rack.known(serverNamed: call.parameter("server"))
    return .ok(try await control.device(server.id, prefix: call.prefix))
  }

  private func setMode(_ call: Call) async throws -> Reply {
    let server = try await control.rack.known(serverNamed: call.parameter("server"))
    let valid = NetworkMode.allCases.map(\.rawValue).joined(separator: ", ")
    let word = try call.arguments.required("mode", "one of \(valid)") { try call.arguments.string($0) }
    guard let mode = NetworkMode(rawValue: word) else {
      throw APIError.invalid("mode \(Arguments.shown(.string(word))) is not known; valid are \(valid)")
    }
    _ = try await control.perform(.setMode(server.id, mode))
    return .ok(try await control.device(server.id, prefix: call.prefix))
  }

  private func setMTU(_ call: Call) async throws -> Reply {
    let server = try await control.rack.known(serverNamed: call.parameter("server"))
    let mtu = try call.arguments.required("mtu", "a number of bytes") { try call.arguments.integer($0) }
    _ = try await control.perform(.setMTU(server.id, mtu))
    return .ok(try await control.device(server.id, prefix: call.prefix))
  }

  private func ports(_ call: Call) async throws -> Reply {
    let rack = await control.rack
    let server = try rack.known(serverNamed: call.parameter("server"))
    let nics = await control.counters(of: server.id)
    let renderer = Renderer(rack: rack, prefix: call.prefix)
    return .ok(.array(server.ports.map { renderer.wire($0.name, of: server, nics: nics) }))
  }
}
