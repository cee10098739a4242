// Labs: whole sets of servers and networks from one file.

import Control
import HTTPTypes
import Labs
import Rack

struct ToprackLabRoutes {
  let desk: LabDesk

  static let schemaPath = "/toprack/labs/schema"
  static let yaml = "application/yaml; charset=utf-8"

  func register(on routes: inout Routes) {
    routes.get(Self.schemaPath) { _ in
      Reply(
        status: .ok,
        body: .document(Array(LabSchema.json.utf8), type: Routes.jsonType))
    }
    routes.get("/toprack/labs", list)
    routes.get("/toprack/labs/:lab", show)
    routes.putDocument("/toprack/labs/:lab", apply)
    routes.delete("/toprack/labs/:lab", destroy)
    routes.postDocument("/toprack/labs/:lab/plan", changesNothing: true, plan)
    routes.get("/toprack/labs/:lab/file", export)
    routes.get("/toprack/export", exportRest)
    routes.put("/toprack/labs/:lab/checkpoints/:checkpoint", save)
    routes.delete("/toprack/labs/:lab/checkpoints/:checkpoint", forget)
    routes.post("/toprack/labs/:lab/restore", restore)
  }

  /// By project and name.
  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let project = try call.arguments.string("project").map { name throws(APIError) in
      try view.known(projectNamed: name).id
    }
    let labs = view.labs.filter { project == nil || $0.project == project }
      .sorted { ($0.name, $0.createdAt) < ($1.name, $1.createdAt) }
    let renderer = call.renderer(view)
    return .ok(["labs": .array(labs.map(renderer.lab))])
  }

  private func show(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let lab = try known(call, view)
    return tagged(.ok(call.renderer(view).lab(lab)), lab.generation)
  }

  /// The lab that a path names, of the query's project or of the only one that has it.
  private func known(_ call: Call, _ view: View) throws(APIError) -> Lab {
    try view.known(labNamed: call.parameter("lab"), in: try call.arguments.string("project"))
  }

  private func project(_ call: Call, _ view: View) throws(APIError) -> Project {
    let lab = try known(call, view)
    return try view.known(project: lab.project)
  }

  private func tagged(_ reply: Reply, _ generation: Int) -> Reply {
    var reply = reply
    reply.headers[.eTag] = "\"\(generation)\""
    return reply
  }

  // MARK: Plans

  private func wish(_ call: Call, _ view: View) throws(APIError) -> (LabDesk.Wish, project: Project) {
    let (file, positions) = try LabDesk.file(call)
    guard file.name == call.parameter("lab") else {
      throw APIError([
        positions.fault(
          at: ["lab"],
          "lab is \(file.name.quoted), and the path names \(Arguments.shown(.string(call.parameter("lab")))): "
            + "they must be the same")
      ])
    }
    let adopts = try call.arguments.boolean("adopt") ?? false
    let project: Project
    if let named = try LabDesk.named(by: file, positions, view) {
      project = named
    } else {
      project = try LabDesk.project(nil, call, view)
    }
    return (.file(file, positions, adopts: adopts), project)
  }

  /// Of the body; or with `destroy=true` of the end of the lab, or with `restore=NAME` of going back to a checkpoint.
  private func plan(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let (name, plan, project): (String, LabPlan, Project)
    if try call.arguments.boolean("destroy") ?? false {
      (name, project) = (call.parameter("lab"), try self.project(call, view))
      plan = try await desk.plan(.nothing, of: name, in: project, call)
    } else if let checkpoint = try call.arguments.string("restore") {
      (name, project) = (call.parameter("lab"), try self.project(call, view))
      plan = try await desk.plan(.checkpoint(checkpoint), of: name, in: project, call)
    } else {
      let (wish, owner) = try wish(call, view)
      (name, project) = (call.parameter("lab"), owner)
      plan = try await desk.plan(wish, of: name, in: project, call)
    }
    return tagged(.ok(call.renderer(view).plan(plan, of: name, in: project, generation: plan.base)), plan.base)
  }

  private func apply(_ call: Call) async throws -> Reply {
    let view = await call.view()
    try call.access.requireWriting()
    let (wish, project) = try wish(call, view)
    return try await done(wish, project, call, view)
  }

  private func destroy(_ call: Call) async throws -> Reply {
    let view = await call.view()
    try call.access.requireWriting()
    return try await done(.nothing, try project(call, view), call, view)
  }

  private func restore(_ call: Call) async throws -> Reply {
    let view = await call.view()
    try call.access.requireWriting()
    let lab = try known(call, view)
    let checkpoint = try call.arguments.string("from") ?? lab.name
    return try await done(.checkpoint(checkpoint), try view.known(project: lab.project), call, view)
  }

  private func done(_ wish: LabDesk.Wish, _ project: Project, _ call: Call, _ view: View) async throws -> Reply {
    let name = call.parameter("lab")
    let (plan, machines) = try await desk.apply(wish, of: name, in: project, ifMatch: call.ifMatch, call)
    let body = call.renderer(view).plan(
      plan, of: name, in: project, generation: plan.generation, machines: machines)
    return tagged(plan.base == 0 ? .created(body) : .ok(body), plan.generation)
  }

  // MARK: Files and checkpoints

  private func export(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let lab = try known(call, view)
    guard let file = view.file(of: lab) else { throw LabDesk.unknown(lab.name, try view.known(project: lab.project)) }
    return document(file)
  }

  private func exportRest(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let project = try LabDesk.project(nil, call, view)
    guard let file = view.fileOfRest(of: project.id) else {
      throw .unknown("there is no project \(project.id)") as APIError
    }
    return document(file)
  }

  private func document(_ file: LabFile) -> Reply {
    let text = LabWriter.yaml(file)
    return Reply(status: .ok, body: .document(Array(text.utf8), type: Self.yaml))
  }

  /// The state of the lab as it is, under a name.
  private func save(_ call: Call) async throws -> Reply {
    let view = await call.view()
    try call.access.requireWriting()
    let lab = try known(call, view)
    try await desk.save(lab, as: call.parameter("checkpoint"), call)
    let now = await call.view()
    return .ok(call.renderer(now).lab(try known(call, now)))
  }

  private func forget(_ call: Call) async throws -> Reply {
    let view = await call.view()
    try call.access.requireWriting()
    let lab = try known(call, view)
    try await desk.forget(call.parameter("checkpoint"), of: lab, call)
    return .noContent
  }
}
