import Control
import Foundation
import Net
import Rack
import Testing

/// LACP with nobody at the other end; partners are in the integration tests.
@Suite("LACP as control tells of it", .serialized, .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct LACPTests {
  @Test("the NICs that are in a bond are told of, by server and by name")
  func members() async throws {
    let machine = try await Machine()
    #expect(await machine.control.lacp(of: nil) == [])
    let b = try await machine.server("b", mode: .hybrid)
    let a = try await machine.server("a")
    try await machine.server("c", mode: .layer2Individual)
    let all = await machine.control.lacp(of: nil)
    #expect(all.map(\.hostname) == [a.hostname, a.hostname, b.hostname])
    #expect(all.map(\.port) == [.eth0, .eth1, .eth0])
    #expect(all.map(\.actor.key) == [2, 2, 1])
    #expect(all.map(\.actor.port) == [3, 4, 1])
    #expect(await machine.control.lacp(of: b.id).map(\.port) == [.eth0])
    #expect(await machine.control.lacp(of: ServerID(UUID())) == [])

    try await machine.control.perform(.setMode(b.id, .layer2Individual))
    #expect(await machine.control.lacp(of: b.id) == [])
    try await machine.control.perform(.deleteServer(a.id))
    #expect(await machine.control.lacp(of: nil) == [])
    await machine.end()
  }

  @Test("without a partner the first link that is up carries by itself, says so, and the switch speaks on both")
  func fallback() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w", mode: .layer2Bonded)
    #expect(await machine.control.lacp(of: server.id).map(\.linkUp) == [false, false])
    for nic in ["eth0", "eth1"] { try run("ip", "link", "set", "\(server.hostname)-\(nic)", "up") }
    let members = try await machine.lacp(of: server) { members in members.allSatisfy { $0.counters.lacpdusSent > 0 } }
    #expect(members.map(\.linkUp) == [true, true])
    #expect(members.map(\.fallback) == [true, false])
    #expect(members.map(\.collecting) == [true, false])
    #expect(members.map(\.partner) == [nil, nil])
    #expect(members.map(\.selected) == [false, false])
    #expect(members.map(\.machines.mux) == ["DETACHED", "DETACHED"])
    #expect(members.map(\.sinceLastLACPDU) == [nil, nil])
    let nics = await machine.control.counters(of: server.id)
    #expect(nics[.eth0]?.carries == true && nics[.eth1]?.carries == false)
    await machine.end()
  }

  @Test("the rack's system is a local unicast address, and it, the keys, the ports and the rate outlive a restart")
  func restart() async throws {
    let machine = try await Machine()
    try await machine.server("gone")
    let server = try await machine.server("w")
    for server in await machine.control.rack.servers.values where server.number == 1 {
      try await machine.control.perform(.deleteServer(server.id))
    }
    func timeouts() async -> [Bool] { await machine.control.lacp(of: nil).map { $0.actor.state.contains("timeout") } }
    #expect(await timeouts() == [false, false])
    #expect(try await machine.control.perform(.setLACPRate(fast: true)).changed)
    #expect(await timeouts() == [true, true])

    let before = await machine.control.lacp(of: server.id)
    let system = try #require(before.first).actor.system
    #expect(system.isLocal && !system.isGroup)
    #expect(before.allSatisfy { $0.actor.system == system })
    try await machine.restart()
    let after = await machine.control.lacp(of: server.id)
    #expect(after.map(\.actor) == before.map(\.actor))
    #expect(after.map(\.actor.port) == [3, 4])
    #expect(await machine.control.rack.lacpFast)
    await machine.end()

    let other = try await Machine()
    let another = try await other.server("w")
    #expect(await other.control.lacp(of: another.id).first.map(\.actor.system) != system)
    await other.end()
  }
}

extension Machine {
  /// Waits until the server's members are as wanted, or ten seconds have passed.
  fileprivate func lacp(
    of server: Server, until isAsWanted: ([LACPMember]) -> Bool
  ) async throws -> [LACPMember] {
    let deadline = ContinuousClock.now + .seconds(10)
    while true {
      let members = await control.lacp(of: server.id)
      if isAsWanted(members) || ContinuousClock.now > deadline { return members }
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}
