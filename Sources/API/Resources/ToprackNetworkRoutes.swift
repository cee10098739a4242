// Virtual networks of all projects and facilities together.

import Control
import Rack

struct ToprackNetworkRoutes {
  let control: Control

  func register(on routes: inout Routes) {
    routes.get("/toprack/virtual-networks") { call in
      let rack = await control.rack
      let networks = try NetworkFilter(call.arguments).networks(of: rack)
      return .ok(["virtual_networks": .array(Renderer(rack: rack, prefix: call.prefix).networks(networks))])
    }
  }
}
