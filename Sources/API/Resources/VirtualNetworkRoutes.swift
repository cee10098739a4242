// Virtual networks.

import Rack

struct VirtualNetworkRoutes {
  func register(on routes: inout Routes) {
    routes.post("/projects/:id/virtual-networks", create)
    routes.get("/projects/:id/virtual-networks", list)
    routes.get("/virtual-networks/:id", show)
    routes.delete("/virtual-networks/:id", delete)
  }

  private func create(_ call: Call) async throws -> Reply {
    let project = try await call.view().known(project: call.identifier(of: "project"))
    let arguments = call.arguments
    if arguments.value("facility") != nil, arguments.value("metro") != nil {
      throw APIError.invalid("give facility or metro, not both")
    }
    // Clients that let the service choose the number send null, nothing, or 0.
    let number = try arguments.integer("vxlan")
    let request = NetworkRequest(
      project: project.id, facility: try arguments.facility().code, vxlan: number == 0 ? nil : number,
      description: try arguments.string("description"))
    let outcome = try await call.perform(.createNetwork(request))
    guard case .network(let id) = outcome.subject else { preconditionFailure("a created network is the subject") }
    let view = await call.view()
    return .created(try call.renderer(view).network(view.known(network: id)))
  }

  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let project = try view.known(project: call.identifier(of: "project"))
    let filter = try NetworkFilter(call.arguments)
    let networks = filter.networks(of: view).filter { $0.project == project.id }
    return .ok(["virtual_networks": .array(call.renderer(view).networks(networks))])
  }

  private func show(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let network = try view.known(network: call.identifier(of: "virtual network"))
    return .ok(call.renderer(view).network(network))
  }

  private func delete(_ call: Call) async throws -> Reply {
    let network = try await call.view().known(network: call.identifier(of: "virtual network"))
    try await call.perform(.deleteNetwork(network.id))
    return .noContent
  }
}

/// Filters of the network lists.
struct NetworkFilter {
  private let facility: String?
  private let metro: String?
  private let vxlan: Int?

  init(_ arguments: Arguments) throws(APIError) {
    facility = try arguments.facilityFilter()
    metro = try arguments.string("metro")
    vxlan = try arguments.integer("vxlan")
  }

  /// Those that match, by facility and number.
  func networks(of view: View) -> [VirtualNetwork] {
    view.networks.filter { network in
      if let facility, network.facility != facility { return false }
      if let metro, Catalogue.metro(metro)?.code != network.metro { return false }
      if let vxlan, network.vxlan != vxlan { return false }
      return true
    }
    .sorted { ($0.place.code, $0.vxlan, $0.id.description) < ($1.place.code, $1.vxlan, $1.id.description) }
  }
}
