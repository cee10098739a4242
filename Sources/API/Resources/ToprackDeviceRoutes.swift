// Toprack's own view of servers: by name, all projects together, whole mode changes as one step, and what each port
// does on the wire.

import Net
import Rack

struct ToprackDeviceRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/devices", list)
    routes.get("/toprack/devices/:server", show)
    routes.put("/toprack/devices/:server/mode", setMode)
    routes.get("/toprack/devices/:server/modes", modes)
    routes.put("/toprack/devices/:server/mtu", setMTU)
    routes.post("/toprack/devices/:server/repair", repair)
    routes.get("/toprack/devices/:server/ports", ports)
    routes.post("/toprack/devices/:server/ports/:port/reopen", reopen)
    routes.get("/toprack/devices/:server/network-config", networkConfig)
  }

  /// Every server, without pages.
  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let filter = try DeviceFilter(call.arguments)
    let servers = view.servers.filter(filter.matches).sorted {
      ($0.hostname, $0.createdAt, $0.id.description) < ($1.hostname, $1.createdAt, $1.id.description)
    }
    return .list(["devices": .elements(call.elements(servers, view) { $0.device($1) })])
  }

  private func show(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(serverNamed: call.parameter("server"))
    return .ok(try await call.device(server.id))
  }

  private func setMode(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(serverNamed: call.parameter("server"))
    let valid = NetworkMode.settable.map(\.rawValue).joined(separator: ", ")
    let word = try call.arguments.required("mode", "one of \(valid)") { try call.arguments.string($0) }
    guard let mode = NetworkMode(rawValue: word) else {
      throw APIError.invalid("mode \(Arguments.shown(.string(word))) is not known; valid are \(valid)")
    }
    let outcome = try await call.perform(.setMode(server.id, mode))
    let changed: JSON = ["changed": .boolean(outcome.changed)]
    return .ok(try await call.device(server.id).adding(("change", changed.adding(outcome.addressChange))))
  }

  /// What each mode would do to the server now; nothing is done.
  private func modes(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try view.known(serverNamed: call.parameter("server"))
    let renderer = call.renderer(view)
    return .ok(.array(NetworkMode.settable.map { renderer.mode(view.change(of: server, to: $0)) }))
  }

  private func setMTU(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(serverNamed: call.parameter("server"))
    let mtu = try call.arguments.required("mtu", "a number of bytes") { try call.arguments.integer($0) }
    try await call.perform(.setMTU(server.id, mtu))
    return .ok(try await call.device(server.id))
  }

  /// `repaired`: what was done, as sentences.
  private func repair(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(serverNamed: call.parameter("server"))
    let done = try await call.repair(server)
    return .ok(try await call.device(server.id).adding(("repaired", .list(done))))
  }

  /// What to tell the server's operating system, as a text. `bond`: false for a kernel without bonds.
  private func networkConfig(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try view.known(serverNamed: call.parameter("server"))
    let word = try call.arguments.string("format") ?? NetworkConfig.Format.ip.rawValue
    guard let format = NetworkConfig.Format(rawValue: word) else {
      let valid = NetworkConfig.Format.allCases.map(\.rawValue).joined(separator: ", ")
      throw APIError.invalid("format \(Arguments.shown(.string(word))) is not known; valid are \(valid)")
    }
    let withBond = try call.arguments.boolean("bond") ?? true
    return .ok([
      "server": .string(server.hostname), "mode": .string(server.mode.rawValue), "format": .string(format.rawValue),
      "text": .string(view.networkConfig(of: server, withBond: withBond).text(format)),
    ])
  }

  /// A port that the loop guard has shut is opened before its time.
  private func reopen(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try view.known(serverNamed: call.parameter("server"))
    guard let port = server.port(named: call.parameter("port")) else {
      let valid = PortName.allCases.map(\.rawValue).joined(separator: ", ")
      throw APIError.unknown(
        "\(server.hostname) has no port \(Arguments.shown(.string(call.parameter("port")))); valid are \(valid)")
    }
    guard try await call.reopen(port, of: server) else {
      throw APIError.invalid("\(port.rawValue) of \(server.hostname) is not shut, so there is nothing to reopen")
    }
    return .ok(call.renderer(view).wire(port, of: server, nics: await call.counters(of: server)))
  }

  private func ports(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try view.known(serverNamed: call.parameter("server"))
    let nics = await call.counters(of: server)
    let renderer = call.renderer(view)
    return .ok(.array(server.ports.map { renderer.wire($0.name, of: server, nics: nics) }))
  }
}
