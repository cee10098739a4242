// Single IP assignments. All are management addresses: they come and go with layer 3 and with the server.

import Control
import Rack

struct AddressRoutes {
  let control: Control

  func register(on routes: inout Routes) {
    routes.get("/ips/:id") { call in
      let rack = await control.rack
      let (server, address) = try rack.known(address: call.identifier(of: "IP assignment"))
      return .ok(Renderer(rack: rack, prefix: call.prefix).address(address, of: server))
    }
    routes.delete("/ips/:id") { call in
      let (server, address) = try await control.rack.known(address: call.identifier(of: "IP assignment"))
      throw APIError.invalid(
        "\(address.address) is a management address of \(server.hostname) and cannot be removed by itself; "
          + "converting the server to layer 2, or deleting it, frees it")
    }
  }
}
