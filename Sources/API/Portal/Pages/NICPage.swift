// One NIC: where it is, what it counts, what it drops and why, who is heard behind it, how LACP sees it; and its next
// frames as a file for Wireshark.

import Capture
import Control
import Host
import Net
import Rack
import Switching

struct NICPage {
  /// Of the API and the portal together.
  let captures: CallerShares
  /// Frames of a file, and seconds.
  private static let frameCounts = 1...10_000
  private static let durations = 1...60
  /// Stations that are shown; a port can have thousands.
  private static let stationCount = 100

  func register(on routes: inout PortalRoutes) {
    routes.get("/servers/:id/nics/:nic") { visit in
      guard visit.given("dst") != nil else { return try await show(visit, nil) }
      return try await visit.attempt("trace") {
        try await show(visit, nil, tracing: true)
      } page: {
        try await show(visit, $0)
      }
    }
    routes.post("/servers/:id/nics/:nic/link", setLink)
    routes.get("/servers/:id/nics/:nic/capture") { visit in
      try await visit.attempt("capture") {
        try await capture(visit)
      } page: {
        try await show(visit, $0)
      }
    }
  }

  private static func nic(_ visit: Visit, of server: Server) throws(APIError) -> PortName {
    guard let name = server.port(named: visit.call.parameter("nic")), name != .bond0 else {
      throw .unknown("\(server.hostname) has no NIC \(Arguments.shown(.string(visit.call.parameter("nic"))))")
    }
    return name
  }

  /// A NIC in a list.
  static func brief(
    _ name: PortName, of server: Server, _ nic: NICStatus?, _ lacp: [LACPMember], _ view: View, _ visit: Visit
  ) -> Fields {
    let port = server[name].bonded ? server.bond0 : server[name]
    var fields: Fields = [
      "name": name.rawValue, "path": "\(Portal.path(of: server))/nics/\(name.rawValue)",
      "state": ServerNetworkPage.state(of: server[name], server), "isUp": nic?.linkUp ?? false,
      "carries": nic?.carries ?? false, "networks": view.attached(to: port, of: server).map(visit.fields(of:)),
      "port": port.name.rawValue, "rx": Words.bytes(nic?.rxBytes ?? 0), "tx": Words.bytes(nic?.txBytes ?? 0),
      "rxFrames": Words.count(nic?.rxPackets ?? 0), "txFrames": Words.count(nic?.txPackets ?? 0),
      "drops": Words.count(nic?.drops.values.reduce(0, +) ?? 0),
    ]
    fields["mac"] = server[name].mac?.description
    fields["interface"] = nic?.interface
    // Where its own system calls it otherwise: `eth0 (n2: eth1)`.
    if let nic, nic.namespace != nil, nic.interface != name.rawValue {
      fields["inside"] = "\(server.hostname): \(nic.interface)"
    }
    fields["alternative"] = nic?.alternative
    fields["namespace"] = nic?.namespace
    fields["shut"] = nic?.shut?.text
    fields["isShut"] = nic?.shut != nil
    fields["isStorm"] = nic?.storms ?? false
    let words = server.linkWords(name)
    if !words.isEmpty { fields["impaired"] = words }
    if let member = lacp.first(where: { $0.port == name }) {
      fields["lacp"] =
        member.fallback
        ? "carries alone: no LACP partner is \(member.partner == nil ? "heard" : "in sync")"
        : member.partner == nil ? "no LACP partner" : member.distributing ? "collecting and distributing" : "waiting"
    }
    return fields
  }

