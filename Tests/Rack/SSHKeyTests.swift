import Cabling
import FoundationEssentials
import Rack
import Testing

@Suite("SSH keys of a rack") struct SSHKeyTests {
  @discardableResult
  private static func add(
    _ label: String, _ key: String = KeyVectors.ed25519, of owner: SSHKey.Owner? = nil, tags: [String] = [],
    to servers: SSHKeyRequest.Recipients = .none, in lab: inout Lab
  ) throws -> SSHKeyID {
    let request = SSHKeyRequest(
      owner: owner ?? .project(lab.project), label: label, key: key, tags: tags, servers: servers)
    guard case .sshKey(let id) = try lab.perform(.createSSHKey(request)).subject else {
      fatalError("a created key is the subject")
    }
    return id
  }

  @discardableResult
  private static func server(
    _ name: String, _ keys: SSHKeyChoice = SSHKeyChoice(), of project: ProjectID? = nil, in lab: inout Lab
  ) throws -> Server {
    let request = ServerRequest(
      hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
      project: project ?? lab.project, place: .host, keys: keys)
    guard case .server(let id) = try lab.perform(.createServer(request)).subject else {
      fatalError("a created server is the subject")
    }
    return lab.rack.servers[id]!
  }

  private static func project(_ name: String, in lab: inout Lab) throws -> ProjectID {
    guard case .project(let id) = try lab.perform(.createProject(name: name, customdata: "{}")).subject else {
      fatalError("a created project is the subject")
    }
    return id
  }

  private static func refusal(
    of command: Command, in lab: inout Lab, at location: SourceLocation = #_sourceLocation
  ) -> Refusal? {
    #expect(throws: Refusal.self, sourceLocation: location) { try lab.perform(command) }
  }

  // MARK: Life

  @Test("a key is added, changed and removed, and each time there is an event of its project")
  func life() throws {
    var lab = Lab()
    let request = SSHKeyRequest(
      owner: .project(lab.project), label: "laptop", key: KeyVectors.ed25519 + "\n", tags: ["a"])
    let made = try lab.perform(.createSSHKey(request))
    #expect(made.event?.type == "ssh_key.create" && made.event?.body == "SSH key laptop added")
    #expect(made.event?.project == lab.project && lab.change.isEmpty)
    guard case .sshKey(let id) = made.subject else { fatalError("a created key is the subject") }
    let key = try #require(lab.rack.sshKeys[id])
    #expect(key.label == "laptop" && key.key.text == KeyVectors.ed25519 + "\n" && key.tags == ["a"])
    #expect(key.createdAt == lab.entropy.now && key.updatedAt == lab.entropy.now)

    lab.entropy.now += 60
    #expect(try !lab.perform(.updateSSHKey(id, SSHKeyUpdate(label: "laptop"))).changed)
    let changed = try lab.perform(
      .updateSSHKey(id, SSHKeyUpdate(label: "desk", key: KeyVectors.rsa2048, tags: [])))
    #expect(changed.event?.body == "SSH key desk changed" && changed.event?.project == lab.project)
    let new = try #require(lab.rack.sshKeys[id])
    #expect(new.label == "desk" && new.key.kind == .rsa && new.tags.isEmpty)
    #expect(new.createdAt == key.createdAt && new.updatedAt == lab.entropy.now)

    let removed = try lab.perform(.deleteSSHKey(id))
    #expect(removed.event?.body == "SSH key desk removed" && removed.event?.project == lab.project)
    #expect(lab.rack.sshKeys.isEmpty && lab.faults() == [])
    #expect(Self.refusal(of: .deleteSSHKey(id), in: &lab)?.kind == .notFound)
    #expect(Self.refusal(of: .updateSSHKey(id, SSHKeyUpdate(label: "x")), in: &lab)?.kind == .notFound)
  }

  @Test("events about keys of the user concern the rack as a whole")
  func userEvents() throws {
    var lab = Lab()
    let id = try Self.add("me", of: .user, in: &lab)
    let event = try lab.perform(.deleteSSHKey(id)).event
    #expect(event?.body == "SSH key me of the user removed" && event?.project == nil)
  }

