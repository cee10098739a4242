// SSH keys: those of the user, which are for servers of all projects, and those of a project.
//
// Who has a token for one project has no user: `/ssh-keys` are that project's then, to list and to make. The clients of
// the original that come with such a token look for the project's keys there.

import Rack

struct SSHKeyRoutes {
  func register(on routes: inout Routes) {
    routes.get("/ssh-keys") { call in
      let view = await call.view()
      return try Self.list(view.sshKeys(of: call.access.keyOwner), call, view)
    }
    routes.post("/ssh-keys") { call in try await create(call, of: call.access.keyOwner) }
    routes.get("/ssh-keys/:id") { call in
      let view = await call.view()
      return .ok(call.renderer(view).sshKey(try view.known(key: call.identifier(of: "SSH key"))))
    }
    // Older clients change by the one, newer by the other.
    routes.put("/ssh-keys/:id", update)
    routes.patch("/ssh-keys/:id", update)
    routes.delete("/ssh-keys/:id") { call in
      let key = try await call.view().known(key: call.identifier(of: "SSH key"))
      try await call.perform(.deleteSSHKey(key.id))
      return .noContent
    }
    routes.get("/projects/:id/ssh-keys") { call in
      let view = await call.view()
      let project = try view.known(project: call.identifier(of: "project"))
      return try Self.list(view.sshKeys(of: .project(project.id)), call, view)
    }
    routes.post("/projects/:id/ssh-keys") { call in
      let project = try await call.view().known(project: call.identifier(of: "project"))
      return try await create(call, of: .project(project.id))
    }
    routes.get("/devices/:id/ssh-keys") { call in
      let view = await call.view()
      return try Self.list(view.sshKeys(on: view.known(server: call.identifier(of: "device"))), call, view)
    }
    // All that the caller sees: the user's, and those of all projects.
    routes.get("/toprack/ssh-keys") { call in
      let view = await call.view()
      let keys = view.sshKeys.sorted {
        ($0.createdAt, $0.label, $0.id.description) < ($1.createdAt, $1.label, $1.id.description)
      }
      return try Self.list(keys, call, view)
    }
  }

  /// The search for keys, which each list of the original calls otherwise; here each takes all of them.
  private static let searches = ["search", "query", "Search string"]

  /// Those whose label, text, fingerprint or UUID has what is searched for in it, in either case.
  private static func list(_ keys: [SSHKey], _ call: Call, _ view: View) throws -> Reply {
    let wanted = try searches.map { try call.arguments.string($0)?.lowercased() ?? "" }
    let found = keys.filter { key in
      let texts = [key.label, key.key.text, key.key.fingerprint, key.key.sha256, key.id.description]
      return wanted.allSatisfy { part in part.isEmpty || texts.contains { $0.lowercased().contains(part) } }
    }
    return .ok(["ssh_keys": .array(found.map(call.renderer(view).sshKey))])
  }

  private func create(_ call: Call, of owner: SSHKey.Owner) async throws -> Reply {
    let outcome = try await call.perform(.createSSHKey(SSHKeyRequest(call.arguments, owner)))
    guard case .sshKey(let id) = outcome.subject else { preconditionFailure("a created key is the subject") }
    let view = await call.view()
    return .created(call.renderer(view).sshKey(try view.known(key: id)))
  }

  /// What is not given, or null, stays as it is.
  private func update(_ call: Call) async throws -> Reply {
    let key = try await call.view().known(key: call.identifier(of: "SSH key"))
    try await call.perform(.updateSSHKey(key.id, SSHKeyUpdate(call.arguments)))
    let view = await call.view()
    return .ok(call.renderer(view).sshKey(try view.known(key: key.id)))
  }
}

extension Access {
  /// Whose keys the caller has when none are named.
  var keyOwner: SSHKey.Owner { project.map { .project($0) } ?? .user }
}

