// Virtual networks.

import Rack

struct VirtualNetworkRoutes {
  func register(on routes: inout Routes) {
    routes.post("/projects/:id/virtual-networks", create)
    routes.get("/projects/:id/virtual-networks", list)
    routes.get("/virtual-networks/:id") { call in try await show(call.identifier(of: "virtual network"), call) }
    routes.put("/virtual-networks/:id", update)
    routes.delete("/virtual-networks/:id", delete)
  }

  private func create(_ call: Call) async throws -> Reply {
    let project = try await call.view().known(project: call.identifier(of: "project"))
    let arguments = call.arguments
    var collect = Collecting()
    let place = collect { () throws(APIError) in try arguments.networkPlace() }
    let number = collect { () throws(APIError) in try arguments.integer("vxlan") } ?? nil
    let description = collect { () throws(APIError) in try arguments.string("description") } ?? nil
    let tags = collect { () throws(APIError) in try arguments.texts("tags") } ?? nil
    try collect.check()
    guard let place else { preconditionFailure("what is not there is a fault") }
    // Clients that let the service choose the number send null, nothing, or 0.
    let outcome = try await call.perform(
      .createNetwork(
        NetworkRequest(
          project: project.id, place: place, vxlan: number == 0 ? nil : number,
          description: description?.isEmpty == true ? nil : description, tags: tags ?? [])))
    guard case .network(let id) = outcome.subject else { preconditionFailure("a created network is the subject") }
    let view = await call.view()
    return .created(try call.renderer(view).network(view.known(network: id)))
  }

  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let project = try view.known(project: call.identifier(of: "project"))
    let networks = try NetworkFilter(call.arguments).networks(of: view) { $0.project == project.id }
    return .list(["virtual_networks": .elements(call.elements(networks, view) { $0.network($1) })])
  }

  private func show(_ id: NetworkID, _ call: Call) async throws -> Reply {
    let view = await call.view()
    return .ok(call.renderer(view).network(try view.known(network: id)))
  }

  /// What is not given, or null, stays as it is.
  private func update(_ call: Call) async throws -> Reply {
    let network = try await call.view().known(network: call.identifier(of: "virtual network"))
    try await call.perform(
      .updateNetwork(
        network.id, description: try call.arguments.string("description"), tags: try call.arguments.texts("tags")))
    return try await show(network.id, call)
  }

  private func delete(_ call: Call) async throws -> Reply {
    let network = try await call.view().known(network: call.identifier(of: "virtual network"))
    try await call.perform(.deleteNetwork(network.id))
    return .noContent
  }
}

extension Arguments {
  /// The place of a new network: `facility` or `metro`, each a code or a UUID.
  fileprivate func networkPlace() throws(APIError) -> NetworkPlace {
    switch (place("facility"), place("metro")) {
    case (nil, nil): throw .invalid("facility and metro are missing; give one of them")
    case (.some, .some): throw .invalid("give facility or metro, not both")
    case (.some, nil): return .facility(try facility().code)
    case (nil, .some):
      guard let code = try metroFilter() else { throw .invalid("metro is missing") }
      return .metro(code)
    }
  }
}

/// Filters of the network lists.
struct NetworkFilter {
  private let facility: String?
  private let metro: String?
  private let vxlan: Int?

  init(_ arguments: Arguments) throws(APIError) {
    facility = try arguments.facilityFilter()
    metro = try arguments.metroFilter()
    vxlan = try arguments.integer("vxlan")
  }

  /// Those that match, by place and number. A metro has the networks of its facilities, too.
  func networks(of view: View, where isMeant: (VirtualNetwork) -> Bool = { _ in true }) -> [VirtualNetwork] {
    view.networks.filter { network in
      if let facility, network.facility != facility { return false }
      if let metro, network.metro != metro { return false }
      if let vxlan, network.vxlan != vxlan { return false }
      return isMeant(network)
    }
    .sorted { one, other in
      if one.place.code != other.place.code { return one.place.code < other.place.code }
      return one.vxlan != other.vxlan ? one.vxlan < other.vxlan : one.id.description < other.id.description
    }
  }
}