  @Test("the same key is at its owner once, whatever stands around it, and may be at another")
  func twice() throws {
    var lab = Lab()
    let other = try Self.project("other", in: &lab)
    let id = try Self.add("laptop", in: &lab)
    let again = KeyVectors.ed25519.replacing("anna@laptop", with: "somebody else")
    let request = SSHKeyRequest(owner: .project(lab.project), label: "again", key: again)
    let refusal = Self.refusal(of: .createSSHKey(request), in: &lab)
    #expect(refusal?.kind == .invalid)
    #expect(refusal?.messages == ["the project has this SSH key already: \"laptop\", \(id)"])
    try Self.add("again", again, of: .user, in: &lab)
    try Self.add("again", again, of: .project(other), in: &lab)
    let third = try Self.add("third", KeyVectors.ecdsa256, in: &lab)
    #expect(
      Self.refusal(of: .updateSSHKey(third, SSHKeyUpdate(key: again)), in: &lab)?.description.contains("already")
        == true)
    // Its own text may change.
    try lab.perform(.updateSSHKey(id, SSHKeyUpdate(key: again)))
    #expect(lab.rack.sshKeys.count == 4 && lab.faults() == [])
  }

  @Test("all that is wrong with a new key is said at once")
  func wrong() throws {
    var lab = Lab()
    let request = SSHKeyRequest(
      owner: .project(lab.project), label: "", key: "ssh-rsa x", tags: [String(repeating: "t", count: 81)])
    let refusal = Self.refusal(of: .createSSHKey(request), in: &lab)
    #expect(refusal?.messages.count == 3)
    for words in ["label \"\" is not valid", "tag \"ttt", "malformed base64"] {
      #expect(refusal?.description.contains(words) == true, "\(refusal?.description ?? "")")
    }
    let nobody = ProjectID(lab.entropy.identifier())
    let orphan = SSHKeyRequest(owner: .project(nobody), label: "x", key: KeyVectors.ed25519)
    #expect(Self.refusal(of: .createSSHKey(orphan), in: &lab)?.kind == .notFound)
    let id = try Self.add("x", in: &lab)
    let update = SSHKeyUpdate(label: "a\u{7}", key: KeyVectors.dsa)
    #expect(Self.refusal(of: .updateSSHKey(id, update), in: &lab)?.messages.count == 2)
  }

  // MARK: Servers

  @Test("a server gets all keys of its project and of the user, unless it is said which, or that none")
  func choice() throws {
    var lab = Lab()
    let other = try Self.project("other", in: &lab)
    try Self.add("foreign", KeyVectors.rsa2048, of: .project(other), in: &lab)
    let user = try Self.add("user", KeyVectors.ecdsa384, of: .user, in: &lab)
    let first = try Self.add("first", in: &lab)
    lab.entropy.now += 1
    let second = try Self.add("second", KeyVectors.ecdsa256, in: &lab)

    #expect(try Self.server("all", in: &lab).sshKeys == [first, second, user])
    #expect(try Self.server("none", SSHKeyChoice(isNoneByDefault: true), in: &lab).sshKeys == [])
    #expect(try Self.server("one", SSHKeyChoice(named: [second, second]), in: &lab).sshKeys == [second])
    #expect(try Self.server("user", SSHKeyChoice(hasUserKeys: true), in: &lab).sshKeys == [user])
    let both = SSHKeyChoice(named: [first], hasUserKeys: true, isNoneByDefault: true)
    #expect(try Self.server("both", both, in: &lab).sshKeys == [first, user])

    // Keys that come later are not on it, and one that is removed leaves.
    try Self.add("third", KeyVectors.ecdsa521, in: &lab)
    #expect(lab["all"].sshKeys.count == 3)
    try lab.perform(.deleteSSHKey(second))
    #expect(lab["all"].sshKeys == [first, user] && lab["one"].sshKeys == [])
    #expect(lab.rack.sshKeys(on: lab["all"]).map(\.label) == ["first", "user"])
    #expect(lab.faults() == [])
  }

  @Test("keys that come with a new server become keys of its project, or are the one that it has")
  func newKeys() throws {
    var lab = Lab()
    let first = try Self.add("first", in: &lab)
    let new = [
      SSHKeyChoice.New(label: "known", key: KeyVectors.ed25519),
      .init(label: "new", key: KeyVectors.rsa2048, tags: ["t"]),
      .init(label: "same", key: KeyVectors.rsa2048),
    ]
    let request = ServerRequest(
      hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: lab.project,
      place: .host, keys: SSHKeyChoice(new: new))
    let outcome = try lab.perform(.createServer(request))
    #expect(outcome.events.map(\.body).contains("SSH key new added"))
    #expect(lab.rack.sshKeys.count == 2 && lab["web1"].sshKeys.count == 2 && lab["web1"].sshKeys.first == first)
    let made = try #require(lab.rack.sshKeys.values.first { $0.id != first })
    #expect(made.label == "new" && made.tags == ["t"] && made.owner == .project(lab.project))
    #expect(lab.faults() == [])
  }

  @Test("a server with a key that is not its project's, or is none, is not made, and neither is another key of it")
  func wrongKeys() throws {
    var lab = Lab()
    let other = try Self.project("other", in: &lab)
    let foreign = try Self.add("foreign", of: .project(other), in: &lab)
    let user = try Self.add("user", of: .user, in: &lab)
    for (choice, kind, words) in [
      (SSHKeyChoice(named: [foreign]), .invalid, "is not one of project"),
      (SSHKeyChoice(named: [user]), .invalid, "is not one of project"),
      (SSHKeyChoice(named: [SSHKeyID(lab.entropy.identifier())]), .notFound, "does not exist"),
      (
        SSHKeyChoice(new: [.init(label: "a", key: KeyVectors.rsa2048), .init(label: "b", key: "x")]), .invalid,
        "no type of key"
      ),
    ] as [(SSHKeyChoice, Refusal.Kind, String)] {
      let request = ServerRequest(
        hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: lab.project,
        place: .host, keys: choice)
      let refusal = Self.refusal(of: .createServer(request), in: &lab)
      #expect(refusal?.kind == kind && refusal?.description.contains(words) == true)
    }
    #expect(lab.rack.sshKeys.count == 2)
  }

  @Test("a new key goes onto the servers that are named, or all that it is for")
  func recipients() throws {
    var lab = Lab()
    let other = try Self.project("other", in: &lab)
    for name in ["web1", "web2"] { try Self.server(name, in: &lab) }
    let foreign = try Self.server("far", of: other, in: &lab)
    let one = try Self.add("one", to: .these([lab["web1"].id, lab["web1"].id]), in: &lab)
    let all = try Self.add("all", KeyVectors.rsa2048, to: .all, in: &lab)
    let user = try Self.add("user", KeyVectors.rsa2048, of: .user, to: .all, in: &lab)
    #expect(
      lab["web1"].sshKeys == [one, all, user] && lab["web2"].sshKeys == [all, user] && lab["far"].sshKeys == [user])
    // The machine is told of one key once.
    #expect(lab.rack.sshKeys(on: lab["web2"]).map(\.id) == [all])
    let request = SSHKeyRequest(
      owner: .project(lab.project), label: "x", key: KeyVectors.ecdsa256, servers: .these([foreign.id]))
    #expect(Self.refusal(of: .createSSHKey(request), in: &lab)?.description.contains("another project") == true)
    #expect(lab.faults() == [])
  }

  @Test("a console opens to the keys of the server's project and of the user as they are now, whatever the server has")
  func console() throws {
    var lab = Lab()
    let other = try Self.project("other", in: &lab)
    try Self.add("foreign", KeyVectors.rsa2048, of: .project(other), in: &lab)
    let server = try Self.server("web1", SSHKeyChoice(isNoneByDefault: true), in: &lab)
    func labels() -> [String] { lab.rack.keys(openingConsoleOf: server.id).map(\.label) }
    #expect(labels() == [])
    try Self.add("user", of: .user, in: &lab)
    let own = try Self.add("own", KeyVectors.ecdsa256, in: &lab)
    #expect(labels() == ["own", "user"])
    // The same key in both places is one.
    let same = try Self.add("same", in: &lab)
    #expect(labels().count == 2 && !labels().contains("user"))
    try lab.perform(.deleteSSHKey(same))
    try lab.perform(.deleteSSHKey(own))
    #expect(labels() == ["user"])
    try lab.perform(.deleteServer(server.id))
    #expect(labels() == [])
  }

  // MARK: Bounds

  @Test("a project's quota of keys ends at its own, also for those that come with a server; the user has a limit")
  func quota() throws {
    var lab = Lab()
    var quotas = Quotas()
    quotas.sshKeys = 2
    lab.rack = Rack(with: &lab.entropy, quotas: quotas)
    let other = try Self.project("other", in: &lab)
    try Self.add("one", of: .project(other), in: &lab)
    let first = try Self.add("first", in: &lab)
    let new = [KeyVectors.rsa2048, KeyVectors.ecdsa256].map { SSHKeyChoice.New(label: "x", key: $0) }
    let request = ServerRequest(
      hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: lab.project,
      place: .host, keys: SSHKeyChoice(new: new))
    #expect(Self.refusal(of: .createServer(request), in: &lab)?.description.contains("its quota is 2") == true)
    try Self.add("second", KeyVectors.rsa2048, in: &lab)
    let third = SSHKeyRequest(owner: .project(lab.project), label: "third", key: KeyVectors.ecdsa256)
    #expect(
      Self.refusal(of: .createSSHKey(third), in: &lab)?.description
        == "project \"default\" has 2 SSH keys, and its quota is 2: remove one first, or have quota-ssh-keys raised in the "
        + "settings of toprackd")
    // The user's are not the project's.
    try Self.add("user", KeyVectors.ecdsa256, of: .user, in: &lab)
    try lab.perform(.deleteSSHKey(first))
    try lab.perform(.createSSHKey(third))
    #expect(lab.faults() == [])
  }

  @Test("a project goes with its keys")
  func projectEnds() throws {
    var lab = Lab()
    let other = try Self.project("other", in: &lab)
    try Self.add("foreign", of: .project(other), in: &lab)
    try lab.perform(.deleteProject(other))
    #expect(lab.rack.sshKeys.isEmpty && lab.faults() == [])
  }

  // MARK: Passwords

  @Test("a password is another for each server and each installation, and told for a day")
  func password() throws {
    var lab = Lab()
    try lab.server("web1")
    try lab.server("web2")
    let first = try #require(lab["web1"].rootPassword(at: lab.entropy.now))
    #expect(first.count == 16 && first.allSatisfy { "abcdefghijkmnpqrstuvwxyz23456789".contains($0) })
    #expect(first != lab["web2"].rootPassword(at: lab.entropy.now))
    let day: TimeInterval = 24 * 3600
    #expect(lab["web1"].rootPassword(at: lab.entropy.now + day - 1) == first)
    #expect(lab["web1"].rootPassword(at: lab.entropy.now + day) == nil)

    lab.entropy.now += day - 1
    try lab.perform(.setMTU(lab["web1"].id, 9000))
    #expect(lab["web1"].rootPassword?.text == first)
    lab.entropy.now += 1
    // The next change forgets what nobody is told any more.
    try lab.perform(.setMTU(lab["web1"].id, 1500))
    #expect(lab["web1"].rootPassword == nil && lab["web2"].rootPassword != nil)
    try lab.perform(.reinstall(lab["web1"].id, Installation()))
    let second = lab["web1"].rootPassword(at: lab.entropy.now)
    #expect(second != nil && second != first && lab.faults() == [])
  }
}