extension SSHKeyRequest {
  /// `instances_ids`: servers that are there and get the key; an empty list is all that it is for.
  init(_ arguments: Arguments, _ owner: SSHKey.Owner) throws(APIError) {
    var collect = Collecting()
    let key = collect { () throws(APIError) in try Self.text("key", arguments, "a line as ssh-keygen writes it") }
    let label = collect { () throws(APIError) in try Self.text("label", arguments, "a name of 1 to 80 characters") }
    let tags = collect { () throws(APIError) in try arguments.texts("tags") } ?? nil
    let servers = collect { () throws(APIError) in try Self.recipients(arguments) }
    try collect.check()
    guard let key, let label, let servers else { preconditionFailure("what is not there is a fault") }
    self.init(owner: owner, label: label, key: key, tags: tags ?? [], servers: servers)
  }

  private static func text(_ name: String, _ arguments: Arguments, _ what: String) throws(APIError) -> String {
    guard let text = try arguments.string(name) else { throw .invalid("\(name) is missing: give \(what)") }
    return text
  }

  private static func recipients(_ arguments: Arguments) throws(APIError) -> Recipients {
    guard let texts = try arguments.texts("instances_ids") else { return .none }
    if texts.isEmpty { return .all }
    return .these(try SSHKeyChoice.identifiers("instances_ids", texts, "devices"))
  }
}

extension SSHKeyUpdate {
  fileprivate init(_ arguments: Arguments) throws(APIError) {
    var collect = Collecting()
    let label = collect { () throws(APIError) in try arguments.string("label") } ?? nil
    let key = collect { () throws(APIError) in try arguments.string("key") } ?? nil
    let tags = collect { () throws(APIError) in try arguments.texts("tags") } ?? nil
    try collect.check()
    self.init(label: label, key: key, tags: tags)
  }
}

/// At the creation of a device: `ssh_keys` are new ones, or such as the project has; `project_ssh_keys` are keys of the
/// project by their UUIDs; `user_ssh_keys` are users, all of whose keys are meant; `no_ssh_keys` is what nothing of
/// these means then.
extension SSHKeyChoice {
  init(_ arguments: Arguments, _ collect: inout Collecting) {
    self.init()
    named =
      collect { () throws(APIError) in
        try Self.identifiers("project_ssh_keys", try arguments.texts("project_ssh_keys") ?? [], "SSH keys")
      } ?? []
    hasUserKeys = collect { () throws(APIError) in try Self.userKeys(arguments) } ?? false
    new = collect { () throws(APIError) in try Self.new(arguments) } ?? []
    isNoneByDefault = (collect { () throws(APIError) in try arguments.boolean("no_ssh_keys") } ?? nil) ?? false
  }

  fileprivate static func identifiers<Entity>(
    _ name: String, _ texts: [String], _ what: String
  ) throws(APIError) -> [Identifier<Entity>] {
    try texts.map { text throws(APIError) in
      guard let id = Identifier<Entity>(text) else {
        throw .invalid("\(name) has \(Arguments.shown(.string(text))); valid is a list of UUIDs of \(what)")
      }
      return id
    }
  }

  private static func userKeys(_ arguments: Arguments) throws(APIError) -> Bool {
    let users = try arguments.texts("user_ssh_keys") ?? []
    for user in users where user.lowercased() != Owner.user.text {
      throw .invalid(
        "user_ssh_keys has \(Arguments.shown(.string(user))), which is no user; the only one is \(Owner.user.text)")
    }
    return !users.isEmpty
  }

  private static func new(_ arguments: Arguments) throws(APIError) -> [New] {
    let rule = #"valid is a list of objects as {"label": "laptop", "key": "ssh-ed25519 AAAA…"}"#
    return try (arguments.objects("ssh_keys", rule) ?? []).map { entry throws(APIError) in
      let members = Arguments(members: entry.objectMembers)
      guard let label = try members.string("label"), let key = try members.string("key") else {
        throw .invalid("ssh_keys has an entry without label or key; \(rule)")
      }
      return New(label: label, key: key, tags: try members.texts("tags") ?? [])
    }
  }
}

extension JSON {
  fileprivate var objectMembers: [Member] { if case .object(let members) = plain { members } else { [] } }
}
