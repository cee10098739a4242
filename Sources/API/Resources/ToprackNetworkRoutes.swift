// Virtual networks of all projects and facilities together.

import Rack

struct ToprackNetworkRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/virtual-networks") { call in
      let view = await call.view()
      let networks = try NetworkFilter(call.arguments).networks(of: view)
      return .list(["virtual_networks": .elements(call.elements(networks, view) { $0.network($1) })])
    }
  }
}
