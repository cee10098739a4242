// The switch itself: its state, its station table, its settings.

import Control
import Rack

struct ToprackSwitchRoutes {
  /// Listings of all stations that one caller has under way.
  private let listings = CallerShares(2, "listings of all stations")

  func register(on routes: inout Routes) {
    routes.get("/toprack/status") { call in
      let renderer = call.renderer(await call.view())
      return .ok(renderer.status(await call.status()))
    }
    routes.get("/toprack/fdb", stations)
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

  /// A page when one is asked for; else all, as an array that is written while the table is read, so that no length of
  /// it is held anywhere.
  private func stations(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let (server, vxlan) = try Self.filter(call.arguments, of: view)
    if Page.isWanted(call.arguments) {
      let page = try Page(call.arguments)
      let (stations, total) = try await call.stations(of: server, vxlan: vxlan, page)
      return page.reply("stations", page: stations, total: total, call: call, view) { $0.station($1) }
    }
    let place = try listings.take(call.access)
    let first = try await call.stations(of: server, vxlan: vxlan, from: StationBookmark())
    guard let next = first.next else { return .list(call.elements(first.stations, view) { $0.station($1) }) }
    let listing = StationListing(call: call, view: view, place: place) {
      try await call.stations(of: server, vxlan: vxlan, from: $0)
    }
    return .stream("application/json; charset=utf-8") { writer in
      try await listing.write(first.stations, then: next, to: &writer)
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
