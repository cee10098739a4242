import Control
import Host
import Net
import Ports
import Rack
import Testing

/// Names inside a namespace, with real interfaces: `server create --nics`, `server set --nics`, repair, restart.
@Suite("Names of NICs inside a namespace", .enabled(if: canMakeInterfaces)) struct NICNameTests {
  /// A namespace as a container engine leaves it: with a management eth0, one end of a veth pair.
  private func container(_ machine: Machine) throws -> String {
    let namespace = machine.name("c")
    try run("ip", "netns", "add", namespace)
    try run("ip", "-n", namespace, "link", "add", "eth0", "type", "veth", "peer", "name", "docker")
    return namespace
  }

  private func names(_ namespace: String) throws -> [String] { try Links.list(in: namespace).map(\.name).sorted() }

  @Test("a namespace that has an eth0 takes the NICs by other names; without, the answer says which are free")
  func beside() async throws {
    let machine = try await Machine()
    let namespace = try container(machine)
    let place = PlaceRequest.namespace(namespace)
    let refusal = await #expect(throws: Refusal.self) { try await machine.server("n", place: place) }
    #expect(
      refusal?.description
        == "interface eth0 in network namespace \(namespace) exists already and is not Toprack's: name the NICs "
        + "otherwise, as with --nics eth1,eth2, remove or rename it, or choose another namespace")
    let server = try await machine.server("n", place: place, nicNames: NICNames(eth0: "eth1", eth1: "eth2"))
    #expect(try await machine.links(in: namespace).map(\.name) == ["eth1", "eth2"])
    #expect(try await machine.links(in: namespace).map(\.mac) == [server.eth0.mac, server.eth1.mac])
    let places = try #require(await machine.control.interfaces[server.id])
    #expect(places[.eth0]?.device == "eth1" && places[.eth1]?.device == "eth2")
    #expect(await machine.control.knownProblems.isEmpty)
    try await machine.control.perform(.deleteServer(server.id))
    #expect(try names(namespace) == ["docker", "eth0", "lo"])
    try run("ip", "netns", "del", namespace)
    await machine.end()
  }

  @Test("the second name is refused as well, and nothing is left of the first")
  func second() async throws {
    let machine = try await Machine()
    let namespace = try container(machine)
    let before = try names(namespace)
    let refusal = await #expect(throws: Refusal.self) {
      try await machine.server(
        "n", place: .namespace(namespace), nicNames: NICNames(eth0: "eth1", eth1: "docker"))
    }
    #expect(refusal?.description.contains("interface docker in") == true, "\(refusal?.description ?? "")")
    #expect(try names(namespace) == before)
    try run("ip", "netns", "del", namespace)
    await machine.end()
  }

  @Test("they get other names later, also each other's; what somebody else has is refused and nothing is renamed")
  func renamed() async throws {
    let machine = try await Machine()
    let namespace = try container(machine)
    let server = try await machine.server(
      "n", place: .namespace(namespace), nicNames: NICNames(eth0: "eth1", eth1: "eth2"))
    func set(_ eth0: String, _ eth1: String) async throws {
      var update = ServerUpdate()
      update.nicNames = NICNames(eth0: eth0, eth1: eth1)
      try await machine.control.perform(.updateServer(server.id, update))
    }
    func macs() async throws -> [String: MACAddress] {
      Dictionary(uniqueKeysWithValues: try await machine.links(in: namespace).map { ($0.name, $0.mac) })
    }
    let (first, second) = (server.eth0.mac!, server.eth1.mac!)
    for nic in ["eth1", "eth2"] { try run("ip", "-n", namespace, "link", "set", nic, "up") }
    for (eth0, eth1) in [("eth2", "eth1"), ("eth1", "net1"), ("net0", "eth1"), ("eth1", "eth2")] {
      try await set(eth0, eth1)
      #expect(try await macs() == [eth0: first, eth1: second])
    }
    for (eth0, eth1) in [("eth0", "eth3"), ("eth3", "docker"), ("eth2", "eth0")] {
      let refusal = await #expect(throws: Refusal.self) { try await set(eth0, eth1) }
      #expect(refusal?.description.contains("is not Toprack's") == true, "\(refusal?.description ?? "")")
      #expect(try await macs() == ["eth1": first, "eth2": second])
    }
    #expect(await machine.control.rack.servers[server.id]?.nicNames == NICNames(eth0: "eth1", eth1: "eth2"))
    // Nobody is told that they were renamed: it was meant.
    #expect(await machine.control.knownProblems.isEmpty)
    let events = try await machine.control.events(of: nil, server: server.id, offset: 0, limit: 100).events
    #expect(!events.contains { $0.type == "port.renamed" }, "\(events.map(\.body))")
    try run("ip", "netns", "del", namespace)
    await machine.end()
  }

  @Test("repair, healing and a restart keep to them")
  func kept() async throws {
    let machine = try await Machine()
    let namespace = try container(machine)
    let server = try await machine.server(
      "n", place: .namespace(namespace), nicNames: NICNames(eth0: "eth1", eth1: "eth2"))
    try run("ip", "-n", namespace, "link", "set", "eth1", "name", "mine")
    #expect(try await machine.until { await machine.control.counters(of: server.id)[.eth0]?.interface == "mine" })
    #expect(try await machine.control.repair(server.id) == ["eth0 put back"])
    try run("ip", "-n", namespace, "link", "del", "eth2")
    #expect(try await machine.until { try await machine.links(in: namespace).map(\.name) == ["eth1", "eth2"] })
    var update = ServerUpdate()
    update.nicNames = NICNames(eth0: "net0", eth1: "net1")
    try await machine.control.perform(.updateServer(server.id, update))
    try await machine.restart()
    #expect(try await machine.links(in: namespace).map(\.name) == ["net0", "net1"])
    #expect(await machine.control.status().adopted == 2)
    #expect(await machine.control.knownProblems.isEmpty)
    // Gone while the daemon was away: made again by the names that they had.
    try await machine.restart { try run("ip", "-n", namespace, "link", "del", "net1") }
    #expect(try await machine.links(in: namespace).map(\.name) == ["net0", "net1"])
    try run("ip", "netns", "del", namespace)
    await machine.end()
  }
}
