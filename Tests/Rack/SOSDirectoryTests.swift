import FoundationEssentials
import Rack
import Testing

@Suite("Logins of consoles by SSH") struct SOSDirectoryTests {
  /// Two projects with a server of one name each, and a server of a name that sshd needs itself.
  private struct World {
    var lab = Lab()
    var other: ProjectID
    var servers: [Server] = []

    init() throws {
      guard case .project(let id) = try lab.perform(.createProject(name: "other", customdata: "{}")).subject else {
        fatalError("a created project is the subject")
      }
      other = id
      for (name, project) in [("web1", lab.project), ("web1", other), ("sshd", lab.project), ("db1", lab.project)] {
        let request = ServerRequest(
          hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
          place: .host)
        guard case .server(let id) = try lab.perform(.createServer(request)).subject else {
          fatalError("a created server is the subject")
        }
        servers.append(lab.rack.servers[id]!)
      }
    }

    mutating func add(_ key: String, _ owner: SSHKey.Owner, _ label: String) throws {
      try lab.perform(.createSSHKey(SSHKeyRequest(owner: owner, label: label, key: key)))
    }

    func admitted(_ login: String, _ key: String) -> ServerID? {
      guard case .admitted(let server, _) = SOSDirectory.admission(login, key: key, in: lab.rack) else { return nil }
      return server.id
    }
  }

  @Test("the key says which of two servers of a name is meant; one key of both has to say it by UUID")
  func names() throws {
    var world = try World()
    let (one, two) = (KeyVectors.ed25519, KeyVectors.rsa2048)
    try world.add(one, .project(world.lab.project), "one")
    try world.add(two, .project(world.other), "two")
    #expect(world.admitted("web1", one) == world.servers[0].id)
    #expect(world.admitted("web1", two) == world.servers[1].id)
    #expect(world.admitted("\(world.servers[1].id)", one) == nil, "another project's")
    #expect(world.admitted("db1", two) == nil && world.admitted("nosuch", one) == nil)
    // The same words for what is not there and for what is another's.
    #expect(
      SOSDirectory.admission("db1", key: two, in: world.lab.rack)
        == SOSDirectory.admission("nosuch", key: two, in: world.lab.rack))
    try world.add(one, .user, "both")
    guard case .refused(let text) = SOSDirectory.admission("web1", key: one, in: world.lab.rack) else {
      Issue.record("two servers of that name")
      return
    }
    #expect(text.hasPrefix("2 servers are called web1; log in with the UUID of one: "))
    #expect(world.servers[0...1].allSatisfy { text.contains("\($0.id)") })
    #expect(world.admitted("\(world.servers[1].id)", one) == world.servers[1].id)
  }

  @Test("a login has the keys of its projects and of the user, each once, without words of people behind them")
  func keys() throws {
    var world = try World()
    try world.add(KeyVectors.ed25519, .project(world.lab.project), "one")
    try world.add(KeyVectors.rsa2048, .project(world.other), "two")
    try world.add(KeyVectors.ed25519, .user, "again")
    let lines = SOSDirectory.authorizedKeys("web1", in: world.lab.rack)
    #expect(lines.count == 2)
    for line in lines { #expect(line.split(separator: " ").count == 3 && line.hasPrefix("restrict,pty ssh-")) }
    #expect(SOSDirectory.authorizedKeys("db1", in: world.lab.rack).count == 1)
    #expect(SOSDirectory.authorizedKeys("\(world.servers[3].id)", in: world.lab.rack).count == 1)
    for login in ["nosuch", "root", "sshd", "", "toprack-sos", UUID().uuidString] {
      #expect(SOSDirectory.authorizedKeys(login, in: world.lab.rack).isEmpty, "\(login)")
    }
  }

  @Test("sshd knows each server by its UUID and its name, once, and nobody as root")
  func users() throws {
    let world = try World()
    let text = SOSDirectory.users(of: world.lab.rack, user: 1001, group: 1002, sshd: (105, 65_534))
    let lines = text.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
    #expect(text.hasSuffix("\n") && lines.allSatisfy { $0.count == 7 && $0[1] == "*" && $0[2] != "0" })
    let names = lines.map { String($0[0]) }
    #expect(Set(names).count == names.count)
    #expect(
      Set(names) == Set(["sshd", "toprack-sos", "web1", "db1"] + world.servers.map { "\($0.id)" }))
    #expect(lines.dropFirst(2).allSatisfy { $0[2] == "1001" && $0[3] == "1002" && $0[5] == "/" && $0[6] == "/bin/sh" })
  }
}
