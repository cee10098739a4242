/// Keys: who has them, which servers they are on, and whom they let in.
///
/// A server's keys are those that it was made with, as references: what a machine has read of them at its first boot is
/// its own affair. A key that is deleted leaves all servers. The console is another matter: it belongs to the rack,
/// which knows who may use it now (`keys(openingConsoleOf:)`).
extension Rack {
  /// The keys that may open the console of a server at this moment: those of its project and those of the user, the
  /// project's first, by age, each key once. Which keys the server was made with (`Server.sshKeys`, `no_ssh_keys`)
  /// makes no difference: a console is what one needs when the machine lets nobody in. Empty for a server that is not
  /// there.
  ///
  /// Ask at each login: keys come and go. `SSHPublicKey.blob` says which one somebody came with, `line` is for a list
  /// of authorized keys.
  public func keys(openingConsoleOf server: ServerID) -> [SSHKey] {
    guard let server = servers[server] else { return [] }
    return Self.distinct(sshKeys(of: .project(server.project)) + sshKeys(of: .user))
  }

  /// The keys that a server has got, in that order, each once.
  public func sshKeys(on server: Server) -> [SSHKey] {
    Self.distinct(server.sshKeys.compactMap { sshKeys[$0] })
  }

  /// By age.
  public func sshKeys(of owner: SSHKey.Owner) -> [SSHKey] {
    index.sshKeys[owner, default: []].compactMap { sshKeys[$0] }
      .sorted { ($0.createdAt, $0.label, $0.id.description) < ($1.createdAt, $1.label, $1.id.description) }
  }

  /// Without those whose blob came before.
  private static func distinct(_ keys: [SSHKey]) -> [SSHKey] {
    var seen: Set<[UInt8]> = []
    return keys.filter { seen.insert($0.key.blob).inserted }
  }

  // MARK: Changes

  func createSSHKey(_ request: SSHKeyRequest, with source: inout some Entropy) throws(Refusal) -> Outcome {
    let key = try newKey(
      SSHKeyChoice.New(label: request.label, key: request.key, tags: request.tags), of: request.owner, with: &source)
    if let same = sshKey(key.key, of: request.owner) { throw .invalid(Self.isThere(same)) }
    try mustHaveRoom(forKeyOf: request.owner, others: 0)
    let servers = try recipients(request)
    let changes = servers.map { old -> Change in
      var new = old
      new.sshKeys.append(key.id)
      return .server(new, replacing: old)
    }
    return Outcome(subject: .sshKey(key.id), changes: [.sshKey(key)] + changes)
  }

  func updateSSHKey(_ id: SSHKeyID, _ update: SSHKeyUpdate, with source: inout some Entropy) throws(Refusal) -> Outcome
  {
    guard let old = sshKeys[id] else { throw .notFound("SSH key \(id) does not exist") }
    var new = old
    var faults: [String] = []
    if let label = update.label { new.label = label }
    if let tags = update.tags { new.tags = tags }
    if let text = update.key { do { new.key = try SSHPublicKey(reading: text) } catch { faults.append(error.message) } }
    faults += Self.faults(ofLabel: new.label, new.tags)
    guard faults.isEmpty else { throw Refusal(kind: .invalid, messages: faults) }
    if let same = sshKey(new.key, of: new.owner), same.id != id { throw .invalid(Self.isThere(same)) }
    guard new != old else { return Outcome(subject: .sshKey(id)) }
    new.updatedAt = source.now
    return Outcome(subject: .sshKey(id), changes: [.sshKey(new)])
  }

  func deleteSSHKey(_ id: SSHKeyID) throws(Refusal) -> Outcome {
    guard sshKeys[id] != nil else { throw .notFound("SSH key \(id) does not exist") }
    return Outcome(subject: .nothing, changes: [.sshKeyDeleted(id)])
  }

  /// What a choice means for a new server of a project: the keys that it gets, and those that have to be made for it.
  func keys(
    for choice: SSHKeyChoice, of project: Project, with source: inout some Entropy
  ) throws(Refusal) -> (ids: [SSHKeyID], made: [SSHKey]) {
    if choice.namesNothing {
      if choice.isNoneByDefault { return ([], []) }
      return (sshKeys(of: .project(project.id)).map(\.id) + sshKeys(of: .user).map(\.id), [])
    }
    var (ids, made): ([SSHKeyID], [SSHKey]) = ([], [])
    for id in choice.named {
      guard let key = sshKeys[id] else { throw .notFound("SSH key \(id) does not exist") }
      guard key.owner == .project(project.id) else {
        throw .invalid("SSH key \(id) is not one of project \(project.name.quoted); give keys of the project")
      }
      ids.append(id)
    }
    for new in choice.new {
      let key = try newKey(new, of: .project(project.id), with: &source)
      if let present = sshKey(key.key, of: key.owner) ?? made.first(where: { $0.key.blob == key.key.blob }) {
        ids.append(present.id)
      } else {
        try mustHaveRoom(forKeyOf: key.owner, others: made.count)
        made.append(key)
        ids.append(key.id)
      }
    }
    if choice.hasUserKeys { ids += sshKeys(of: .user).map(\.id) }
    var seen: Set<SSHKeyID> = []
    return (ids.filter { seen.insert($0).inserted }, made)
  }

  // MARK: Rules

  /// A key that is in order; whether the owner has it already, or has room for it, is not asked.
  private func newKey(
    _ new: SSHKeyChoice.New, of owner: SSHKey.Owner, with source: inout some Entropy
  ) throws(Refusal) -> SSHKey {
    if let id = owner.project, projects[id] == nil { throw .notFound("project \(id) does not exist") }
    var faults = Self.faults(ofLabel: new.label, new.tags)
    var key: SSHPublicKey?
    do { key = try SSHPublicKey(reading: new.key) } catch { faults.append(error.message) }
    guard let key, faults.isEmpty else { throw Refusal(kind: .invalid, messages: faults) }
    return SSHKey(
      id: SSHKeyID(source.identifier()), owner: owner, label: new.label, key: key, tags: new.tags,
      createdAt: source.now)
  }

  static func faults(ofLabel label: String, _ tags: [String]) -> [String] {
    [Names.fault(ofLabel: label), Names.fault(ofTags: tags)].compactMap(\.self)
  }

  private func sshKey(_ key: SSHPublicKey, of owner: SSHKey.Owner) -> SSHKey? {
    index.sshKeys[owner, default: []].lazy.compactMap { sshKeys[$0] }.first { $0.key.blob == key.blob }
  }

  private static func isThere(_ key: SSHKey) -> String {
    let owner = key.owner == .user ? "the user" : "the project"
    return "\(owner) has this SSH key already: \(key.label.quoted), \(key.id)"
  }

  private func recipients(_ request: SSHKeyRequest) throws(Refusal) -> [Server] {
    func isMeant(_ server: Server) -> Bool { request.owner.project.map { $0 == server.project } ?? true }
    switch request.servers {
    case .none: return []
    case .all: return servers.values.filter(isMeant).sorted { $0.number < $1.number }
    case .these(let ids):
      var found: [ServerID: Server] = [:]
      for id in ids {
        let server = try server(id)
        guard isMeant(server) else {
          throw .invalid("server \(id) is of another project than the SSH key; give servers of the key's project")
        }
        found[id] = server
      }
      return found.values.sorted { $0.number < $1.number }
    }
  }
}
