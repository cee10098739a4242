// Frames of a project's servers, several ports at once: as a file, and as a list that grows while one looks.

import Capture
import Control
import HTTPTypes
import Rack

struct CapturePage {
  /// Of the API and the portal together.
  let captures: CallerShares
  /// Lines a second that a browser is given.
  private static let pace = 100

  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/capture") { visit in try await show(visit, nil) }
    routes.get("/projects/:id/capture/file") { visit in
      try await visit.attempt("capture") {
        let (project, ordering) = try await ordering(visit, .pcapng)
        let place = try captures.take(visit.access)
        return .capture("\(Self.fileName(project.name)).pcapng", try await body(ordering, visit), place)
      } page: {
        try await show(visit, $0)
      }
    }
    routes.get("/projects/:id/capture/live") { visit in
      let (_, ordering) = try await ordering(visit, .json)
      let place = try captures.take(visit.access)
      let body = try await body(ordering, visit)
      return PortalAnswer(
        status: .ok, headers: [.contentType: ServerSentEvents.mediaType, .cacheControl: "no-store"],
        body: .stream { writer in
          defer { withExtendedLifetime(place) {} }
          let encoder = CaptureLineEncoder(before: "data: ", behind: "\n\n", pace: Self.pace)
          try await body.write(encoder, to: &writer)
        })
    }
  }

  private func show(_ visit: Visit, _ fault: FormFault?) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let project = try visit.project(in: view)
    let path = "\(Portal.path)/projects/\(project.id)/capture"
    var fields: Fields = ["capturePath": path]
    for name in ["server", "filter", "network", "duration", "count"] { fields[name] = visit.given(name) }
    fields["duration"] = visit.given("duration") ?? "60s"
    fields["count"] = visit.given("count") ?? "10000"
    fields["isDropped"] = visit.given("watch") == nil || visit.given("dropped") != nil
    guard fault == nil, visit.given("watch") != nil else { return page(visit, project, fields, fault) }
    // What is wrong with the question is said here: the list itself could only stay empty.
    do {
      _ = try await ordering(visit, .json)
    } catch {
      let answer = APIError(error)
      return page(
        visit, project, fields, FormFault(form: "capture", lines: answer.messages, status: answer.status))
    }
    let query = ["server", "filter", "network", "dropped"].compactMap { name in
      visit.given(name).map { "\(name)=\(PercentEncoding.encode($0))" }
    }
    fields["live"] = "\(path)/live?\(query.joined(separator: "&"))"
    return page(visit, project, fields, nil)
  }

  private func page(_ visit: Visit, _ project: Project, _ fields: Fields, _ fault: FormFault?) -> PortalAnswer {
    visit.page(
      "capture", title: "Capture in \(project.name)", in: .project(project, .capture), fault: fault, fields)
  }

  private func ordering(
    _ visit: Visit, _ format: CaptureOrdering.Format
  ) async throws -> (Project, CaptureOrdering) {
    let project = try visit.project(in: await visit.call.view())
    var ordering = try await CaptureOrdering(visit.call, format: format)
    ordering.request.scope.project = project.id
    return (project, ordering)
  }

  private func body(_ ordering: CaptureOrdering, _ visit: Visit) async throws -> CaptureBody {
    CaptureBody(
      call: visit.call, running: try await visit.call.capture(ordering.request), form: ordering.form,
      duration: ordering.duration, isWanted: { visit.site.sessions.isOpen(visit.key) })
  }

  /// A name that needs no quotes.
  private static func fileName(_ name: String) -> String {
    let plain = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    return plain.isEmpty ? "capture" : plain
  }
}
