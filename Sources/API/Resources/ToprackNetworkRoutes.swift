// Virtual networks of all projects and facilities together.

import Rack

struct ToprackNetworkRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/virtual-networks") { call in
      let view = await call.view()
      let networks = try NetworkFilter(call.arguments).networks(of: view)
      return .ok(["virtual_networks": .array(networks.map(call.renderer(view).network))])
    }
  }
}