  private func show(_ visit: Visit, _ fault: FormFault?, tracing: Bool = false) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, project) = try visit.server(in: view)
    let name = try Self.nic(visit, of: server)
    let nic = await visit.call.counters(of: server)[name]
    let lacp = await visit.call.lacp(of: server)
    var fields = Self.brief(name, of: server, nic, lacp, view, visit)
    fields["server"] = visit.fields(of: server)
    fields["isAttached"] = nic != nil
    fields["link"] = NICLinkForm.fields(name, of: server, visit)
    let drops = (nic?.drops ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    fields["reasons"] = drops.map { name, count -> Fields in
      ["name": name, "count": Words.count(count), "why": DropWords.explanation(of: name) ?? ""]
    }
    fields["hasReasons"] = !drops.isEmpty
    let port = server[name].bonded ? PortName.bond0 : name
    let (stations, total) = try await visit.call.stations(
      of: server, port: port, vxlan: nil, Page(first: Self.stationCount))
    fields["stations"] = stations.map { station -> Fields in
      [
        "mac": station.mac.description, "number": station.vxlan, "age": station.age, "moves": station.moves,
        "lane": "lane-\(station.vxlan % Lane.colors)",
      ]
    }
    fields["hasStations"] = !stations.isEmpty
    if total > Self.stationCount { fields["moreStations"] = total - Self.stationCount }
    fields["member"] = lacp.first { $0.port == name }.map(Self.fields(of:))
    fields["trace"] = try await trace(visit, server, name, view, tracing)
    fields["frameLimit"] = Self.frameCounts.upperBound
    fields["secondLimit"] = Self.durations.upperBound
    fields["frames"] = visit.given("frames") ?? "100"
    fields["seconds"] = visit.given("seconds") ?? "10"
    return visit.page(
      "nic", title: "\(name.rawValue) of \(server.hostname)", in: .server(server, project, .none), fault: fault,
      ["is": fields, "poll": 2])
  }

  private func setLink(_ visit: Visit) async throws -> PortalAnswer {
    let (server, _) = try visit.server(in: await visit.call.view())
    let name = try Self.nic(visit, of: server)
    return try await visit.attempt("link") {
      let update = try NICLinkForm.update(visit.arguments, of: server.links[name])
      try await visit.call.perform(.setLink(server.id, name, update))
      visit.leave("the link of \(name.rawValue) of \(server.hostname) was set")
      return .redirect("\(Portal.path(of: server))/nics/\(name.rawValue)")
    } page: {
      try await show(visit, $0)
    }
  }

  private static func fields(of member: LACPMember) -> Fields {
    var fields: Fields = [
      "receive": member.machines.receive, "mux": member.machines.mux, "periodic": member.machines.periodic,
      "actor": member.actor.state.joined(separator: " "), "selected": member.selected,
      "collecting": member.collecting, "distributing": member.distributing,
      "system": member.actor.system.description, "key": member.actor.key,
      "received": Words.count(member.counters.lacpdusReceived), "sent": Words.count(member.counters.lacpdusSent),
    ]
    if let partner = member.partner {
      fields["partner"] =
        [
          "system": partner.system.description, "key": partner.key, "port": partner.port,
          "state": partner.state.joined(separator: " "),
        ] as Fields
    }
    fields["age"] = member.sinceLastLACPDU.map { "\(($0 + 500) / 1000) s ago" }
    fields["problem"] = member.problem
    return fields
  }

  // MARK: Trace

  /// What was filled in, and what would become of that frame. A field that was left empty was not given.
  private func trace(
    _ visit: Visit, _ server: Server, _ nic: PortName, _ view: View, _ isWanted: Bool
  ) async throws -> Fields {
    let given = ["dst", "vlan", "ip_src", "ip_dst"].compactMap { name in
      visit.given(name).flatMap { $0.isEmpty ? nil : JSON.Member(name: name, value: .string($0)) }
    }
    var fields: Fields = [:]
    for (field, name) in [("dst", "dst"), ("vlan", "vlan"), ("from", "ip_src"), ("to", "ip_dst")] {
      fields[field] = visit.given(name) ?? ""
    }
    guard isWanted else { return fields }
    let frame = try FrameArguments(given: Arguments(members: given)).bytes(own: server[nic].mac)
    let asked = try await visit.call.trace(frame, by: PortReference(server, nic))
    fields["verdict"] = asked.trace.verdict.rawValue
    fields["reason"] = asked.trace.reason?.name
    fields["steps"] = asked.trace.steps.map { ["step": $0.name.rawValue, "text": $0.text] as Fields }
    fields["advice"] = visit.call.renderer(view).advice(for: asked)
    return fields
  }

  // MARK: The file

  private func capture(_ visit: Visit) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (server, _) = try visit.server(in: view)
    let name = try Self.nic(visit, of: server)
    let frames = try Self.number("frames", Self.frameCounts, visit)
    let seconds = try Self.number("seconds", Self.durations, visit)
    guard view.location(of: name, server) != nil else {
      throw Unavailable(message: "\(name.rawValue) of \(server.hostname) is not attached to the switch")
    }
    let place = try captures.take(visit.access)
    let request = CaptureRequest(
      scope: CaptureScope(places: [CaptureScope.Place(server: server.id, port: name)]),
      title: "\(server.hostname):\(name.rawValue)", drops: true)
    let body = CaptureBody(
      call: visit.call, running: try await visit.call.capture(request), form: CaptureForm(count: frames),
      duration: .seconds(seconds))
    return .capture("\(server.hostname)-\(name.rawValue).pcapng", body, place)
  }

  private static func number(_ name: String, _ valid: ClosedRange<Int>, _ visit: Visit) throws -> Int {
    let number = try visit.arguments.required(name, "a number") { try visit.arguments.integer($0) }
    guard valid.contains(number) else {
      throw APIError.invalid(
        "\(name) \(number) is out of range; valid are \(valid.lowerBound) to \(valid.upperBound)")
    }
    return number
  }
}
