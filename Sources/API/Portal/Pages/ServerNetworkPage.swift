// Server → Network: the mode and what another one would mean, the networks on each port, and what to tell the server's
// operating system.

import Control
import Net
import Rack

struct ServerNetworkPage {
  func register(on routes: inout PortalRoutes) {
    routes.get("/servers/:id/network") { visit in try await Self.show(visit, nil) }
    routes.post("/servers/:id/mode", convert)
    routes.post("/servers/:id/detach") { visit in
      try await change(visit, "detach") { port, network in
        (.unassign(port.id, .id(network.id)), "Network \(network.vxlan) was detached from \(port.name.rawValue)")
      }
    }
    routes.post("/servers/:id/native") { visit in
      try await change(visit, "native") { port, network in
        (
          .setNative(port.id, .id(network.id)),
          "Network \(network.vxlan) is native on \(port.name.rawValue): its frames stay untagged"
        )
      }
    }
    routes.post("/servers/:id/native/none") { visit in
      let (server, port) = try Self.port(visit, in: await visit.call.view())
      return try await visit.attempt("port-\(port.name.rawValue)") {
        try await visit.call.perform(.setNative(port.id, nil))
        visit.leave("No network is native on \(port.name.rawValue) any more: all are tagged")
        return .redirect("\(Portal.path(of: server))/network")
      } page: {
        try await Self.show(visit, $0)
      }
    }
  }

  // MARK: Changes