@Suite("Where consoles are") struct SOSHostTests {
  @Test(
    "a host and perhaps a port, with the facility where it is wanted",
    arguments: [
      (nil, "sos.ewr1.toprack"), ("sos.{facility}.example.net", "sos.ewr1.example.net"), ("rack1", "rack1"),
      ("{facility}:2222", "ewr1:2222"), ("192.0.2.1:2222", "192.0.2.1:2222"), ("rack1:22", "rack1"),
      ("[2001:db8::1]", "[2001:db8::1]"), ("[::1]:2222", "[::1]:2222"),
    ])
  func good(_ text: String?, _ place: String) throws {
    var lab = Lab()
    let id = try lab.server("web1")
    let host = try text.map { try SOSHost(reading: $0) } ?? SOSHost()
    #expect(host.address(of: lab["web1"]) == "\(id)@\(place)")
  }

  @Test(
    "anything else is refused",
    arguments: [
      "", ":22", "rack1:", "rack1:0", "rack1:65536", "rack1:x", "rack1:22:22", "a b", "anna@rack1", "[::1", "[rack1]",
      "[192.0.2.1]", "[::1]x", "{metro}.x", "-x", "ssh://rack1", "rack1/x", "a\nb",
    ])
  func bad(_ text: String) throws {
    let fault = #expect(throws: SOSHost.Fault.self) { try SOSHost(reading: text) }
    #expect(fault?.message.contains("must be a host and perhaps a port") == true)
    #expect(fault?.message.contains("\n") == false)
  }
}
