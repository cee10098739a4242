// One lab: what belongs to it, the file that it is now, its checks, and its checkpoints.
//
// Checks change nothing, so what they have seen is the answer to the button itself, and not of a page that comes after.

import Labs
import MachineHost
import Rack

struct LabPage {
  let desk: LabDesk
  let checks: CheckDesk

  func register(on routes: inout PortalRoutes) {
    routes.get("/labs/:id") { visit in try await show(visit, nil) }
    routes.post("/labs/:id/check", check)
    routes.post("/labs/:id/save", save)
    routes.post("/labs/:id/forget", forget)
  }

  private func show(
    _ visit: Visit, _ fault: FormFault?, checked: [CheckResult]? = nil
  ) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (lab, project) = try visit.lab(in: view)
    let belongings = view.belongings(of: lab)
    let servers = belongings.servers.sorted { $0.key < $1.key }.compactMap { name, id in view[id].map { (name, $0) } }
    let pages = try Pages(servers.count, visit)
    let machines = await desk.hub?.statuses() ?? [:]
    let rows = pages.slice(of: servers).map { name, server -> Fields in
      var fields = visit.fields(of: server)
      fields["inLab"] = name
      if server.hostname != name { fields["hostname"] = server.hostname }
      fields["addresses"] = server.addresses.map(\.address)
      if let machine = machines[server.id] { fields["machine"] = ServerPage.text(of: machine) }
      return fields
    }
    let networks = belongings.networks.sorted { $0.key < $1.key }.compactMap { name, id -> Fields? in
      guard let network = view[id] else { return nil }
      var fields = visit.fields(of: network)
      fields["inLab"] = name
      let ports = view.ports(carrying: network).map { "\($0.server.hostname) \($0.port.name.rawValue)" }
      if !ports.isEmpty { fields["ports"] = Words.list(ports) }
      return fields
    }
    let blocks = belongings.reservations.sorted { $0.key < $1.key }.compactMap { name, id -> Fields? in
      guard let block = view[id] else { return nil }
      return [
        "inLab": name, "block": "\(block.block)", "place": block.facility,
        "holders": view.assignments(of: block).map {
          ["hostname": $0.server.hostname, "path": Portal.path(of: $0.server)] as Fields
        },
      ]
    }
    var fields: Fields = [
      "labName": lab.name, "labPath": Portal.path(of: lab), "labID": "\(lab.id)",
      "generation": String(lab.generation),
      "created": Words.time(lab.createdAt), "changed": Words.time(lab.updatedAt),
      "servers": rows, "serverCount": String(servers.count), "hasServers": !rows.isEmpty, "networks": networks,
      "hasNetworks": !networks.isEmpty, "blocks": blocks, "hasBlocks": !blocks.isEmpty,
      "hasMachines": servers.contains { machines[$0.1.id] != nil }, "isBare": belongings.isEmpty,
      "checkpoints": lab.checkpoints.keys.sorted().map { name in
        ["checkpoint": name, "restorePath": LabConfirmPage.restorePath(of: lab, name)] as Fields
      },
      "hasCheckpoints": !lab.checkpoints.isEmpty, "given": visit.given("checkpoint") ?? lab.name,
      "pages": pages.fields(Portal.path(of: lab)),
    ]
    fields["file"] = view.file(of: lab).map { LabWriter.yaml($0) }
    fields["checking"] = Self.fields(of: CheckDesk.checks(of: lab), checked)
    // The script leaves a page with results alone.
    return visit.page(
      "lab", title: "Lab \(lab.name)", in: .project(project, .labs), fault: fault,
      ["is": fields, "isPosted": checked != nil])
  }

  // MARK: Checks

  /// Rows that are shown; what is more is counted.
  private static let checkCount = 200

  /// The checks as the file has them, or what they have seen: first those that have not passed.
  private static func fields(of checks: [LabCheck], _ results: [CheckResult]?) -> Fields {
    let rows: [Fields]
    var fields: Fields = ["has": !checks.isEmpty]
    if let results {
      let passed = results.filter { $0.verdict == .passed }
      let others = results.filter { $0.verdict != .passed }
      rows = (others + passed).map { result in
        [
          "check": result.name, "seen": result.seen, "ms": String(result.milliseconds), "verdict": result.verdict.words,
          "isPassed": result.verdict == .passed,
        ]
      }
      fields["done"] =
        [
          "summary": others.isEmpty
            ? "All \(results.count) passed" : "\(others.count) of \(results.count) did not pass",
          "isGood": others.isEmpty,
        ] as Fields
    } else {
      rows = checks.map { ["check": $0.name] }
    }
    fields["rows"] = Array(rows.prefix(checkCount))
    if rows.count > checkCount { fields["more"] = rows.count - checkCount }
    return fields
  }

  private func check(_ visit: Visit) async throws -> PortalAnswer {
    let (lab, _) = try visit.lab(in: await visit.call.view())
    return try await visit.attempt("checks") {
      try await show(visit, nil, checked: try await checks.run(lab, visit.call))
    } page: {
      try await show(visit, $0)
    }
  }

  // MARK: Checkpoints

  private func save(_ visit: Visit) async throws -> PortalAnswer {
    let (lab, _) = try visit.lab(in: await visit.call.view())
    return try await visit.attempt("checkpoint") {
      let name = try visit.arguments.string("checkpoint") ?? lab.name
      try await desk.save(lab, as: name, visit.call)
      visit.leave("Checkpoint \(name) was saved", ["It has modes, VLANs and addresses of \(lab.name) as they were."])
      return .redirect(Portal.path(of: lab))
    } page: {
      try await show(visit, $0)
    }
  }

  private func forget(_ visit: Visit) async throws -> PortalAnswer {
    let (lab, _) = try visit.lab(in: await visit.call.view())
    return try await visit.attempt("checkpoint") {
      let name = try visit.arguments.string("checkpoint") ?? ""
      try await desk.forget(name, of: lab, visit.call)
      visit.leave("Checkpoint \(name) was forgotten")
      return .redirect(Portal.path(of: lab))
    } page: {
      try await show(visit, $0)
    }
  }
}
