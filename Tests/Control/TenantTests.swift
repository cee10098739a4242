import Control
import FoundationEssentials
import Host
import Rack
import Testing

@Suite("Tenants on one host", .enabled(if: canMakeInterfaces), .serialized) struct TenantTests {
  private static func project(_ name: String, _ machine: Machine) async throws -> ProjectID {
    let outcome = try await machine.control.perform(.createProject(name: name, customdata: "{}"))
    guard case .project(let id) = outcome.subject else { fatalError("a created project is the subject") }
    return id
  }

  private static func server(
    _ hostname: String, of project: ProjectID, place: PlaceRequest, _ machine: Machine
  ) async throws -> Server {
    let outcome = try await machine.control.perform(
      .createServer(
        ServerRequest(
          hostname: hostname, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
          place: place)))
    guard case .server(let id) = outcome.subject else { fatalError("a created server is the subject") }
    return try #require(await machine.control.rack.servers[id])
  }

  @Test("two servers of one name are on the host beside each other, the second under names from its UUID, also later")
  func onHost() async throws {
    let machine = try await Machine()
    let first = try await machine.server("w")
    let other = try await Self.project("lab", machine)
    let second = try await Self.server(first.hostname, of: other, place: .host, machine)
    let long = machine.name("a-rather-long-hostname-") + ".example.org"
    let third = try await Self.server(long, of: first.project, place: .host, machine)
    let fourth = try await Self.server(long, of: other, place: .host, machine)
    for round in 0..<2 {
      let names = await machine.control.interfaces.mapValues { $0.mapValues(\.device) }
      #expect(names[first.id]?[.eth0] == "\(first.hostname)-eth0", "round \(round)")
      for server in [second, third, fourth] {
        let digits = server.id.description.replacing("-", with: "").prefix(10)
        #expect(names[server.id] == [.eth0: "tr\(digits)e0", .eth1: "tr\(digits)e1"], "round \(round)")
      }
      let alternatives = await machine.control.interfaces.mapValues { $0[.eth0]?.alternative }
      #expect(alternatives[third.id] == "\(long)-eth0" && alternatives[fourth.id] == .some(nil))
      #expect(try await machine.links().count == 8)
      #expect(await machine.control.status().problems == [])
      try await machine.restart()
    }
    await machine.end()
  }

  /// A caller who has to take a namespace of the server's own.
  private static func own(_ wish: PlaceRequest.Wish) -> PlaceRequest {
    var request = PlaceRequest(wish)
    request.mustBeOwn = true
    return request
  }

  @Test("who must take a namespace of its own gets none that exists, with a mark or without, and nothing is done to it")
  func existing() async throws {
    let machine = try await Machine()
    let other = try await Self.project("lab", machine)
    let (plain, forged) = (machine.name("plain"), machine.name("forged"))
    try run("ip", "netns", "add", plain)
    try run("ip", "netns", "add", forged)
    // The mark is root's to write, in whatever namespace root is.
    let mark = "toprack \(await machine.control.rack.id.uuidString.lowercased()) netns"
    try run("ip", "-n", forged, "link", "set", "lo", "alias", mark)
    for name in [plain, forged] {
      let refusal = await #expect(throws: Refusal.self) {
        _ = try await Self.server("w", of: other, place: Self.own(.namespace(name)), machine)
      }
      #expect(refusal?.description.contains("\"\(name)\" is not free") == true)
      #expect(NetworkNamespaces.exists(name))
      #expect(try Links.list(in: name).map(\.name) == ["lo"])
    }
    #expect(await machine.control.rack.servers.isEmpty)

    // Named after the server, where that name is taken: one with the UUID behind.
    for wish in [PlaceRequest.Wish.unstated, .named] {
      let server = try await Self.server(plain, of: other, place: Self.own(wish), machine)
      let namespace = "\(plain)-\(server.id.short)"
      #expect(server.place == .namespace(namespace, made: true))
      #expect(try await machine.links(in: namespace).map(\.name) == ["eth0", "eth1"])
      try await machine.control.perform(.deleteServer(server.id))
      #expect(!NetworkNamespaces.exists(namespace))
    }
    await machine.end()
    try run("ip", "netns", "del", plain)
    try run("ip", "netns", "del", forged)
  }

  @Test("servers of one name in two projects have a namespace each, and each its own at the end")
  func namespaces() async throws {
    let machine = try await Machine()
    let other = try await Self.project("lab", machine)
    let first = try await machine.server("w", place: Self.own(.unstated))
    let second = try await Self.server(first.hostname, of: other, place: Self.own(.unstated), machine)
    #expect(first.place == .namespace(first.hostname, made: true))
    let namespace = "\(first.hostname)-\(second.id.short)"
    #expect(second.place == .namespace(namespace, made: true))
    try await machine.restart()
    #expect(await machine.control.status().problems == [])
    try await machine.control.perform(.deleteServer(first.id))
    #expect(!NetworkNamespaces.exists(first.hostname) && NetworkNamespaces.exists(namespace))
    #expect(try await machine.links(in: namespace).count == 2)
    await machine.end()
    #expect(!NetworkNamespaces.exists(namespace))
  }
}
