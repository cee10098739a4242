// One request of somebody who is signed in, as the pages see it. The way to the rack is the same `Call` that the API's
// resources have, so that a page shows and changes what is the caller's, and nothing else.

import Control
import FoundationEssentials
import HTTPTypes
import Rack

struct Visit: Sendable {
  let call: Call
  let session: Session
  /// What the session's cookie says, and is called.
  let key: String
  let cookieName: String
  /// The page is there already, and asks only for what is new on it.
  let isUpdate: Bool
  let isSecure: Bool
  let site: Site
  /// What is wrong now, as far as the visitor may know.
  let problems: [Problem]
  /// In which facility the servers are that something is wrong with, by its code.
  let facilities: [ServerID: String]

  var access: Access { call.access }
  var arguments: Arguments { call.arguments }

  /// Says something on the page that comes next.
  func leave(_ title: String, _ lines: [String] = []) { site.sessions.leave(Note(title, lines), for: key) }

  /// A page.
  ///
  /// - Parameters:
  ///   - place: where the page is, for the navigation.
  ///   - fault: what was refused, for the form that it was refused of.
  func page(
    _ template: String, title: String, in place: PagePlace = .nowhere, fault: FormFault? = nil, _ fields: Fields
  ) -> PortalAnswer {
    var all = site.frame(title: title, place)
    all["who"] = access.by
    all["readOnly"] = access.isReadOnly
    all["canWrite"] = !access.isReadOnly
    all["formToken"] = session.formToken
    if !isUpdate {
      all["notes"] = site.sessions.takeNotes(of: key).map { ["title": $0.title, "lines": $0.lines] as Fields }
    }
    all["trouble"] = trouble(in: place)
    if let fault {
      all["fault"] = [fault.form: ["lines": fault.lines] as Fields] as Fields
      // Who may not write has no form for it to stand by.
      if access.isReadOnly, fault.status == .forbidden { all["refused"] = ["lines": fault.lines] as Fields }
    }
    all.merge(fields) { $1 }
    return .html(fault?.status ?? .ok, site.templates.render(template, all))
  }

  /// Problems on one page; the others are counted.
  private static let problemCount = 5

  /// What stands above every page while something is wrong. A server's own page has what is wrong with it already; its
  /// pages begin with what is wrong with it, in its facility, and with the rack, so that the cut falls on what is far.
  private func trouble(in place: PagePlace) -> Fields? {
    var shown = problems
    if case .server(let server, _, let tab) = place {
      if tab == .overview { shown.removeAll { $0.server == server.id } }
      func distance(_ problem: Problem) -> Int {
        guard let id = problem.server else { return 2 }
        return id == server.id ? 0 : facilities[id] == server.facility ? 1 : 3
      }
      // By place as well: `sorted` alone promises no order among equals.
      shown = shown.enumerated().sorted { (distance($0.element), $0.offset) < (distance($1.element), $1.offset) }
        .map(\.element)
    }
    guard !shown.isEmpty else { return nil }
    var fields: Fields = ["lines": shown.prefix(Self.problemCount).map(\.text)]
    if shown.count > Self.problemCount { fields["more"] = shown.count - Self.problemCount }
    return fields
  }

  /// Does what a form asks for. What is refused is shown by `page`, next to the form named `form`; nothing has changed then.
  func attempt(
    _ form: String, _ change: () async throws -> PortalAnswer, page: (FormFault) async throws -> PortalAnswer
  ) async throws -> PortalAnswer {
    do {
      return try await change()
    } catch {
      let answer = APIError(error)
      // What is not there has no page to be shown on.
      if answer.status == .notFound || answer.status.kind == .serverError && answer.status != .serviceUnavailable {
        throw error
      }
      return try await page(FormFault(form: form, lines: answer.messages, status: answer.status))
    }
  }
}

/// A form that was refused.
struct FormFault: Sendable {
  let form: String
  let lines: [String]
  let status: HTTPResponse.Status
}

/// Where a page is.
enum PagePlace {
  case nowhere
  case project(Project, Tab)
  case server(Server, Project, ServerTab)

  enum Tab: String { case servers, networks, labs, keys, rack, capture, none }
  enum ServerTab: String { case overview, network, console, none }
}

/// What all pages have in common.
struct Site: Sendable {
  let templates: Templates
  let sessions: Sessions
  let history: TrafficHistory
  /// Changes with the style and the script, so that browsers keep them for as long as they are the same.
  let assetVersion: String

  /// What stands around every page.
  func frame(title: String, _ place: PagePlace) -> Fields {
    var fields: Fields = ["title": title, "assets": "\(Portal.path)/assets/\(assetVersion)"]
    func tab(_ tab: PagePlace.Tab) -> Fields { [tab.rawValue: true] }
    switch place {
    case .nowhere: break
    case .project(let project, let current):
      fields["project"] = Self.fields(of: project)
      fields["tab"] = tab(current)
    case .server(let server, let project, let current):
      fields["project"] = Self.fields(of: project)
      fields["tab"] = tab(.servers)
      fields["server"] = ["name": server.hostname, "path": Portal.path(of: server)] as Fields
      fields["serverTab"] = [current.rawValue: true] as Fields
    }
    return fields
  }

  static func fields(of project: Project) -> Fields {
    ["name": project.name, "path": "\(Portal.path)/projects/\(project.id)"]
  }
}
