// Virtual machines: run on a server's NICs, or attached to them by somebody else.

import HTTPTypes
import MachineHost
import Machines
import Rack

struct ToprackMachineRoutes {
  /// `nil`: this daemon has none.
  let hub: MachineHub?

  func register(on routes: inout Routes) {
    routes.get("/toprack/vms", list)
    routes.get("/toprack/devices/:server/vm", show)
    routes.put("/toprack/devices/:server/vm", run)
    routes.delete("/toprack/devices/:server/vm", stop)
    routes.put("/toprack/devices/:server/attachment", attach)
    routes.delete("/toprack/devices/:server/attachment", detach)
  }

  /// By name.
  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let statuses = await hub?.statuses() ?? [:]
    let renderer = call.renderer(view)
    let servers = view.servers.filter { statuses[$0.id] != nil }.sorted {
      ($0.hostname, $0.createdAt, $0.id.description) < ($1.hostname, $1.createdAt, $1.id.description)
    }
    return .ok([
      "vms": .array(servers.compactMap { server in statuses[server.id].map { renderer.machine(of: server, $0) } })
    ])
  }

  private func show(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try view.known(serverNamed: call.parameter("server"))
    guard let status = await hub?.status(of: server.id) else {
      throw APIError(MachineHub.nothing(of: server.hostname))
    }
    return .ok(call.renderer(view).machine(of: server, status, try await Hearing.all(of: server, status, call)))
  }

  private func run(_ call: Call) async throws -> Reply {
    let (hub, server, view) = try await change(call, "virtual machines, which boot files of the host,")
    let spec = try MachineSpec(call.arguments)
    let seed = spec.cloudInit ? try view.seed(of: server) : nil
    let status = try await Self.asking { () throws(MachineFault) in
      try await hub.run(spec, on: view.machineServer(server), seed: seed)
    }
    return .created(call.renderer(view).machine(of: server, status))
  }

  private func stop(_ call: Call) async throws -> Reply {
    let (hub, server, view) = try await change(call, "virtual machines, which boot files of the host,")
    let force = try call.arguments.boolean("force") ?? false
    let status = try await Self.asking { () throws(MachineFault) in
      try await hub.stop(view.machineServer(server), force: force)
    }
    return .ok(call.renderer(view).machine(of: server, status))
  }

  private func attach(_ call: Call) async throws -> Reply {
    let (hub, server, view) = try await change(call, "interfaces for virtual machines of the host")
    let valid = GuestLink.How.allCases.map(\.rawValue).joined(separator: " and ")
    let word = try call.arguments.string("how") ?? GuestLink.How.forward.rawValue
    guard let how = GuestLink.How(rawValue: word) else {
      throw APIError.invalid("how \(Arguments.shown(.string(word))) is not known; valid are \(valid)")
    }
    let taps = try Self.taps(call.arguments)
    guard taps.isEmpty || how == .forward else { throw APIError.invalid("taps go with how forward alone") }
    let console = try call.arguments.string("console")
    if let console, let fault = Self.fault(ofSocket: console) { throw APIError.invalid(fault) }
    let status = try await Self.asking { () throws(MachineFault) in
      try await hub.attach(view.machineServer(server), how, taps: taps, console: console)
    }
    return .ok(call.renderer(view).machine(of: server, status, try await Hearing.all(of: server, status, call)))
  }

  private func detach(_ call: Call) async throws -> Reply {
    let (hub, server, view) = try await change(call, "interfaces for virtual machines of the host")
    try await Self.asking { () throws(MachineFault) in try await hub.detach(view.machineServer(server)) }
    return .noContent
  }

  /// Who may change something here has the whole rack: paths and interfaces of the host are not a project's.
  private func change(_ call: Call, _ what: String) async throws -> (MachineHub, Server, View) {
    let view = await call.view()
    let server = try view.known(serverNamed: call.parameter("server"))
    try call.access.requireWriting()
    try call.access.requireWholeRack(for: what)
    guard let hub else { throw APIError(.serviceUnavailable, "this daemon has no virtual machines") }
    return (hub, server, view)
  }

  private static func asking<Answer: Sendable>(
    _ body: () async throws(MachineFault) -> Answer
  ) async throws(APIError) -> Answer {
    do { return try await body() } catch { throw APIError(error) }
  }

  private static func taps(_ arguments: Arguments) throws(APIError) -> [String: String] {
    guard let value = arguments.value("taps") else { return [:] }
    let rule =
      "taps must be an object such as {\"eth0\": \"D0\"}: a NIC, and the name of an interface of at most 15 bytes"
    guard case .object(let members) = value else { throw .invalid("\(rule); not \(value.kind)") }
    var taps: [String: String] = [:]
    for member in members {
      guard PortName(rawValue: member.name).map(PortName.nics.contains) == true, case .string(let name) = member.value,
        isInterfaceName(name)
      else { throw .invalid(rule) }
      taps[member.name] = name
    }
    guard Set(taps.values).count == taps.count else { throw .invalid("taps has one interface for two NICs") }
    return taps
  }

  /// What the kernel takes, and means nothing to nft.
  private static func isInterfaceName(_ name: String) -> Bool {
    (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && name.unicodeScalars.allSatisfy { scalar in
        scalar.isASCII
          && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "._-@".unicodeScalars.contains(scalar))
      }
  }

  private static func fault(ofSocket path: String) -> String? {
    let isPlain = path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    guard path.hasPrefix("/"), path.utf8.count <= 107, isPlain else {
      return "console must be the absolute path of a Unix socket, of at most 107 bytes"
    }
    return nil
  }
}

extension MachineSpec {
  fileprivate init(_ arguments: Arguments) throws(APIError) {
    let restarts = Restart.allCases.map(\.rawValue).joined(separator: " and ")
    let word = try arguments.string("restart") ?? Restart.no.rawValue
    guard let restart = Restart(rawValue: word) else {
      throw .invalid("restart \(Arguments.shown(.string(word))) is not known; valid are \(restarts)")
    }
    self.init(
      disk: try arguments.string("disk"), snapshot: try arguments.boolean("snapshot") ?? false,
      kernel: try arguments.string("kernel"), initrd: try arguments.string("initrd"),
      append: try arguments.string("append"), memory: try arguments.integer("memory") ?? Self.defaultMemory,
      cpus: try arguments.integer("cpus") ?? 1, cloudInit: try arguments.boolean("cloud_init") ?? false,
      restart: restart)
    if let fault { throw .invalid(fault) }
  }
}
