// The end of a lab, and going back to a checkpoint: what that does, before it is done. The button is for the generation
// that the plan was made on; when the lab is another one meanwhile, the new plan is shown and nothing has changed.

import HTTPTypes
import Labs
import Rack

struct LabConfirmPage {
  let desk: LabDesk

  private enum Question {
    case destroy
    case restore(String)

    var wish: LabDesk.Wish {
      switch self {
      case .destroy: .nothing
      case .restore(let checkpoint): .checkpoint(checkpoint)
      }
    }
  }

  func register(on routes: inout PortalRoutes) {
    routes.get("/labs/:id/destroy") { visit in try await show(visit, .destroy, nil) }
    routes.post("/labs/:id/destroy") { visit in try await answer(visit, .destroy) }
    routes.get("/labs/:id/restore") { visit in try await show(visit, try await Self.restore(visit), nil) }
    routes.post("/labs/:id/restore") { visit in try await answer(visit, try await Self.restore(visit)) }
  }

  static func restorePath(of lab: Lab, _ checkpoint: String) -> String {
    "\(Portal.path(of: lab))/restore?from=\(PercentEncoding.encode(checkpoint))"
  }

  /// As in the API, the checkpoint is called as the lab where nothing is said.
  private static func restore(_ visit: Visit) async throws -> Question {
    let (lab, _) = try visit.lab(in: await visit.call.view())
    return .restore(try visit.arguments.string("from") ?? lab.name)
  }

  private func show(_ visit: Visit, _ question: Question, _ fault: FormFault?) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let (lab, project) = try visit.lab(in: view)
    var fields: Fields = ["labName": lab.name, "labPath": Portal.path(of: lab)]
    let title: String
    switch question {
    case .destroy:
      title = "Destroy \(lab.name)"
      fields["action"] = "\(Portal.path(of: lab))/destroy"
      (fields["button"], fields["busy"]) = (title, "Destroying…")
      fields["isEnd"] = true
    case .restore(let checkpoint):
      title = "Restore \(lab.name) from checkpoint \(checkpoint)"
      fields["action"] = "\(Portal.path(of: lab))/restore"
      (fields["button"], fields["busy"]) = ("Restore", "Restoring…")
      fields["from"] = checkpoint
    }
    fields["question"] = title
    do {
      let plan = try await desk.plan(question.wish, of: lab.name, in: project, visit.call)
      fields["plan"] = plan.fields
      fields["keepsCheckpoints"] = !lab.checkpoints.isEmpty && plan.forgets.isEmpty
    } catch {
      let refusal = APIError(error)
      if refusal.status.kind == .serverError { throw error }
      // What was refused already is not said twice.
      if fault == nil { fields["refusal"] = refusal.messages }
    }
    return visit.page("lab-confirm", title: title, in: .project(project, .labs), fault: fault, ["is": fields])
  }

  private func answer(_ visit: Visit, _ question: Question) async throws -> PortalAnswer {
    let (lab, project) = try visit.lab(in: await visit.call.view())
    return try await visit.attempt("confirm") {
      let generation = try LabFilePage.generation(visit)
      let (plan, machines) = try await desk.apply(
        question.wish, of: lab.name, in: project, ifMatch: generation, visit.call)
      switch question {
      case .destroy: visit.leave("Lab \(lab.name) was destroyed", plan, machines)
      case .restore(let checkpoint):
        visit.leave("Lab \(lab.name) is as it was in checkpoint \(checkpoint)", plan, machines)
      }
      return await visit.page(after: lab.name, of: project)
    } page: {
      try await show(visit, question, $0)
    }
  }
}
