// The switch itself: its state, its station table, its settings.

import Control
import Rack

struct ToprackSwitchRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/status") { call in
      let renderer = call.renderer(await call.view())
      return .ok(renderer.status(await call.status()))
    }
    routes.get("/toprack/fdb") { call in
      let view = await call.view()
      let (server, vxlan) = try Self.filter(call.arguments, of: view)
      let renderer = call.renderer(view)
      let stations = await call.stations(of: server, vxlan: vxlan).sorted {
        ($0.facility, $0.vxlan, $0.mac) < ($1.facility, $1.vxlan, $1.mac)
      }
      return .ok(.array(stations.map(renderer.station)))
    }
    routes.delete("/toprack/fdb") { call in
      let (server, vxlan) = try Self.filter(call.arguments, of: await call.view())
      return .ok(["flushed": .integer(try await call.flushStations(of: server, vxlan: vxlan))])
    }
    routes.get("/toprack/settings") { call in
      let view = await call.view()
      let pools = call.renderer(view).rack.addressPlan.named.map { name, range in
        JSON.Member(name: name, value: .string("\(range)"))
      }
      return .ok([
        "aging": ["seconds": .integer(view.aging)], "lacp_rate": ["rate": view.lacpRate.json],
        "pools": .object(pools),
      ])
    }
    routes.put("/toprack/settings/aging") { call in
      let seconds = try call.arguments.required("seconds", "a number of seconds") { try call.arguments.integer($0) }
      try await call.perform(.setAging(seconds: seconds))
      return .ok(["seconds": .integer(await call.view().aging)])
    }
  }

  /// `server`, a name or UUID, and `vxlan`; both must exist when given.
  private static func filter(_ arguments: Arguments, of view: View) throws -> (Server?, Int?) {
    let server = try arguments.string("server").map { try view.known(serverNamed: $0) }
    guard let vxlan = try arguments.integer("vxlan") else { return (server, nil) }
    guard VirtualNetwork.numbers.contains(vxlan) else {
      let valid = VirtualNetwork.numbers
      throw APIError.invalid(
        "virtual network number \(vxlan) is not valid; valid are \(valid.lowerBound) to \(valid.upperBound)")
    }
    guard view.networks.contains(where: { $0.vxlan == vxlan }) else {
      throw APIError.unknown("there is no virtual network \(vxlan) in any facility")
    }
    return (server, vxlan)
  }
}
