// The switch itself: its state, its station table, its settings.

import Control
import Rack

struct ToprackSwitchRoutes {
  let control: Control

  func register(on routes: inout Routes) {
    routes.get("/toprack/status") { call in
      let renderer = Renderer(rack: await control.rack, prefix: call.prefix)
      return .ok(renderer.status(await control.status()))
    }
    routes.get("/toprack/fdb") { call in
      let rack = await control.rack
      let (server, vxlan) = try Self.filter(call.arguments, of: rack)
      let renderer = Renderer(rack: rack, prefix: call.prefix)
      let stations = await control.stations(of: server, vxlan: vxlan).sorted {
        ($0.facility, $0.vxlan, $0.mac) < ($1.facility, $1.vxlan, $1.mac)
      }
      return .ok(.array(stations.map(renderer.station)))
    }
    routes.delete("/toprack/fdb") { call in
      let (server, vxlan) = try Self.filter(call.arguments, of: await control.rack)
      return .ok(["flushed": .integer(await control.flushStations(of: server, vxlan: vxlan))])
    }
    routes.get("/toprack/settings") { _ in
      let rack = await control.rack
      return .ok(["aging": ["seconds": .integer(rack.aging)], "lacp_rate": ["rate": LACPRate(of: rack).json]])
    }
    routes.put("/toprack/settings/aging") { call in
      let seconds = try call.arguments.required("seconds", "a number of seconds") { try call.arguments.integer($0) }
      _ = try await control.perform(.setAging(seconds: seconds))
      return .ok(["seconds": .integer(await control.rack.aging)])
    }
  }

  /// `server`, a name or UUID, and `vxlan`; both must exist when given.
  private static func filter(_ arguments: Arguments, of rack: Rack) throws -> (ServerID?, Int?) {
    let server = try arguments.string("server").map { try rack.known(serverNamed: $0).id }
    guard let vxlan = try arguments.integer("vxlan") else { return (server, nil) }
    guard VirtualNetwork.numbers.contains(vxlan) else {
      let valid = VirtualNetwork.numbers
      throw APIError.invalid(
        "virtual network number \(vxlan) is not valid; valid are \(valid.lowerBound) to \(valid.upperBound)")
    }
    guard rack.networks.values.contains(where: { $0.vxlan == vxlan }) else {
      throw APIError.unknown("there is no virtual network \(vxlan) in any facility")
    }
    return (server, vxlan)
  }
}