  private func convert(_ visit: Visit) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, _) = try visit.server(in: view)
    let word = try visit.arguments.string("mode") ?? ""
    return try await visit.attempt("mode-\(word)") {
      try visit.access.requireWriting()
      guard let mode = NetworkMode(rawValue: word), NetworkMode.settable.contains(mode) else {
        throw APIError.invalid(
          "mode \(Arguments.shown(.string(word))) is not known; valid are "
            + Words.list(NetworkMode.settable.map(\.rawValue)))
      }
      let choice = ModeChoice(mode, of: server, in: view)
      if choice.isLoss, try visit.arguments.string("sure") == nil {
        throw APIError.invalid("nothing was changed: tick that you know what is lost, and convert again")
      }
      let outcome = try await visit.call.perform(.setMode(server.id, mode))
      visit.leave("\(server.hostname) is in mode \(mode.rawValue) now", Self.result(outcome))
      return .redirect("\(Portal.path(of: server))/network")
    } page: {
      try await Self.show(visit, $0)
    }
  }

  private static func result(_ outcome: Outcome) -> [String] {
    guard outcome.changed else { return ["It was so already."] }
    let change = outcome.addressChange
    let lines = [
      ("Released", change.released.map(\.text)), ("Unassigned", change.unassigned.map { "\($0.block)" }),
      ("Given", change.given.map(\.text)),
    ]
    return lines.filter { !$0.1.isEmpty }.map { "\($0): \(Words.list($1))" } + [
      "The switch forwards by it already. The text for the operating system is below."
    ]
  }

  private func change(
    _ visit: Visit, _ form: String, _ command: (Port, VirtualNetwork) -> (Command, done: String)
  ) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, port) = try Self.port(visit, in: view)
    return try await visit.attempt("port-\(port.name.rawValue)") {
      let network = try Self.network(visit, in: view)
      let (command, done) = command(port, network)
      try await visit.call.perform(command)
      visit.leave(done)
      return .redirect("\(Portal.path(of: server))/network")
    } page: {
      try await Self.show(visit, $0)
    }
  }

  /// The port that the form names.
  static func port(_ visit: Visit, in view: View) throws -> (Server, Port) {
    let (server, _) = try visit.server(in: view)
    let word = try visit.arguments.string("port") ?? visit.call.parameter("port")
    guard let name = server.port(named: word) else {
      throw APIError.unknown("there is no port \(Arguments.shown(.string(word))) of \(server.hostname)")
    }
    return (server, server[name])
  }

  /// The network that the form names; 422 when none was chosen.
  static func network(_ visit: Visit, in view: View) throws -> VirtualNetwork {
    guard let text = try visit.arguments.string("network") else { throw APIError.invalid("choose a network") }
    guard let id = NetworkID(text) else {
      throw APIError.invalid("network \(Arguments.shown(.string(text))) is not an identifier of a network")
    }
    return try view.known(network: id)
  }

  // MARK: The page

  static func show(_ visit: Visit, _ fault: FormFault?) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, project) = try visit.server(in: view)
    let lacp = await visit.call.lacp(of: server)
    let traffic = await visit.call.counters(of: server).mapValues {
      NICTraffic($0)
    }
    var fields = visit.fields(of: server)
    fields["summary"] = server.mode.summary
    fields["modes"] = NetworkMode.settable.map { mode in
      var choice = ModeChoice(mode, of: server, in: view).fields
      if let fault, fault.form == "mode-\(mode.rawValue)" { choice["faults"] = ["lines": fault.lines] as Fields }
      return choice
    }
    if let fault, fault.form.hasPrefix("mode-"),
      !NetworkMode.settable.contains(where: { fault.form == "mode-\($0.rawValue)" })
    {
      fields["modeFault"] = ["lines": fault.lines] as Fields
    }
    fields["ports"] = server.ports.map { port in
      self.port(port, of: server, view, visit, fault)
    }
    fields["picture"] =
      RackPicture(
        servers: [.init(server, traffic, lacp, view)], networks: view.networks(of: project), isCompact: true
      ).fields
    let format = NetworkConfig.Format(rawValue: visit.given("format") ?? "") ?? .ip
    let withBond = visit.given("bond") != "false"
    fields["config"] = view.networkConfig(of: server, withBond: withBond).text(format)
    fields["formats"] = NetworkConfig.Format.allCases.map { known -> Fields in
      ["name": known.rawValue, "title": known.title, "isChosen": known == format]
    }
    fields["format"] = format.rawValue
    fields["withBond"] = withBond
    fields["hasBond"] = !server.members.isEmpty
    return visit.page(
      "server-network", title: "Network of \(server.hostname)", in: .server(server, project, .network), fault: fault,
      ["is": fields, "poll": 10])
  }

  private static func port(_ port: Port, of server: Server, _ view: View, _ visit: Visit, _ fault: FormFault?) -> Fields
  {
    let attached = view.attached(to: port, of: server)
    let refusal = view.refusal(ofNetworksOn: port.name, of: server)
    let canHaveNative = attached.count > 1 && !server.isRouted(port.name)
    var fields: Fields = [
      "name": port.name.rawValue, "state": state(of: port, server), "isOpen": refusal == nil,
      "networks": attached.map { entry -> Fields in
        visit.fields(of: entry).merging([
          "port": port.name.rawValue, "canBeNative": canHaveNative && entry.form != .native,
          "serverPath": Portal.path(of: server),
        ]) { $1 }
      },
      "hasNetworks": !attached.isEmpty,
    ]
    fields["refusal"] = refusal?.messages
    if let fault, fault.form == "port-\(port.name.rawValue)" { fields["faults"] = ["lines": fault.lines] as Fields }
    return fields
  }

  static func state(of port: Port, _ server: Server) -> String {
    if port.name == .bond0 {
      let members = Words.list(server.members.map(\.rawValue))
      if server.members.isEmpty {
        return port.networks.isEmpty ? "taken apart" : "taken apart: its networks are remembered and carried by nobody"
      }
      return "\(members), LACP, \(server.isRouted(.bond0) ? "routed" : "switched")"
    }
    return port.bonded ? "member of bond0" : "a port of its own"
  }
}

extension NetworkConfig.Format {
  var title: String {
    switch self {
    case .ip: "iproute2"
    case .netplan: "netplan"
    case .ifupdown: "Debian ifupdown"
    case .networkd: "systemd-networkd"
    case .cloudInit: "cloud-init"
    }
  }
}
