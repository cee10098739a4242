// Bonds as LACP sees them, and the rate at which it speaks.

import Rack

struct ToprackLACPRoutes {
  func register(on routes: inout Routes) {
    routes.get("/toprack/lacp", list)
    routes.put("/toprack/settings/lacp-rate", setRate)
  }

  /// The NICs that are in a bond, of one server or of all.
  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let server = try call.arguments.string("server").map { try view.known(serverNamed: $0) }
    return .list(call.elements(await call.lacp(of: server), view) { $0.lacp($1) })
  }

  private func setRate(_ call: Call) async throws -> Reply {
    let word = try call.arguments.required("rate", "slow or fast") { try call.arguments.string($0) }
    guard let rate = LACPRate(rawValue: word) else {
      throw APIError.invalid("rate \(Arguments.shown(.string(word))) is not known; valid are slow and fast")
    }
    try await call.perform(.setLACPRate(fast: rate == .fast))
    return .ok(["rate": await call.view().lacpRate.json])
  }
}

/// The rate in words.
enum LACPRate: String {
  case slow, fast

  init(of rack: Rack) { self = rack.lacpFast ? .fast : .slow }

  var json: JSON { .string(rawValue) }
}
