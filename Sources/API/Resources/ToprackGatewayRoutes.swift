// The gateway: what it knows of the hosts behind its routed interfaces.

import Rack

struct ToprackGatewayRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/neighbours") { call in
      let view = await call.view()
      let server = try call.arguments.string("server").map { try view.known(serverNamed: $0) }
      return .list(call.elements(await call.neighbours(of: server), view) { $0.neighbour($1) })
    }
  }
}
