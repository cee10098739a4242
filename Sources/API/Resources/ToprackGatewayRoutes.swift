// The gateway: what it knows of the hosts behind its routed interfaces.

import Control
import Rack

struct ToprackGatewayRoutes {
  let control: Control

  func register(on routes: inout Routes) {
    routes.get("/toprack/neighbours") { call in
      let rack = await control.rack
      let server = try call.arguments.string("server").map { try rack.known(serverNamed: $0).hostname }
      let renderer = Renderer(rack: rack, prefix: call.prefix)
      let neighbours = await control.neighbours().filter { neighbour in
        server.map { neighbour.place == .server($0) } ?? true
      }
      return .ok(.array(neighbours.map(renderer.neighbour)))
    }
  }
}
