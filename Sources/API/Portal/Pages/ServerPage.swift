// One server: what it is, its ports, what has happened to it; power, and its end.

import Advice
import Control
import MachineHost
import Net
import Rack
import Switching

struct ServerPage {
  /// `nil`: there are no virtual machines.
  var machines: MachineHub?

  private static let eventCount = 12
  private static let dropCount = 10

  func register(on routes: inout PortalRoutes) {
    routes.get("/servers/:id") { visit in try await show(visit, nil) }
    routes.post("/servers/:id/power", power)
    routes.post("/servers/:id/repair", repair)
    routes.get("/servers/:id/delete") { visit in try await askDelete(visit, nil) }
    routes.post("/servers/:id/delete", delete)
  }

  private func show(_ visit: Visit, _ fault: FormFault?) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, project) = try visit.server(in: view)
    let nics = await visit.call.counters(of: server)
    let lacp = await visit.call.lacp(of: server)
    let traffic = nics.mapValues { NICTraffic($0) }
    let page = try Page(Arguments(members: []), size: Self.eventCount)
    var fields = visit.fields(of: server)
    fields["health"] = Health(server, traffic, lacp).fields
    fields["system"] = Catalogue.operatingSystem(server.operatingSystem)?.name ?? server.operatingSystem
    fields["facilityName"] = Catalogue.facility(server.facility)?.name
    fields["summary"] = Catalogue.plan(server.plan)?.summary
    fields["mtu"] = nics.values.map(\.mtu).min() ?? server.mtu
    fields["problems"] = view.problems(of: server).map(\.text)
    fields["hasProblems"] = !view.problems(of: server).isEmpty
    fields["uuid"] = server.id.description
    if server.place.namespace != nil {
      fields["inside"] = ["eth0": server.nicNames.eth0, "eth1": server.nicNames.eth1] as Fields
      fields["setUp"] =
        server.isConfigured
        ? "Toprack: \(view.configuration(of: server) ?? "not yet")" : "what is in the namespace, not by Toprack"
    }
    fields["isProvisioning"] = server.state == .provisioning
    fields["rootPassword"] = view.rootPassword(of: server)
    if let machine = await machines?.status(of: server.id) { fields["machine"] = Self.text(of: machine) }
    fields["keys"] = view.sshKeys(on: server).map(\.label)
    fields["created"] = Words.time(server.createdAt)
    fields["tags"] = server.details.tags
    fields["addresses"] = server.addresses.map {
      ["kind": $0.kind.title, "address": "\($0.address)/\($0.network.length)", "gateway": $0.gateway] as Fields
    }
    fields["blocks"] = server.blocks.map { "\($0.block)" }
    fields["nics"] = PortName.nics.map { NICPage.brief($0, of: server, nics[$0], lacp, view, visit) }
    fields["events"] = try await visit.call.events(of: nil, server, page).events.map { event -> Fields in
      ["time": Words.time(event.createdAt), "body": event.body, "by": event.by ?? "–"]
    }
    fields["drops"] = await drops(of: server, view, visit)
    fields.merge(view.fields(of: view.mirrors(of: server), await visit.call.mirrorStatus())) { $1 }
    return visit.page(
      "server", title: server.hostname, in: .server(server, project, .overview), fault: fault,
      ["is": fields, "poll": 5])
  }

  /// The last frames that went no further at its NICs, the newest first.
  private func drops(of server: Server, _ view: View, _ visit: Visit) async -> [Fields] {
    let renderer = visit.call.renderer(view)
    let reading = await visit.call.drops(DropRequest(server: server), after: nil, limit: Self.dropCount)
    return reading.drops.reversed().map { drop in
      let advice = renderer.advice(for: drop)
      var fields: Fields = [
        "time": String(DropTime.text(drop.time).dropFirst(11).prefix(12)), "nic": drop.nicName,
        "direction": drop.isOutgoing ? "to server" : "from server", "reason": drop.reason.name,
        "summary": drop.summary, "advice": advice.text,
      ]
      fields["command"] = advice.command
      return fields
    }
  }

  /// "running, emulated", "attached, run by somebody else", "failed: …".
  static func text(of machine: MachineStatus) -> String {
    var text = machine.state.rawValue
    if machine.spec == nil { text += ", run by somebody else" }
    if let accelerator = machine.accelerator { text += accelerator.isKVM ? ", with KVM" : ", emulated" }
    return text + (machine.reason.map { ": \($0)" } ?? "")
  }

  private func power(_ visit: Visit) async throws -> PortalAnswer {
    let (server, _) = try visit.server(in: await visit.call.view())
    return try await visit.attempt("power") {
      let (command, word): (Command, String)
      switch try visit.arguments.string("action") {
      case "on": (command, word) = (.setPower(server.id, on: true), "was switched on")
      case "off": (command, word) = (.setPower(server.id, on: false), "was switched off")
      case "reboot": (command, word) = (.reboot(server.id), "was rebooted")
      default: throw APIError.invalid("action is missing; valid are on, off and reboot")
      }
      try await visit.call.perform(command)
      visit.leave("\(server.hostname) \(word)")
      return .redirect(Portal.path(of: server))
    } page: {
      try await show(visit, $0)
    }
  }

  private func repair(_ visit: Visit) async throws -> PortalAnswer {
    let (server, _) = try visit.server(in: await visit.call.view())
    return try await visit.attempt("repair") {
      visit.leave("\(server.hostname): \(Words.list(try await visit.call.repair(server)))")
      return .redirect(Portal.path(of: server))
    } page: {
      try await show(visit, $0)
    }
  }

  /// What goes with the server, before it goes.
  private func askDelete(_ visit: Visit, _ fault: FormFault?) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, project) = try visit.server(in: view)
    var losses = [
      server.place.namespace.map {
        "\(server.nicNames.eth0) and \(server.nicNames.eth1) are taken away from namespace \($0)."
      } ?? "eth0 and eth1 are taken away from the host."
    ]
    if !server.addresses.isEmpty {
      losses.append("Its addresses are released for good: \(Words.list(server.addresses.map(\.address))).")
    }
    if !server.blocks.isEmpty {
      losses.append(
        "Elastic blocks are unassigned, and stay the project’s: \(Words.list(server.blocks.map { "\($0.block)" })).")
    }
    for port in server.ports where !port.networks.isEmpty {
      let numbers = view.attached(to: port, of: server).map { String($0.network.vxlan) }
      losses.append("\(port.name.rawValue) leaves network \(Words.list(numbers)); the networks stay.")
    }
    var fields = visit.fields(of: server)
    fields["losses"] = losses
    if case .failure(let error) = Result(catching: { try view.preview(.deleteServer(server.id)) }) {
      fields["refusal"] = APIError(error).messages
    }
    return visit.page(
      "server-delete", title: "Delete \(server.hostname)", in: .server(server, project, .none), fault: fault,
      ["is": fields])
  }

  private func delete(_ visit: Visit) async throws -> PortalAnswer {
    let (server, project) = try visit.server(in: await visit.call.view())
    return try await visit.attempt("delete") {
      try await visit.call.perform(.deleteServer(server.id))
      visit.leave("\(server.hostname) was deleted")
      return .redirect("\(Portal.path)/projects/\(project.id)/servers")
    } page: {
      try await askDelete(visit, $0)
    }
  }
}
