import Control
import Rack
import Testing

@Suite("Until a server is heard", .enabled(if: canMakeInterfaces)) struct ProvisioningTests {
  @Test("its first frame makes it active, also after a restart; what it sent before an installation does not count")
  func firstFrame() async throws {
    let machine = try await Machine(awaitsSystems: true)
    let namespace = machine.name("ns")
    let server = try await machine.server("w", place: .namespace(namespace))
    func state() async -> ServerState? { await machine.control.rack.servers[server.id]?.state }
    #expect(await state() == .provisioning)
    try await machine.restart()
    #expect(await state() == .provisioning)
    // IPv6 speaks when a link comes up.
    try run("ip", "-n", namespace, "link", "set", "eth0", "up")
    #expect(try await machine.until { await state() == .active })
    let events = try await machine.control.events(of: nil, server: server.id, offset: 0, limit: 2).events
    #expect(events.map(\.type) == ["provisioning.110", "device.active"])

    try run("ip", "-n", namespace, "link", "set", "eth0", "down")
    try await machine.control.perform(.reinstall(server.id, Installation()))
    #expect(await state() == .provisioning)
    await machine.control.heard(server.id)
    #expect(await state() == .active)
    await machine.end()
  }

  @Test("by default it is active when it is made")
  func atOnce() async throws {
    let machine = try await Machine()
    #expect(try await machine.server("w").state == .active)
    await machine.end()
  }
}
