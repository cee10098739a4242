// IPs & Networks, tab Layer 2: the virtual networks of a project, by place.

import Rack

struct NetworksPage {
  /// Networks that one form adds.
  static let countLimit = 64

  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/networks") { visit in
      try await show(visit, try visit.project(in: await visit.call.view()), nil)
    }
    routes.post("/projects/:id/networks", add)
    routes.post("/networks/:id/delete", delete)
  }

  private func show(_ visit: Visit, _ project: Project, _ fault: FormFault?) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let networks = view.networks(of: project)
    let pages = try Pages(networks.count, visit)
    let groups = Dictionary(grouping: pages.slice(of: networks), by: \.place).sorted { $0.key.code < $1.key.code }
      .map { place, networks -> Fields in
        ["place": Self.title(place), "code": place.code, "networks": networks.map { row($0, view, visit, fault) }]
      }
    let chosen = visit.given("place")
    let facilities = Catalogue.facilities.map {
      visit.option("facility:\($0.code)", "\($0.code) – \($0.name)", isChosen: chosen == "facility:\($0.code)")
    }
    let metros = Catalogue.metros.map {
      visit.option("metro:\($0.code)", "\($0.code) – all of \($0.name)", isChosen: chosen == "metro:\($0.code)")
    }
    var fields: Fields = [
      "groups": groups, "hasNetworks": !networks.isEmpty, "facilities": facilities, "metros": metros,
      "layer2": true, "first": VirtualNetwork.numbers.lowerBound, "last": VirtualNetwork.numbers.upperBound,
      "countLimit": Self.countLimit, "pages": pages.fields("\(Portal.path)/projects/\(project.id)/networks"),
    ]
    fields.merge(view.fields(of: view.mirrors(ofNetworksOf: project), await visit.call.mirrorStatus())) { $1 }
    for name in ["numbers", "description"] { fields[name] = visit.given(name) }
    return visit.page(
      "networks", title: "Layer 2 networks of \(project.name)", in: .project(project, .networks), fault: fault, fields)
  }

  private func row(_ network: VirtualNetwork, _ view: View, _ visit: Visit, _ fault: FormFault?) -> Fields {
    var fields = visit.fields(of: network)
    let ports = view.ports(carrying: network)
    fields["ports"] = ports.map { server, port -> Fields in
      let form = view.attached(to: port, of: server).first { $0.network.id == network.id }?.form.rawValue ?? ""
      return [
        "text": "\(server.hostname) \(port.name.rawValue)", "form": form, "path": "\(Portal.path(of: server))/network",
      ]
    }
    fields["isUsed"] = !ports.isEmpty
    if let fault, fault.form == "network-\(network.id)" { fields["faults"] = ["lines": fault.lines] as Fields }
    return fields
  }

  static func title(_ place: NetworkPlace) -> String {
    switch place {
    case .facility(let code): "\(code) – \(Catalogue.facility(code)?.name ?? "")"
    case .metro(let code): "\(code) – all of \(Catalogue.metro(code)?.name ?? "")"
    }
  }

  private func add(_ visit: Visit) async throws -> PortalAnswer {
    let project = try visit.project(in: await visit.call.view())
    return try await visit.attempt("network") {
      let made = try await create(visit, project)
      visit.leave(
        made.count == 1 ? "Network \(made[0]) was added" : "\(made.count) networks were added: \(Words.list(made))",
        ["It is on no port yet: convert a server, then attach it there."])
      return .redirect("\(Portal.path)/projects/\(project.id)/networks")
    } page: {
      try await show(visit, project, $0)
    }
  }

  /// All or none: what cannot be is refused before the first is made; should one fail all the same, those that were made go.
  private func create(_ visit: Visit, _ project: Project) async throws -> [String] {
    let place = try Self.place(visit)
    let description = try visit.arguments.string("description")
    let numbers = try Self.numbers(try visit.arguments.string("numbers"))
    let commands = numbers.map { number in
      Command.createNetwork(
        NetworkRequest(project: project.id, place: place, vxlan: number, description: description))
    }
    try visit.access.requireWriting()
    try await visit.call.view().preview(commands)
    var made: [NetworkID] = []
    do {
      for command in commands {
        if case .network(let id) = try await visit.call.perform(command).subject { made.append(id) }
      }
    } catch {
      for id in made { _ = try? await visit.call.perform(.deleteNetwork(id)) }
      throw error
    }
    let view = await visit.call.view()
    return made.compactMap { view[$0].map { String($0.vxlan) } }
  }

  private static func place(_ visit: Visit) throws(APIError) -> NetworkPlace {
    let text = try visit.arguments.string("place") ?? ""
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.last) {
    case ("facility", let code?) where parts.count == 2: return .facility(code)
    case ("metro", let code?) where parts.count == 2: return .metro(code)
    default: throw .invalid("choose where the network is to be: a facility or a metro")
    }
  }

  /// `1001`, `1001, 1005-1007`; none is one of any number.
  static func numbers(_ text: String?) throws(APIError) -> [Int?] {
    guard let text, text.contains(where: { !$0.isWhitespace }) else { return [nil] }
    var numbers: [Int?] = []
    for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      let ends = part.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "-" || $0 == "–" }).map {
        Arguments.digits(String($0))
      }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
        last - first < countLimit
      else {
        throw .invalid(
          "\(Arguments.shown(.string(String(part)))) is no number; valid are numbers and ranges, 1001, 1005-1007, up to "
            + "\(countLimit) at once")
      }
      numbers += (first...last).map { $0 }
    }
    guard numbers.count <= countLimit else {
      throw .invalid("these are \(numbers.count) networks; valid are up to \(countLimit) at once")
    }
    return numbers
  }

  private func delete(_ visit: Visit) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let network = try view.known(network: visit.call.identifier(of: "virtual network"))
    let project = try view.known(project: network.project)
    return try await visit.attempt("network-\(network.id)") {
      try await visit.call.perform(.deleteNetwork(network.id))
      visit.leave("Network \(network.vxlan) of \(network.place.words) was deleted")
      return .redirect("\(Portal.path)/projects/\(project.id)/networks")
    } page: {
      try await show(visit, project, $0)
    }
  }
}
