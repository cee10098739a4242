// The two switches of a facility: which have failed, and what happens when one does.

import Control
import Rack

struct ToprackFacilityRoutes {
  private let changes = CallerShares(2, "changes of switches")

  func register(on routes: inout Routes) {
    routes.get("/toprack/facilities") { call in
      let view = await call.view()
      return .ok(["facilities": .array(Catalogue.facilities.map { Self.json($0, view) })])
    }
    routes.post("/toprack/facilities/:facility/fail") { try await change($0, failed: true) }
    routes.post("/toprack/facilities/:facility/heal") { try await change($0, failed: false) }
  }

  private static func json(_ facility: Facility, _ view: View) -> JSON {
    let failed = view.failedSwitches(of: facility)
    return [
      "code": .string(facility.code), "servers": .integer(view.servers.count { $0.facility == facility.code }),
      "switches": .array(
        RackSwitch.allCases.map { one in
          [
            "name": .string(one.rawValue), "nic": .string(one.nic.rawValue), "failed": .boolean(failed.contains(one)),
          ]
        }),
    ]
  }

  /// The answer comes when each bond has found its way, or when it has not in time.
  private func change(_ call: Call, failed: Bool) async throws -> Reply {
    try call.access.requireWriting()
    try call.access.requireWholeRack(for: "switches of a facility")
    let name = call.parameter("facility")
    guard let facility = Catalogue.facility(name) else {
      let valid = Catalogue.facilities.map(\.code).joined(separator: ", ")
      throw APIError.unknown("there is no facility \(Arguments.shown(.string(name))); valid are \(valid)")
    }
    let switches = try switches(call.arguments, failed: failed)
    let place = try changes.take(call.access)
    let watch = BondWatch(facility: facility.code, await call.lacp(of: nil), nics: Set(switches.map(\.nic)))
    let outcome = try await call.perform(.setSwitches(switches, facility: facility.code, failed: failed))
    return .patient(place) {
      let view = await call.view()
      let bonds = outcome.changed ? await watch.moves(call, failed: failed) : []
      return Self.json(facility, view).adding(
        ("changed", .boolean(outcome.changed)), ("bonds", .array(bonds.map { $0.json(view) })))
    }
  }

  private func switches(_ arguments: Arguments, failed: Bool) throws -> Set<RackSwitch> {
    let rule = "a or b: eth0 of each server is on a, eth1 on b"
    guard let word = try arguments.string("switch") else {
      // What is healed without a word is all of it.
      if !failed { return Set(RackSwitch.allCases) }
      throw APIError.invalid("switch is missing: give \(rule)")
    }
    guard let found = RackSwitch(rawValue: word) else {
      throw APIError.invalid("switch \(Arguments.shown(.string(word))) is not known; valid are \(rule)")
    }
    return [found]
  }
}
