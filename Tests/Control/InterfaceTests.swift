import Control
import Dataplane
import Foundation
import Host
import Ports
import Rack
import Store
import Testing

@Suite("Control with real interfaces", .serialized, .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct InterfaceTests {
  @Test("a server's NICs are on the host under its name, with their MAC, MTU and mark, until it is deleted")
  func host() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    let links = try await machine.links()
    #expect(links.map(\.name) == ["\(server.hostname)-eth0", "\(server.hostname)-eth1"])
    #expect(links.map(\.mac) == [server.eth0.mac, server.eth1.mac])
    #expect(links.map(\.mtu) == [1500, 1500])
    #expect(links.allSatisfy { $0.isTAP && $0.alias?.contains(server.id.description) == true })
    let nics = await machine.control.counters(of: server.id)
    #expect(nics[.eth0]?.interface == links[0].name)
    #expect(nics[.eth1]?.linkUp == false)

    try await machine.control.perform(.deleteServer(server.id))
    #expect(try await machine.links() == [])
    #expect(await machine.control.counters(of: server.id) == [:])
    await machine.end()
  }

  @Test("a name over 15 bytes becomes the alternative name of a short one")
  func longName() async throws {
    let machine = try await Machine()
    let server = try await machine.server("a-rather-long-hostname.example.org-")
    let links = try await machine.links()
    let digits = server.id.description.filter { $0 != "-" }.prefix(10)
    #expect(links.map(\.name) == ["tr\(digits)e0", "tr\(digits)e1"])
    #expect(links.map(\.alternativeName) == ["\(server.hostname)-eth0", "\(server.hostname)-eth1"])
    #expect(await machine.control.counters(of: server.id)[.eth1]?.alternative == "\(server.hostname)-eth1")
    await machine.end()
  }

  @Test("a namespace that does not exist is made with the server and goes with it")
  func madeNamespace() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    let server = try await machine.server("w", place: .namespace(namespace, made: false))
    #expect(server.place == .namespace(namespace, made: true))
    #expect(try await machine.links(in: namespace).map(\.name) == ["eth0", "eth1"])
    #expect(try await machine.links() == [])
    try await machine.control.perform(.deleteServer(server.id))
    #expect(!NetworkNamespaces.exists(namespace))
    await machine.end()
  }

  @Test("a namespace that exists is used and left when the server goes")
  func givenNamespace() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    try run("ip", "netns", "add", namespace)
    let server = try await machine.server("w", place: .namespace(namespace, made: true))
    #expect(server.place == .namespace(namespace, made: false))
    try await machine.control.perform(.deleteServer(server.id))
    #expect(try Links.list(in: namespace).map(\.name) == ["lo"])
    try run("ip", "netns", "del", namespace)
    await machine.end()
  }

  @Test(
    "an interface of that name that is not ours is never touched, and nothing is left of the attempt",
    arguments: ["eth0", "eth1"])
  func foreignInterface(_ nic: String) async throws {
    let machine = try await Machine()
    let device = "\(machine.name("w"))-\(nic)"
    try run("ip", "tuntap", "add", device, "mode", "tap")
    let before = await machine.control.rack
    let error = await #expect(throws: Refusal.self) { try await machine.server("w") }
    #expect(error?.messages[0].contains("interface \(device) on the host exists already and is not Toprack's") == true)
    #expect(await machine.control.rack == before)
    #expect(try await machine.links() == [])
    #expect(try Links.list(in: nil).first { $0.name == device }?.alias == nil)
    try run("ip", "link", "del", device)
    try await machine.server("w")
    await machine.end()
  }

  @Test("an alternative name of somebody else's counts too")
  func foreignAlternativeName() async throws {
    let machine = try await Machine()
    let other = machine.name("x")
    try run("ip", "tuntap", "add", other, "mode", "tap")
    try run("ip", "link", "property", "add", "dev", other, "altname", "\(machine.name("a-long-hostname-"))-eth1")
    await #expect(throws: Refusal.self) { try await machine.server("a-long-hostname-") }
    #expect(try await machine.links() == [])
    try run("ip", "link", "del", other)
    await machine.end()
  }

  @Test("a namespace whose eth0 is taken is refused, and one made for the attempt is gone again")
  func foreignInNamespace() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    try run("ip", "netns", "add", namespace)
    try run("ip", "-n", namespace, "tuntap", "add", "eth1", "mode", "tap")
    let error = await #expect(throws: Refusal.self) {
      try await machine.server("w", place: .namespace(namespace, made: false))
    }
    #expect(error?.messages[0].contains("interface eth1 in network namespace \(namespace)") == true)
    #expect(try Links.list(in: namespace).map(\.name) == ["lo", "eth1"])
    try run("ip", "netns", "del", namespace)
    await machine.end()
  }

  @Test("a server that takes the former name of another gets interfaces of its own, over a restart too")
  func formerName() async throws {
    let machine = try await Machine()
    let first = try await machine.server("f")
    var update = ServerUpdate()
    update.hostname = machine.name("renamed")
    try await machine.control.perform(.updateServer(first.id, update))
    let second = try await machine.server("f")
    #expect(second.hostname == first.hostname)
    let names = try await machine.links().map(\.name)
    #expect(names.count == 4 && names.filter { $0.hasPrefix(first.hostname) }.count == 2)
    let interfaces = await machine.control.counters(of: second.id).values.map(\.interface)
    #expect(interfaces.allSatisfy { $0.hasPrefix("tr") } && interfaces.count == 2)
    try await machine.restart()
    #expect(try await machine.links().map(\.name) == names)
    // Its interfaces are lost, and the name is still the other's.
    for name in interfaces { try run("ip", "link", "del", name) }
    try await machine.restart()
    #expect(try await machine.links().map(\.name) == names)
    await machine.end()
  }

  @Test("when the state cannot be written, the interfaces that were made are gone again and nothing has changed")
  func storeFails() async throws {
    let machine = try await Machine()
    let kept = try await machine.server("k")
    try machine.store.close()
    let before = await machine.control.rack
    let namespace = machine.name("ns")
    await #expect(throws: Unavailable.self) {
      try await machine.server("w", place: .namespace(namespace, made: false))
    }
    await #expect(throws: Unavailable.self) { try await machine.control.perform(.setMTU(kept.id, 9000)) }
    await #expect(throws: Unavailable.self) { try await machine.control.perform(.deleteServer(kept.id)) }
    await #expect(throws: Unavailable.self) { try await machine.network(1001) }
    #expect(await machine.control.rack == before)
    #expect(!NetworkNamespaces.exists(namespace))
    #expect(try await machine.links().map(\.mtu) == [1500, 1500])
    try await machine.restart()
    #expect(await machine.control.rack == before)
    await machine.end()
  }

  @Test("a server whose interface somebody removed can be changed and deleted")
  func vanishedInterface() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    try run("ip", "link", "del", "\(server.hostname)-eth0")
    for mode in NetworkMode.settable.reversed() { try await machine.control.perform(.setMode(server.id, mode)) }
    #expect(await machine.control.counters(of: server.id)[.eth0]?.linkUp == false)
    try await machine.control.perform(.deleteServer(server.id))
    #expect(try await machine.links() == [])
    await machine.end()
  }

  @Test("an MTU is set on the interfaces")
  func mtu() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    try await machine.control.perform(.setMTU(server.id, 1500))
    #expect(try await machine.links().map(\.mtu) == [1500, 1500])
    await machine.end()
  }

  /// The kernel's own queue is overrun by the pauses of a busy machine.
  @Test("a new interface queues for the pauses of a busy machine, and what its user sets stays")
  func queue() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    let links = try await machine.links()
    #expect(links.map(\.queueLength) == [TAP.queueLength, TAP.queueLength])
    try run("ip", "link", "set", links[0].name, "txqueuelen", "77")
    try await machine.control.perform(.setMTU(server.id, 1400))
    #expect(try await machine.links().map(\.queueLength).sorted() == [77, TAP.queueLength])
    await machine.end()
  }

  @Test("a namespace that somebody removed is named by status, and its server can be deleted")
  func vanishedNamespace() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    let server = try await machine.server("w", place: .namespace(namespace, made: false))
    try run("ip", "netns", "del", namespace)
    #expect(await machine.control.status().problems.contains { $0.text.contains(namespace) })
    try await machine.control.perform(.setMode(server.id, .hybrid))
    try await machine.control.perform(.deleteServer(server.id))
    #expect(await machine.control.status().problems == [])
    try await machine.server("w", place: .namespace(namespace, made: false))
    await machine.end()
  }

  @Test("a namespace that somebody made anew under the name is left alone when the server goes")
  func replacedNamespace() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    let server = try await machine.server("w", place: .namespace(namespace, made: false))
    try run("ip", "netns", "del", namespace)
    try run("ip", "netns", "add", namespace)
    try await machine.control.perform(.deleteServer(server.id))
    #expect(NetworkNamespaces.exists(namespace))
    try run("ip", "netns", "del", namespace)
    await machine.end()
  }

  @Test("two servers on one network hear each other, a third on another does not, and stations are listed by name")
  func forwards() async throws {
    let machine = try await Machine()
    try await machine.network(1001)
    try await machine.network(1002)
    var servers: [Server] = []
    for (number, vxlan) in [(1, 1001), (2, 1001), (3, 1002)] {
      let namespace = machine.name("n\(number)")
      let server = try await machine.server("w\(number)", place: .namespace(namespace, made: false), mode: .hybrid)
      try await machine.control.perform(.assign(server.eth1.id, .number(vxlan)))
      try run("ip", "-n", namespace, "addr", "add", "10.9.0.\(number)/24", "dev", "eth1")
      // What the kernel says by itself would be heard again after the flush.
      try run("ip", "netns", "exec", namespace, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6")
      try run("ip", "-n", namespace, "link", "set", "eth1", "up")
      servers.append(server)
    }
    let first = machine.name("n1")
    try run("ip", "netns", "exec", first, "ping", "-c", "1", "-W", "5", "10.9.0.2")
    #expect(throws: (any Error).self) {
      try run("ip", "netns", "exec", first, "ping", "-c", "1", "-W", "1", "10.9.0.3")
    }
    // It still asks for the third server's MAC address, once a second.
    try run("ip", "-n", first, "neighbour", "flush", "nud", "all", "dev", "eth1")

    func stations(_ vxlan: Int?) async throws -> [Station] {
      let selection = StationSelection(server: servers[0].id, vxlan: vxlan)
      let found = try await machine.control.stations(selection, skip: 0, limit: 100)
      #expect(found.total == found.stations.count)
      // Their ages differ when a second goes by in between.
      let paged = try await machine.control.stations(selection, from: StationBookmark(), limit: 100).stations
      #expect(Set(paged.map(\.mac)) == Set(found.stations.map(\.mac)))
      return found.stations
    }
    let heard = try await stations(1001)
    #expect(heard.map(\.mac) == [servers[0].eth1.mac])
    #expect(heard.map(\.hostname) == [servers[0].hostname])
    #expect(heard.map(\.port) == [.eth1])
    #expect(try await stations(1002) == [])
    let foreign = StationSelection(project: ProjectID(UUID()))
    #expect(try await machine.control.stations(foreign, skip: 0, limit: 100).total == 0)
    #expect(try await machine.control.stations(StationSelection(vxlan: 1001), skip: 1, limit: 1).stations.count == 1)
    #expect(await machine.control.flushStations(of: servers[0].id, vxlan: nil) == 1)
    #expect(try await stations(nil) == [])

    let nic = try #require(await machine.control.counters(of: servers[0].id)[.eth1])
    #expect(nic.linkUp && nic.carries && nic.rxPackets > 0 && nic.txPackets > 0)

    // Off the network: nothing more crosses, from the moment the command returns.
    try await machine.control.perform(.unassign(servers[1].eth1.id, .number(1001)))
    #expect(throws: (any Error).self) {
      try run("ip", "netns", "exec", first, "ping", "-c", "1", "-W", "1", "10.9.0.2")
    }
    await machine.end()
  }
}
