// The one organization and the one user.

import FoundationEssentials
import Rack

struct AccountRoutes {
  func register(on routes: inout Routes) {
    routes.get("/organizations") { call in
      let page = try Page(call.arguments)
      return page.reply("organizations", of: [Owner.organization], call: call, await call.view()) { renderer, _ in
        renderer.organization
      }
    }
    routes.get("/organizations/:id") { call in
      try call.checkOrganization()
      return .ok(call.renderer(await call.view()).organization)
    }
    routes.get("/user") { call in .ok(call.renderer(await call.view()).user) }
    routes.get("/users/:id") { call in
      guard UUID(uuidString: call.parameter("id")) == Owner.user else { throw call.unknown("user") }
      return .ok(call.renderer(await call.view()).user)
    }
  }
}

extension Call {
  /// Throws 404 unless the path names the organization.
  func checkOrganization() throws(APIError) {
    guard UUID(uuidString: parameter("id")) == Owner.organization else { throw unknown("organization") }
  }

  /// The 404 for the `id` in the path.
  func unknown(_ what: String) -> APIError {
    .unknown("there is no \(what) \(Arguments.shown(.string(parameter("id"))))")
  }
}
