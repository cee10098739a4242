import Dataplane
import Foundation
import Glibc
import Host
import Ports
import Rack
import Store
import Testing

@testable import Control

@Suite("Control at the start", .serialized, .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct StartTests {
  @Test("interfaces outlive the daemon and are adopted, the same ones, in the last state")
  func adopts() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    try await machine.network(1001)
    let a = try await machine.server("a")
    let b = try await machine.server("b", place: .namespace(namespace, made: false), mode: .layer2Bonded)
    try await machine.control.perform(.assign(b.bond0.id, .number(1001)))
    try await machine.control.perform(.setAging(seconds: 77))
    let rack = await machine.control.rack
    let links = (try await machine.links(), try await machine.links(in: namespace))

    try await machine.restart()
    #expect(await machine.control.rack == rack)
    #expect(try await machine.links().map(\.index) == links.0.map(\.index))
    #expect(try await machine.links(in: namespace).map(\.index) == links.1.map(\.index))
    let status = await machine.control.status()
    #expect(status.adopted == 4 && status.made == 0 && status.removed == 0)
    #expect(status.problems == [])
    #expect(await machine.control.counters(of: a.id).count == 2)
    await machine.end()
  }

  @Test("an adopted interface keeps the MTU that its own system has set")
  func mtu() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    try await machine.restart { try run("ip", "link", "set", "\(server.hostname)-eth1", "mtu", "9000") }
    #expect(try await machine.links().map(\.mtu) == [1500, 9000])
    #expect(await machine.control.counters(of: server.id)[.eth1]?.mtu == 9000)
    #expect(await machine.control.status().problems == [])
    await machine.end()
  }

  @Test("what is missing is made, what nobody wants any more is removed, and others' are left")
  func reconciles() async throws {
    let machine = try await Machine()
    let (gone, kept, stale) = (machine.name("n1"), machine.name("n2"), machine.name("n3"))
    let a = try await machine.server("a", place: .namespace(gone, made: false))
    try await machine.server("b", place: .namespace(kept, made: false))
    let rack = await machine.control.rack.id.uuidString.lowercased()
    let other = UUID().uuidString.lowercased()
    let (orphan, foreign) = (machine.name("o"), machine.name("f"))
    try await machine.restart {
      try run("ip", "netns", "del", gone)
      try run("ip", "-n", kept, "link", "del", "eth1")
      // As left behind by a crash between making and committing.
      try NetworkNamespaces.create(stale, alias: "toprack \(rack) netns")
      try run("ip", "tuntap", "add", orphan, "mode", "tap")
      try run("ip", "link", "set", orphan, "alias", "toprack \(rack) \(other) eth0")
      // Another rack's.
      try run("ip", "tuntap", "add", foreign, "mode", "tap")
      try run("ip", "link", "set", foreign, "alias", "toprack \(other) \(other) eth0")
    }
    #expect(await machine.sweeps(1))
    let status = await machine.control.status()
    #expect(status.adopted == 1)
    #expect(status.made == 3)
    #expect(status.removed == 1)
    #expect(status.problems == [])
    #expect(try await machine.links(in: gone).map(\.mac) == [a.eth0.mac, a.eth1.mac])
    #expect(try await machine.links(in: kept).map(\.name) == ["eth0", "eth1"])
    #expect(!NetworkNamespaces.exists(stale))
    let names = try Links.list(in: nil).map(\.name)
    #expect(!names.contains(orphan) && names.contains(foreign))
    try run("ip", "link", "del", foreign)
    await machine.end()
    #expect(!NetworkNamespaces.exists(gone) && !NetworkNamespaces.exists(kept))
  }

  @Test("what others leave in a namespace is removed when the rack is at work, and a crowd of it is left and told of")
  func crowd() async throws {
    let machine = try await Machine()
    let (some, many) = (machine.name("n1"), machine.name("n2"))
    try await machine.server("a", place: .namespace(some, made: false))
    try await machine.server("b", place: .namespace(many, made: false))
    let rack = await machine.control.rack.id.uuidString.lowercased()
    try await machine.restart {
      for (namespace, count) in [(some, 20), (many, 257)] {
        let script = (0..<count).map { number in
          "tuntap add f\(number) mode tap\n"
            + "link set f\(number) alias \"toprack \(rack) \(UUID().uuidString.lowercased()) eth0\"\n"
        }
        let file = FileManager.default.temporaryDirectory.path + "/\(namespace)"
        try script.joined().write(toFile: file, atomically: true, encoding: .utf8)
        defer { unlink(file) }
        try run("ip", "-n", namespace, "-batch", file)
      }
      // One with the name of a NIC that is to be made.
      try run("ip", "-n", some, "link", "del", "eth1")
      try run("ip", "-n", some, "link", "set", "f0", "name", "eth1")
    }
    var status = await machine.control.status()
    #expect(status.adopted == 3 && status.made == 1)
    #expect(await machine.sweeps(20))
    status = await machine.control.status()
    #expect(try Links.list(in: some).map(\.name).sorted() == ["eth0", "eth1", "lo"])
    #expect(try Links.list(in: many).count == 260)
    #expect(
      status.problems.map(\.text) == [
        "257 interfaces in network namespace \(many) have aliases of servers that do not exist: no daemon leaves more than "
          + "256, so none of them was touched; remove them there"
      ])
    await machine.end()
  }

  @Test("an interface that was renamed or moved is adopted where it is")
  func movedInterface() async throws {
    let machine = try await Machine()
    let server = try await machine.server("a")
    let namespace = machine.name("ns")
    let renamed = machine.name("renamed")
    try run("ip", "netns", "add", namespace)
    try await machine.restart {
      try run("ip", "link", "set", "\(server.hostname)-eth0", "netns", namespace)
      try run("ip", "link", "set", "\(server.hostname)-eth1", "name", renamed)
    }
    #expect(await machine.control.status().adopted == 2)
    let nics = await machine.control.counters(of: server.id)
    #expect(nics[.eth0]?.namespace == namespace)
    #expect(nics[.eth1]?.interface == renamed)
    #expect(try await machine.links().map(\.name) == [renamed])
    await machine.end()
    #expect(try Links.list(in: namespace).map(\.name) == ["lo"])
    try run("ip", "netns", "del", namespace)
  }

  @Test("a NIC whose name somebody took is a problem that status names; the rest works, and its server can be deleted")
  func takenName() async throws {
    let machine = try await Machine()
    let server = try await machine.server("a")
    let device = "\(server.hostname)-eth0"
    try await machine.restart {
      try run("ip", "link", "del", device)
      try run("ip", "tuntap", "add", device, "mode", "tap")
    }
    let status = await machine.control.status()
    #expect(status.adopted == 1)
    #expect(status.problems.count == 1)
    #expect(status.problems.first?.text.contains("interface \(device) on the host exists already") == true)
    #expect(await machine.control.counters(of: server.id).keys.sorted { $0.rawValue < $1.rawValue } == [.eth1])
    for mode in NetworkMode.settable.reversed() { try await machine.control.perform(.setMode(server.id, mode)) }
    try await machine.control.perform(.deleteServer(server.id))
    #expect(await machine.control.status().problems == [])
    #expect(try Links.list(in: nil).contains { $0.name == device })
    try run("ip", "link", "del", device)
    await machine.end()
  }

  @Test("an interface that another process holds is a problem, and is left alone")
  func heldElsewhere() async throws {
    let machine = try await Machine()
    let server = try await machine.server("a")
    var holder: TAPHolder?
    try await machine.restart {
      // The kernel lets go a little after the last holder has ended.
      for _ in 0..<300 where holder == nil {
        holder = try? TAPHolder("\(server.hostname)-eth1")
        usleep(10_000)
      }
    }
    #expect(holder != nil)
    try await machine.restart()
    #expect(await machine.control.status().problems.first?.text.contains("\(server.hostname)-eth1") == true)
    _ = consume holder
    try await machine.restart()
    #expect(await machine.control.status().problems == [])
    await machine.end()
  }

  @Test("those that are free do not wait for one that is held as long as for all")
  func patience() {
    #expect(!NICs.givesUp(after: .milliseconds(2_900), adopted: 0) && NICs.givesUp(after: .seconds(4), adopted: 0))
    #expect(!NICs.givesUp(after: .milliseconds(900), adopted: 7))
    #expect(NICs.givesUp(after: .milliseconds(1_100), adopted: 7))
  }

  @Test("forty servers are adopted in one go")
  func many() async throws {
    let machine = try await Machine()
    for number in 0..<40 {
      try await machine.server(
        "s\(number)-", place: number % 2 == 0 ? .host : .namespace(machine.name("m\(number)"), made: false))
    }
    try await machine.restart()
    #expect(await machine.control.status().adopted == 80)
    await machine.end()
  }
}

/// Keeps a TAP open.
final class TAPHolder: Sendable {
  private let tap: TAP
  init(_ device: String, in namespace: String? = nil) throws { tap = try TAP.open(device, in: namespace) }
}

extension Machine {
  /// Waits until so many strays have been removed since the start, or ten seconds have passed.
  fileprivate func sweeps(_ count: Int) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while await control.status().removed < count {
      if ContinuousClock.now > deadline { return false }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return true
  }
}
