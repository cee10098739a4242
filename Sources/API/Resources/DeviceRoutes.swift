// Servers, under the name that the Metal API gives them.

import MachineHost
import Rack

struct DeviceRoutes {
  /// `nil`: there are no virtual machines.
  var machines: MachineHub?

  func register(on routes: inout Routes) {
    routes.post("/projects/:id/devices", create)
    routes.get("/projects/:id/devices") { call in
      let project = try await call.view().known(project: call.identifier(of: "project"))
      return try await list(call) { $0.project == project.id }
    }
    routes.get("/organizations/:id/devices") { call in
      try call.checkOrganization()
      return try await list(call) { _ in true }
    }
    routes.get("/devices/:id") { call in .ok(try await call.device(call.identifier(of: "device"))) }
    routes.put("/devices/:id", update)
    routes.patch("/devices/:id", update)
    routes.delete("/devices/:id", delete)
    routes.post("/devices/:id/actions", act)
    routes.get("/devices/:id/ips") { call in
      try await show(call) { server, view in
        ["ip_addresses": .array(call.renderer(view).addresses(of: server))]
      }
    }
    routes.get("/devices/:id/metadata") { call in
      try await show(call) { server, view in view.metadata(of: server, prefix: call.prefix).json }
    }
    routes.get("/devices/:id/userdata") { call in
      try await show(call) { server, _ in ["userdata": .string(server.details.userdata)] }
    }
    routes.get("/devices/:id/customdata") { call in
      try await show(call) { server, _ in JSON(kept: server.details.customdata) }
    }
  }

  private func show(_ call: Call, _ render: (Server, View) -> JSON) async throws -> Reply {
    let view = await call.view()
    return .ok(render(try view.known(server: call.identifier(of: "device")), view))
  }

  private func create(_ call: Call) async throws -> Reply {
    let project = try await call.view().known(project: call.identifier(of: "project"))
    let request = try DeviceRequest(call.arguments, project: project.id).request
    let outcome = try await call.perform(.createServer(request))
    guard case .server(let id) = outcome.subject else { preconditionFailure("a created server is the subject") }
    return .created(try await call.device(id))
  }

  /// By age.
  private func list(_ call: Call, _ isMeant: (Server) -> Bool) async throws -> Reply {
    let page = try Page(call.arguments)
    let filter = try DeviceFilter(call.arguments)
    let view = await call.view()
    let servers = view.servers
      .filter { isMeant($0) && filter.matches($0) }
      .sorted { ($0.createdAt, $0.hostname, $0.id.description) < ($1.createdAt, $1.hostname, $1.id.description) }
    return page.reply("devices", of: servers, call: call, view) { $0.device($1) }
  }

  /// What is not given, or null, stays as it is.
  private func update(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(server: call.identifier(of: "device"))
    try await call.perform(.updateServer(server.id, ServerUpdate(call.arguments)))
    return .ok(try await call.device(server.id))
  }

  /// Whether `force_delete` is given makes no difference: what keeps a server from being deleted is its lock, and that
  /// is not to be forced.
  private func delete(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(server: call.identifier(of: "device"))
    _ = try call.arguments.boolean("force_delete")
    try await call.perform(.deleteServer(server.id))
    return .noContent
  }

  private enum Action: String, CaseIterable {
    case powerOn = "power_on"
    case powerOff = "power_off"
    case reboot, rescue, reinstall
  }

  /// The machine is not simulated: to be reinstalled, or to boot something else, is to boot. A reinstallation can name
  /// what the machine has afterwards.
  private func act(_ call: Call) async throws -> Reply {
    let server = try await call.view().known(server: call.identifier(of: "device"))
    let rule = "valid are \(Action.allCases.map(\.rawValue).joined(separator: ", "))"
    guard let word = try call.arguments.string("type") else { throw APIError.invalid("type is missing; \(rule)") }
    guard let action = Action(rawValue: word) else {
      throw APIError.invalid("type \(Arguments.shown(.string(word))) is not known; \(rule)")
    }
    if action == .rescue { try await checkRescue(of: server) }
    let command: Command =
      switch action {
      case .powerOn: .setPower(server.id, on: true)
      case .powerOff: .setPower(server.id, on: false)
      case .reboot: .reboot(server.id)
      case .rescue: .rescue(server.id)
      case .reinstall: .reinstall(server.id, try Installation(call.arguments))
      }
    try await call.perform(command)
    return .accepted
  }

  /// A machine of ours boots what the settings name. One that is not ours boots whatever its owner thinks of.
  private func checkRescue(of server: Server) async throws(APIError) {
    guard let machines, !machines.canRescue, let status = await machines.status(of: server.id), status.spec != nil,
      status.state != .stopped
    else { return }
    throw .invalid(
      "the virtual machine of \(server.hostname) has no rescue system to boot: name one by the settings rescue-kernel "
        + "and rescue-initrd of toprackd")
  }
}

extension Installation {
  fileprivate init(_ arguments: Arguments) throws(APIError) {
    func text(_ name: String) throws(APIError) -> String? {
      try arguments.string(name).flatMap { $0.isEmpty ? nil : $0 }
    }
    self.init(
      operatingSystem: try text("operating_system"), userdata: try arguments.string("userdata"),
      ipxeScriptURL: try text("ipxe_script_url"))
  }
}

extension Call {
  /// The device as it is now.
  func device(_ id: ServerID) async throws -> JSON {
    let view = await view()
    return renderer(view).device(try view.known(server: id))
  }
}
