// Labs: those of the project, and of the visitor's other ones.

import Rack

struct LabsPage {
  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/labs") { visit in
      let view = await visit.call.view()
      let project = try visit.project(in: view)
      let all = view.labs.map { (lab: $0, project: view[$0.project]?.name ?? "", isOwn: $0.project == project.id) }
        .sorted { ($0.isOwn ? 0 : 1, $0.project, $0.lab.name) < ($1.isOwn ? 0 : 1, $1.project, $1.lab.name) }
      let pages = try Pages(all.count, visit)
      let shown = pages.slice(of: all)
      func group(_ title: String, isOwn: Bool) -> Fields {
        let rows = shown.filter { $0.isOwn == isOwn }.map { Self.row($0.lab, of: $0.project, view) }
        return ["title": title, "labs": rows, "hasLabs": !rows.isEmpty]
      }
      return visit.page(
        "labs", title: "Labs of \(project.name)", in: .project(project, .labs),
        [
          "groups": [group("Labs of \(project.name)", isOwn: true), group("Labs of other projects", isOwn: false)],
          "hasNone": all.isEmpty, "pages": pages.fields(Self.path(project)),
        ])
    }
  }

  static func path(_ project: Project) -> String { "\(Portal.path)/projects/\(project.id)/labs" }

  private static func row(_ lab: Lab, of project: String, _ view: View) -> Fields {
    let belongings = view.belongings(of: lab)
    return [
      "labName": lab.name, "labPath": Portal.path(of: lab), "owner": project, "generation": String(lab.generation),
      "servers": String(belongings.servers.count), "networks": String(belongings.networks.count),
      "addresses": String(belongings.reservations.count), "checkpoints": String(lab.checkpoints.count),
      "changed": Words.time(lab.updatedAt),
    ]
  }
}
