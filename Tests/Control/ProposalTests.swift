import Control
import Foundation
import Host
import Ports
import Rack
import Testing

/// Several commands as one, on real interfaces.
@Suite("Proposals", .enabled(if: canMakeInterfaces)) struct ProposalTests {
  private static func request(_ name: String, _ project: ProjectID, _ place: PlaceRequest) -> Command {
    .createServer(
      ServerRequest(
        hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
        place: place))
  }

  /// What the commands come to on the rack, as one.
  private static func proposal(_ commands: [Command]) -> Proposal {
    Proposal { rack, entropy in
      var copy = rack
      var whole = Outcome(subject: .nothing)
      for command in commands {
        let outcome = try copy.perform(command, with: &entropy)
        whole.changes += outcome.changes
        whole.events += outcome.events
      }
      return whole
    }
  }

  @Test("all of it is there, or nothing is: no interface, no namespace, no record")
  func whole() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    let names = ["a", "b", "c"].map(machine.name)
    // The last one's name on the host is somebody else's.
    let device = "\(names[2])-eth1"
    let theirs = try TAP.open(device, in: nil)
    let commands = [
      Command.createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: 1001, description: nil)),
      Self.request(names[0], project, .host), Self.request(names[1], project, .named),
      Self.request(names[2], project, .host),
    ]
    let before = await machine.control.rack
    await #expect(throws: Refusal.self) { try await machine.control.perform(Self.proposal(commands), by: nil) }
    #expect(await machine.control.rack == before)
    #expect(!NetworkNamespaces.exists(names[1]))
    #expect(try Links.list(in: nil).allSatisfy { !$0.name.hasPrefix(names[0]) })
    try theirs.remove()
    try await machine.control.perform(Self.proposal(commands), by: nil)
    #expect(await machine.control.rack.servers.count == before.servers.count + 3)
    #expect(NetworkNamespaces.exists(names[1]))
    #expect(try Links.list(in: nil).filter { $0.name.hasPrefix(names[0]) || $0.name.hasPrefix(names[2]) }.count == 4)
    let rack = await machine.control.rack
    try await machine.restart()
    #expect(await machine.control.rack == rack)
    #expect(await machine.control.status().problems.isEmpty)
    await machine.end()
  }

  @Test(
    "a server that is made anew in the place of one that goes has its namespace and its names",
    arguments: [PlaceRequest.host, .named])
  func anew(_ place: PlaceRequest) async throws {
    let machine = try await Machine()
    let old = try await machine.server("a", place: place)
    let name = old.hostname
    let home = place == .host ? nil : NetworkNamespaces.file(of: name)
    let commands = [Command.deleteServer(old.id), Self.request(name, old.project, place)]
    // Something is in the way of the second of two: then the first is as it was, with its names.
    let theirs = try TAP.open("\(machine.name("b"))-eth0", in: nil)
    await #expect(throws: Refusal.self) {
      try await machine.control.perform(
        Self.proposal(commands + [Self.request(machine.name("b"), old.project, .host)]), by: nil)
    }
    try theirs.remove()
    #expect(await machine.control.rack.servers[old.id] == old)
    func devices() throws -> [String] {
      try Links.list(in: place == .host ? nil : name).map(\.name)
        .filter { place == .host ? $0.hasPrefix(name) : $0.hasPrefix("eth") }.sorted()
    }
    let usual = place == .host ? ["\(name)-eth0", "\(name)-eth1"] : ["eth0", "eth1"]
    #expect(try devices() == usual)
    if let home { #expect(NetworkNamespaces.file(of: name)?.isSame(as: home) == true) }

    try await machine.control.perform(Self.proposal(commands), by: nil)
    let new = try #require(await machine.control.rack.server(named: name))
    #expect(new.id != old.id && new.place.namespace == old.place.namespace)
    #expect(try devices() == usual)
    if let home { #expect(NetworkNamespaces.file(of: name)?.isSame(as: home) == true) }
    try await machine.restart()
    #expect(await machine.control.rack.servers[new.id] == new)
    #expect(await machine.control.status().problems.isEmpty)
    await machine.end()
    if place != .host { #expect(!NetworkNamespaces.exists(name), "it goes with the last") }
  }

  @Test("a server's NICs are made anew at another place, and what was at the former one goes; or nothing has happened")
  func moved() async throws {
    let machine = try await Machine()
    let old = try await machine.server("a", place: .named)
    let theirs = try TAP.open("\(machine.name("b"))-eth0", in: nil)
    func move(_ place: Place, and commands: [Command] = []) -> Proposal {
      Proposal { rack, entropy in
        var new = rack.servers[old.id]!
        new.place = place
        var copy = rack
        copy.apply([.server(new, replacing: rack.servers[old.id])])
        var whole = Outcome(subject: .nothing, changes: [.server(new, replacing: rack.servers[old.id])])
        for command in commands { whole.changes += try copy.perform(command, with: &entropy).changes }
        return whole
      }
    }
    func devices(_ namespace: String?) throws -> [String] {
      try Links.list(in: namespace).map(\.name)
        .filter { namespace == nil ? $0.hasPrefix(old.hostname) : $0.hasPrefix("eth") }.sorted()
    }
    let (onHost, inside) = (["\(old.hostname)-eth0", "\(old.hostname)-eth1"], ["eth0", "eth1"])
    await #expect(throws: Refusal.self) {
      try await machine.control.perform(
        move(.host, and: [Self.request(machine.name("b"), old.project, .host)]), by: nil)
    }
    #expect(try devices(old.hostname) == inside && devices(nil) == [])
    #expect(await machine.control.rack.servers[old.id] == old)
    #expect(await machine.control.forwarding().ports.filter { $0.role != .absent }.count == 1)

    try await machine.control.perform(move(.host), by: nil)
    #expect(try devices(nil) == onHost)
    #expect(!NetworkNamespaces.exists(old.hostname))
    #expect(
      await machine.control.forwarding().ports.filter { $0.role == .routed }.map(\.members) == [["eth0", "eth1"]])
    try await machine.restart()
    #expect(await machine.control.status().problems.isEmpty)
    let other = machine.name("n")
    try await machine.control.perform(move(.namespace(other, made: true)), by: nil)
    #expect(try devices(nil) == [] && devices(other) == inside)
    #expect(await machine.control.status().problems.isEmpty)
    try theirs.remove()
    await machine.end()
    #expect(!NetworkNamespaces.exists(other))
  }
}
