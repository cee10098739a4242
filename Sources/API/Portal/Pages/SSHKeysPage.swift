// SSH keys: those of a project, and the user's, which are for all projects.

import Rack

struct SSHKeysPage {
  func register(on routes: inout PortalRoutes) {
    routes.get("/projects/:id/ssh-keys") { visit in
      try await show(visit, try visit.project(in: await visit.call.view()), nil)
    }
    routes.post("/projects/:id/ssh-keys", add)
    routes.post("/projects/:id/ssh-keys/:key/delete", delete)
  }

  private static func path(_ project: Project) -> String { "\(Portal.path)/projects/\(project.id)/ssh-keys" }

  private func show(_ visit: Visit, _ project: Project, _ fault: FormFault?) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let holders = Dictionary(
      view.servers.filter { $0.project == project.id }.flatMap { server in server.sshKeys.map { ($0, 1) } },
      uniquingKeysWith: +)
    func group(_ owner: SSHKey.Owner, _ title: String, isChangeable: Bool) -> Fields {
      let keys = view.sshKeys(of: owner).map { key -> Fields in
        var fields: Fields = [
          "id": key.id.description, "label": key.label, "type": key.key.kind.rawValue, "bits": key.key.bits,
          "comment": key.key.comment, "fingerprint": key.key.sha256, "servers": holders[key.id] ?? 0,
          "added": Words.time(key.createdAt),
        ]
        if let fault, fault.form == "key-\(key.id)" { fields["faults"] = ["lines": fault.lines] as Fields }
        return fields
      }
      return [
        "title": title, "keys": keys, "hasKeys": !keys.isEmpty, "canChange": isChangeable && !visit.access.isReadOnly,
      ]
    }
    let isWhole = visit.access.scope == .all
    var fields: Fields = [
      "groups": [
        group(.project(project.id), "Keys of \(project.name)", isChangeable: true),
        group(.user, "Keys of the rack’s user, for servers of all projects", isChangeable: isWhole),
      ], "choosesOwner": isWhole, "isForAll": visit.given("owner") == "user",
    ]
    fields["label"] = visit.given("label")
    // Somebody's secret is not shown again.
    fields["key"] = visit.given("key").flatMap { SSHPublicKey.isPrivate($0) ? nil : $0 }
    return visit.page(
      "ssh-keys", title: "SSH keys of \(project.name)", in: .project(project, .keys), fault: fault, fields)
  }

  private func add(_ visit: Visit) async throws -> PortalAnswer {
    let project = try visit.project(in: await visit.call.view())
    return try await visit.attempt("key") {
      let owner: SSHKey.Owner = try visit.arguments.string("owner") == "user" ? .user : .project(project.id)
      let outcome = try await visit.call.perform(.createSSHKey(try SSHKeyRequest(visit.arguments, owner)))
      guard case .sshKey(let id) = outcome.subject, let key = await visit.call.view()[id] else {
        return .redirect(Self.path(project))
      }
      visit.leave(
        "SSH key \(key.label) was added",
        [
          owner == .user
            ? "It goes onto new servers of all projects, and opens the consoles of all."
            : "It goes onto new servers of \(project.name), and opens the consoles of all that it has."
        ])
      return .redirect(Self.path(project))
    } page: {
      try await show(visit, project, $0)
    }
  }

  private func delete(_ visit: Visit) async throws -> PortalAnswer {
    let view = await visit.call.view()
    let project = try visit.project(in: view)
    let key = try view.known(key: visit.call.identifier("key", of: "SSH key"))
    return try await visit.attempt("key-\(key.id)") {
      try await visit.call.perform(.deleteSSHKey(key.id))
      visit.leave(
        "SSH key \(key.label) was removed",
        ["Machines that have read it at their first boot let it in until it is removed there, too."])
      return .redirect(Self.path(project))
    } page: {
      try await show(visit, project, $0)
    }
  }
}
