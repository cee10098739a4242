import Control
import Foundation
import Host
import Ports
import Rack
import Testing

@Suite("The host is watched", .serialized, .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct HostWatchTests {
  @Test("a NIC that somebody deletes is made again in its namespace, with its MAC address and its MTU, and carries")
  func deleted() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    let server = try await machine.server("w", place: .namespace(namespace, made: false), mode: .hybrid)
    try await machine.control.perform(.setMTU(server.id, 9000))
    let events = await machine.events()
    try run("ip", "-n", namespace, "link", "del", "eth1")
    #expect(try await events.first("port.lost").server == server.id)
    #expect(try await events.first("port.restored").body == "eth1 of \(server.hostname) was made again")
    let links = try await machine.links(in: namespace)
    #expect(links.map(\.name) == ["eth0", "eth1"])
    #expect(links.map(\.mac) == [server.eth0.mac, server.eth1.mac])
    #expect(links.map(\.mtu) == [9000, 9000])
    try run("ip", "-n", namespace, "link", "set", "eth1", "up")
    #expect(await machine.control.counters(of: server.id)[.eth1]?.linkUp == true)
    #expect(await machine.control.status().problems == [])
    await machine.end()
  }

  @Test("a NIC that is renamed or moved is followed: every later command works on it, and repair puts it back")
  func followed() async throws {
    let machine = try await Machine()
    let (namespace, other) = (machine.name("ns"), machine.name("other"))
    let server = try await machine.server("w", place: .namespace(namespace, made: false))
    try run("ip", "netns", "add", other)
    let events = await machine.events()
    try run("ip", "-n", namespace, "link", "set", "eth0", "name", "lan0")
    #expect(try await events.first("port.renamed").body == "eth0 of \(server.hostname) was renamed from eth0 to lan0")
    try run("ip", "-n", namespace, "link", "set", "eth1", "netns", other)
    #expect(try await events.first("port.moved").body.contains("network namespace \(other)"))
    var nics = await machine.control.counters(of: server.id)
    #expect(nics[.eth0]?.interface == "lan0" && nics[.eth1]?.namespace == other)
    #expect(await machine.control.status().problems.map(\.kind).sorted() == ["nic-moved", "nic-renamed"])
    // Again, in a namespace of somebody else's.
    try run("ip", "-n", other, "link", "set", "eth1", "name", "lan1")
    _ = try await events.first("port.renamed")

    try await machine.control.perform(.setMTU(server.id, 1400))
    #expect(try await machine.links(in: other).map(\.mtu) == [1400])
    try await machine.control.perform(.setPower(server.id, on: false))
    #expect(try await machine.links(in: other).map(\.hasCarrier) == [false])
    try await machine.control.perform(.setPower(server.id, on: true))

    try await machine.restart()
    nics = await machine.control.counters(of: server.id)
    #expect(nics[.eth0]?.interface == "lan0" && nics[.eth1]?.interface == "lan1" && nics[.eth1]?.namespace == other)
    #expect(await machine.control.status().adopted == 2)
    #expect(await machine.control.status().problems.map(\.kind).sorted() == ["nic-moved", "nic-renamed"])

    #expect(try await machine.control.repair(server.id) == ["eth0 put back", "eth1 put back"])
    #expect(try await machine.links(in: namespace).map(\.name) == ["eth0", "eth1"])
    #expect(await machine.control.status().problems == [])
    let refusal = await #expect(throws: Refusal.self) { try await machine.control.repair(server.id) }
    #expect(refusal?.messages.first?.hasPrefix("\(server.hostname) is whole") == true)
    await machine.end()
    #expect(try Links.list(in: other).map(\.name) == ["lo"])
    try run("ip", "netns", "del", other)
  }

  @Test("a NIC in a namespace without a name, a container's, is followed there, and over a restart")
  func nameless() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    let events = await machine.events()
    let container = try Container()
    try run("ip", "link", "set", "\(server.hostname)-eth0", "netns", "\(container.process)")
    let moved = try await events.first("port.moved")
    #expect(moved.body.contains("net:["))
    try await machine.control.perform(.setMTU(server.id, 1400))
    try await machine.restart()
    #expect(await machine.control.status().adopted == 2)
    #expect(await machine.control.counters(of: server.id)[.eth0]?.namespace?.hasPrefix("net:[") == true)
    #expect(try await machine.control.repair(server.id) == ["eth0 put back"])
    container.end()
    #expect(try await machine.links().map(\.mtu) == [1400, 1400])
    await machine.end()
  }

  @Test("a NIC that ends with the container that it was moved to is made again where it belongs")
  func containerEnds() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    let events = await machine.events()
    let container = try Container()
    try run("ip", "link", "set", "\(server.hostname)-eth0", "netns", "\(container.process)")
    _ = try await events.first("port.moved")
    container.end()
    _ = try await events.first("port.restored")
    #expect(try await machine.links().map(\.name) == ["\(server.hostname)-eth0", "\(server.hostname)-eth1"])
    #expect(await machine.control.status().problems == [])
    await machine.end()
  }

  @Test("a namespace that loses its name gets it again by repair, with what lives in it")
  func namespaceDeleted() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    let server = try await machine.server("w", place: .namespace(namespace, made: false))
    try run("ip", "-n", namespace, "addr", "add", "10.1.2.3/24", "dev", "eth0")
    let index = try await machine.links(in: namespace).map(\.index)
    let events = await machine.events()
    try run("ip", "netns", "del", namespace)
    #expect(try await events.first("namespace.lost").server == server.id)
    #expect(await machine.control.status().problems.map(\.kind) == ["namespace-lost"])
    #expect(await machine.control.problemsOfServers[server.id]?.first?.text.contains("server repair") == true)
    try await machine.control.perform(.setMTU(server.id, 1400))
    #expect(
      try await machine.control.repair(server.id).first == "network namespace \(namespace) has its name again")
    #expect(try await machine.links(in: namespace).map(\.index) == index)
    #expect(try run("ip", "-n", namespace, "addr").contains("10.1.2.3/24"))
    #expect(await machine.control.status().problems == [])
    try await machine.control.perform(.deleteServer(server.id))
    #expect(!NetworkNamespaces.exists(namespace), "it is ours, and goes with the server")
    await machine.end()
  }

  @Test("where somebody has made another namespace of that name, repair makes the NICs anew in it")
  func namespaceReplaced() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    let server = try await machine.server("w", place: .namespace(namespace, made: false))
    let events = await machine.events()
    try run("ip", "netns", "del", namespace)
    try run("ip", "netns", "add", namespace)
    _ = try await events.first("namespace.lost")
    #expect(try await machine.control.repair(server.id) == ["eth0 made anew", "eth1 made anew"])
    #expect(try await machine.links(in: namespace).map(\.mac) == [server.eth0.mac, server.eth1.mac])
    #expect(await machine.control.status().problems == [])
    try await machine.control.perform(.deleteServer(server.id))
    #expect(NetworkNamespaces.exists(namespace), "that one is somebody else's")
    try run("ip", "netns", "del", namespace)
    await machine.end()
  }

  @Test("an alias that is taken away is set again; one that somebody else set stays, and is said")
  func aliases() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    let device = "\(server.hostname)-eth0"
    let events = await machine.events()
    try run("ip", "link", "set", device, "alias", "uplink to the lab")
    _ = try await events.first("port.alias")
    #expect(await machine.control.status().problems.map(\.kind) == ["nic-alias"])
    #expect(try await machine.control.repair(server.id) == ["eth0 marked again"])
    #expect(await machine.control.status().problems == [])
    try run("ip", "link", "set", "\(server.hostname)-eth1", "alias", "")
    _ = try await events.first("port.restored")
    #expect(try await machine.links().count == 2)
    await machine.end()
  }

  @Test("an MTU that the server's own system sets is shown, is no problem, stays over a restart, and can be set back")
  func mtu() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    try run("ip", "link", "set", "\(server.hostname)-eth0", "mtu", "9000")
    #expect(try await machine.until { await machine.control.counters(of: server.id)[.eth0]?.mtu == 9000 })
    #expect(await machine.control.status().problems == [])
    try await machine.restart()
    #expect(await machine.control.counters(of: server.id)[.eth0]?.mtu == 9000)
    // The database has 1500 all the time: the command does something nevertheless.
    try await machine.control.perform(.setMTU(server.id, 1500))
    #expect(try await machine.links().map(\.mtu) == [1500, 1500])
    await machine.end()
  }

  @Test("a command on a NIC that went a moment ago meets it made again, or is refused with what to do")
  func commands() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    let device = "\(server.hostname)-eth0"
    try run("ip", "link", "del", device)
    try await machine.control.perform(.setMTU(server.id, 1400))
    #expect(try await machine.links().map(\.mtu) == [1400, 1400])
    // Somebody else takes the name.
    try run("ip", "link", "del", device)
    try run("ip", "tuntap", "add", device, "mode", "tap")
    for command in [
      Command.setMTU(server.id, 1300), .setPower(server.id, on: false), .reboot(server.id),
    ] {
      // Asked twice within a second, nothing is tried: 503. Later the name is seen to be taken: 422.
      let fault = await #expect(throws: (any Error).self) { try await machine.control.perform(command) }
      let text = fault.map { "\($0)" } ?? "-"
      #expect(text.contains("eth0 of \(server.hostname) is lost"), "\(text)")
      #expect(text.contains("toprack server repair \(server.hostname)"), "\(text)")
    }
    #expect(await machine.control.rack.servers[server.id]?.mtu == 1400)
    let fault = await #expect(throws: Refusal.self) { try await machine.control.repair(server.id) }
    #expect(fault?.description.contains("exists already and is not Toprack's") == true)
    try run("ip", "link", "del", device)
    #expect(try await machine.control.repair(server.id) == ["eth0 made again"])
    #expect(try await machine.links().map(\.mtu) == [1400, 1400])
    await machine.end()
  }

  @Test("names that flap by the thousand cost a bounded number of events, and where the NIC is in the end is known")
  func flapping() async throws {
    let machine = try await Machine()
    let namespace = machine.name("ns")
    let server = try await machine.server("w", place: .namespace(namespace, made: false))
    let batch = (0..<4000).map { "link set eth0 name a\($0)\nlink set a\($0) name eth0" } + ["link set eth0 name last"]
    let file = machine.directory + "/batch"
    try batch.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    try run("ip", "-n", namespace, "-batch", file)
    #expect(try await machine.until { await machine.control.counters(of: server.id)[.eth0]?.interface == "last" })
    let events = try await machine.control.events(of: nil, server: server.id, offset: 0, limit: 100)
    // Of eight thousand changes; how many looks fall among them is how busy the machine is.
    #expect(events.events.filter { $0.type.hasPrefix("port.") }.count <= 60)
    await machine.end()
  }
}

/// A process in a network namespace that has no name.
private final class Container {
  private let shell = Process()
  let process: Int32

  init() throws {
    shell.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    shell.arguments = ["-n", "sh", "-c", "echo ready; read end"]
    let (input, output) = (Pipe(), Pipe())
    (shell.standardInput, shell.standardOutput) = (input, output)
    try shell.run()
    _ = output.fileHandleForReading.readData(ofLength: 6)
    process = shell.processIdentifier
    self.input = input
  }

  private let input: Pipe

  func end() {
    try? input.fileHandleForWriting.close()
    shell.waitUntilExit()
  }
}

/// Events as they come, each asked for by its type.
final class Events {
  private var stream: AsyncStream<Event>.Iterator
  init(_ stream: AsyncStream<Event>) { self.stream = stream.makeAsyncIterator() }

  struct Ended: Error {}

  /// The next of that type; those before it are passed over.
  func first(_ type: String) async throws -> Event {
    while let event = await stream.next() {
      if event.type == type { return event }
    }
    throw Ended()
  }
}

extension Machine {
  func events() async -> Events { Events(await control.watchEvents()) }

  /// Asks until it is so; false after ten seconds.
  func until(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
      if try await condition() { return true }
      await Task.yield()
    }
    return false
  }
}
