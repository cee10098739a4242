import Control
import Foundation
import Host
import Ports
import Rack
import Testing

/// What root in a server's namespace can do, over a restart of the daemon.
@Suite("A NIC's identity", .serialized, .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct IdentityTests {
  private struct Pair {
    let machine: Machine
    let victim: Server, attacker: Server
    var victimSpace: String { victim.place.namespace! }
    var attackerSpace: String { attacker.place.namespace! }
    let rack: String

    init() async throws {
      machine = try await Machine()
      victim = try await machine.server("v", place: .namespace(machine.name("v"), made: false))
      attacker = try await machine.server("a", place: .namespace(machine.name("a"), made: false))
      rack = await machine.control.rack.id.uuidString.lowercased()
    }

    func mark(_ nic: String) -> String { "toprack \(rack) \(victim.id) \(nic)" }
  }

  @Test("an alias with another server's UUID gets nobody that server's NIC, which was renamed or has no alias")
  func forged() async throws {
    let pair = try await Pair()
    let machine = pair.machine
    let before = (try Links.list(in: pair.victimSpace), try Links.list(in: pair.attackerSpace))
    try await machine.restart {
      try run("ip", "-n", pair.attackerSpace, "link", "set", "eth0", "alias", pair.mark("eth0"))
      try run("ip", "-n", pair.attackerSpace, "link", "set", "eth1", "alias", pair.mark("eth1"))
      try run("ip", "-n", pair.victimSpace, "link", "set", "eth0", "name", "lan0")
      try run("ip", "-n", pair.victimSpace, "link", "set", "eth1", "alias", "")
    }
    let status = await machine.control.status()
    #expect(status.adopted == 4 && status.made == 0 && status.removed == 0)
    let victim = await machine.control.counters(of: pair.victim.id)
    #expect(victim[.eth0]?.namespace == pair.victimSpace && victim[.eth0]?.interface == "lan0")
    #expect(victim[.eth1]?.namespace == pair.victimSpace && victim[.eth1]?.interface == "eth1")
    let attacker = await machine.control.counters(of: pair.attacker.id)
    #expect(attacker.values.allSatisfy { $0.namespace == pair.attackerSpace })
    #expect(try Links.list(in: pair.victimSpace).map(\.index) == before.0.map(\.index))
    #expect(try Links.list(in: pair.attackerSpace).map(\.index) == before.1.map(\.index))
    #expect(status.problems.contains { $0.server == nil && $0.text.contains(pair.attackerSpace) })
    #expect(try Links.list(in: pair.victimSpace).contains { $0.name == "eth1" && $0.alias == pair.mark("eth1") })
    await machine.end()
  }

  @Test("a TAP with the alias of a NIC that is gone is left alone, and the NIC is made again where it belongs")
  func gone() async throws {
    let pair = try await Pair()
    let machine = pair.machine
    try await machine.restart {
      try run("ip", "-n", pair.victimSpace, "link", "del", "eth0")
      try run("ip", "-n", pair.attackerSpace, "tuntap", "add", "evil", "mode", "tap")
      try run("ip", "-n", pair.attackerSpace, "link", "set", "evil", "alias", pair.mark("eth0"))
    }
    let status = await machine.control.status()
    #expect(status.adopted == 3 && status.made == 1 && status.removed == 0)
    #expect(try Links.list(in: pair.attackerSpace).contains { $0.name == "evil" })
    #expect(await machine.control.counters(of: pair.victim.id)[.eth0]?.namespace == pair.victimSpace)
    #expect(status.problems.contains { $0.text.contains("evil") })
    await machine.end()
  }

  @Test("of two that claim to be a NIC which was moved neither is used and none is removed, until somebody repairs")
  func contested() async throws {
    let pair = try await Pair()
    let machine = pair.machine
    let free = machine.name("free")
    try run("ip", "netns", "add", free)
    try await machine.restart {
      try run("ip", "-n", pair.victimSpace, "link", "set", "eth0", "netns", free)
      try run("ip", "-n", pair.attackerSpace, "tuntap", "add", "evil", "mode", "tap")
      try run("ip", "-n", pair.attackerSpace, "link", "set", "evil", "alias", pair.mark("eth0"))
    }
    var status = await machine.control.status()
    #expect(status.adopted == 3 && status.made == 0 && status.removed == 0)
    #expect(status.problems.contains { $0.kind == "nic-claimed" && $0.server == pair.victim.id })
    #expect(await machine.control.counters(of: pair.victim.id)[.eth0] == nil)
    await #expect(throws: Unavailable.self) { try await machine.control.perform(.reboot(pair.victim.id)) }
    #expect(try await machine.control.repair(pair.victim.id) == ["eth0 made again"])
    status = await machine.control.status()
    #expect(!status.problems.contains { $0.server == pair.victim.id })
    #expect(try Links.list(in: free).count == 2 && Links.list(in: pair.attackerSpace).count == 4)
    await machine.end()
    try run("ip", "netns", "del", free)
  }

  @Test("a mark of no server on a NIC changes nothing, and one of the rack's own does not get a namespace removed")
  func otherMarks() async throws {
    let pair = try await Pair()
    let machine = pair.machine
    let given = machine.name("given")
    try run("ip", "netns", "add", given)
    let guest = try await machine.server("g", place: .namespace(given, made: false))
    try await machine.restart {
      try run(
        "ip", "-n", pair.attackerSpace, "link", "set", "eth0", "alias",
        "toprack \(pair.rack) \(UUID().uuidString.lowercased()) eth0")
      try run("ip", "-n", pair.attackerSpace, "link", "set", "eth1", "alias", "toprack \(pair.rack) uplink")
      try run("ip", "-n", given, "link", "set", "lo", "alias", "toprack \(pair.rack) netns")
    }
    let status = await machine.control.status()
    #expect(status.adopted == 6 && status.made == 0 && status.removed == 0)
    try await machine.control.perform(.deleteServer(guest.id))
    #expect(NetworkNamespaces.exists(given), "it was there before the server")
    try run("ip", "netns", "del", given)
    await machine.end()
  }

  @Test("a second name of a namespace makes no second NIC")
  func secondName() async throws {
    let pair = try await Pair()
    let machine = pair.machine
    let alias = machine.name("again")
    try await machine.restart {
      try run("touch", "/run/netns/\(alias)")
      try run("mount", "--bind", "/run/netns/\(pair.victimSpace)", "/run/netns/\(alias)")
    }
    let status = await machine.control.status()
    #expect(status.adopted == 4 && status.problems == [])
    #expect(await machine.control.counters(of: pair.victim.id)[.eth0]?.namespace == pair.victimSpace)
    try run("ip", "netns", "del", alias)
    await machine.end()
  }
}
