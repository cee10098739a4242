// The one organization, the one user, and their SSH keys, of which there are none: nothing boots here that would take one.

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
    routes.get("/ssh-keys") { _ in .ok(["ssh_keys": []]) }
    routes.get("/projects/:id/ssh-keys") { call in
      _ = try await call.view().known(project: call.identifier(of: "project"))
      return .ok(["ssh_keys": []])
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
