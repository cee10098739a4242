// A lab file that is pasted: what it would do, and then doing it.
//
//     text ──"Show what it would do"──▶ plan, and a second form with the text and the generation ──"Apply"──▶ done
//
// What is applied is the text that the plan was shown of, not what the text area has become since. A lab that was
// changed between the two is of another generation: then the new plan is shown, and nothing has changed. The desk of
// labs plans and applies, as for the API; here it is only shown.

import HTTPTypes
import Labs
import Rack

struct LabFilePage {
  let desk: LabDesk

  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/labs/new") { visit in
      try await show(visit, try await Self.start(visit))
    }
    routes.post("/projects/:id/labs/new", plan)
    routes.post("/projects/:id/labs/apply", apply)
  }

  /// What a form asks for.
  private struct Asked {
    let name: String
    let project: Project
    let wish: LabDesk.Wish
  }

  /// What stands in the form, and above it.
  private struct Shown {
    var text = ""
    /// Which is chosen.
    var project: ProjectID?
    var adopts = false
    var plan: (asked: Asked, plan: LabPlan)?
  }

  /// An empty form; or one with the lab of the query as it is now.
  private static func start(_ visit: Visit) async throws -> Shown {
    guard let text = try visit.arguments.string("lab") else { return Shown() }
    guard let id = LabID(text) else {
      throw APIError.unknown("there is no lab \(Arguments.shown(.string(text))): give its UUID")
    }
    let view = await visit.call.view()
    let lab = try view.known(lab: id)
    return Shown(text: view.file(of: lab).map { LabWriter.yaml($0) } ?? "", project: lab.project)
  }

  private static func given(_ visit: Visit) -> Shown {
    Shown(
      text: visit.given("file") ?? "", project: visit.given("project").flatMap { ProjectID($0) },
      adopts: visit.given("adopt") != nil)
  }

  /// On what the plan was made that the form was shown with.
  static func generation(_ visit: Visit) throws(APIError) -> String {
    guard let generation = try visit.arguments.string("generation") else {
      throw .invalid("generation is missing: it says which plan is meant; look at the plan first")
    }
    return generation
  }

  private func asked(_ visit: Visit) async throws -> Asked {
    let view = await visit.call.view()
    _ = try visit.project(in: view)
    let (file, positions) = try LabDesk.read(try visit.arguments.string("file") ?? "", visit.access)
    // The file's own word comes first, then the form's.
    let project = try LabDesk.project(file.project ?? file.defaults.project, visit.call, view)
    let adopts = visit.given("adopt") != nil
    return Asked(name: file.name, project: project, wish: .file(file, positions, adopts: adopts))
  }

  private func plan(_ visit: Visit) async throws -> PortalAnswer {
    try await answer(visit) {
      try await planned(try await asked(visit), visit, nil)
    }
  }

  private func planned(_ asked: Asked, _ visit: Visit, _ refusal: APIError?) async throws -> PortalAnswer {
    var shown = Self.given(visit)
    shown.plan = (asked, try await desk.plan(asked.wish, of: asked.name, in: asked.project, visit.call))
    return try await show(visit, shown, refusal)
  }

  private func apply(_ visit: Visit) async throws -> PortalAnswer {
    try await answer(visit) {
      try visit.access.requireWriting()
      let asked = try await asked(visit)
      let generation = try Self.generation(visit)
      do {
        let (plan, machines) = try await desk.apply(
          asked.wish, of: asked.name, in: asked.project, ifMatch: generation, visit.call)
        visit.leave("Lab \(asked.name) was applied", plan, machines)
      } catch {
        let refusal = APIError(error)
        guard refusal.status == .preconditionFailed else { throw error }
        return try await planned(asked, visit, refusal)
      }
      return await visit.page(after: asked.name, of: asked.project)
    }
  }

  /// What is refused is shown beside the text, which is still there; a project that is not there, too.
  private func answer(_ visit: Visit, _ body: () async throws -> PortalAnswer) async throws -> PortalAnswer {
    do {
      return try await body()
    } catch {
      let refusal = APIError(error)
      if refusal.status.kind == .serverError, refusal.status != .serviceUnavailable { throw error }
      return try await show(visit, Self.given(visit), refusal)
    }
  }

  // MARK: The page

  private func show(_ visit: Visit, _ shown: Shown, _ refusal: APIError? = nil) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let project = try visit.project(in: view)
    let chosen = shown.project ?? project.id
    let projects = view.projects.sorted { ($0.name, $0.createdAt) < ($1.name, $1.createdAt) }
    var fields: Fields = [
      "file": shown.text, "adopts": shown.adopts, "choosesProject": projects.count > 1, "chosen": "\(chosen)",
      "projects": projects.map { visit.option("\($0.id)", $0.name, isChosen: $0.id == chosen) },
    ]
    if let (asked, plan) = shown.plan {
      fields["plan"] = plan.fields.merging(["lab": asked.name, "owner": asked.project.name]) { $1 }
      // The script leaves the page alone, as one with a refusal.
      fields["isPosted"] = refusal == nil
    }
    let isStale = refusal?.status == .preconditionFailed
    // One who may not write is told so above.
    if let refusal, !isStale, !(visit.access.isReadOnly && refusal.status == .forbidden) {
      fields["problem"] = Self.fields(of: refusal, shown.text)
    }
    if isStale { fields["stale"] = ["lines": refusal?.messages ?? []] as Fields }
    return visit.page(
      "lab-new", title: visit.access.isReadOnly ? "What a lab file would do" : "Apply a lab file",
      in: .project(project, .labs),
      fault: refusal.map { FormFault(form: "lab", lines: $0.messages, status: $0.status) }, fields)
  }

  /// Lines of the text are shown as far as this.
  private static let excerptLimit = 120

  /// A list of what is wrong; with the place and its line, where it has one.
  private static func fields(of refusal: APIError, _ text: String) -> Fields {
    guard !refusal.faults.isEmpty else { return ["items": refusal.messages.map { ["message": $0] as Fields }] }
    // By scalars: what a browser sends ends in CR LF, which is one Character.
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    return [
      "items": refusal.faults.map { fault -> Fields in
        var fields: Fields = ["message": fault.message]
        guard fault.line > 0 else { return fields }
        fields["at"] = "\(fault.line):\(fault.column):"
        if lines.indices.contains(fault.line - 1) {
          let line = String(String.UnicodeScalarView(lines[fault.line - 1].prefix(excerptLimit)))
          if line.contains(where: { !$0.isWhitespace }) { fields["excerpt"] = line }
        }
        return fields
      }
    ]
  }
}
