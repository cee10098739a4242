// `POST /toprack/checks`: checks in the form that a lab's file has, run now.

import Checks
import Labs
import Rack

struct ToprackCheckRoutes {
  let desk: CheckDesk

  func register(on routes: inout Routes) {
    routes.post("/toprack/checks", check)
    routes.post("/toprack/labs/:lab/check", checkLab)
  }

  /// Those of the file that was applied last.
  private func checkLab(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let lab = try view.known(labNamed: call.parameter("lab"), in: try call.arguments.string("project"))
    let runner = desk.runner(call)
    return .patient(try desk.lease(call)) { await runner.run(CheckDesk.checks(of: lab), in: lab.project).json }
  }

  private func check(_ call: Call) async throws -> Reply {
    let project = try project(call, await call.view())
    let checks = try LabCheck.reading(call.arguments)
    let runner = desk.runner(call)
    return .patient(try desk.lease(call)) { await runner.run(checks, in: project).json }
  }

  /// The one that is named, or the only one that can be meant.
  private func project(_ call: Call, _ view: View) throws -> ProjectID {
    if let name = try call.arguments.string("project") { return try view.known(projectNamed: name).id }
    if let own = call.access.project { return own }
    let all = view.projects
    let found = all.count == 1 ? all : all.filter { $0.name == "default" }
    guard found.count == 1 else {
      throw APIError.invalid("project is missing, and there are several: give the name or the UUID of one")
    }
    return found[0].id
  }
}
