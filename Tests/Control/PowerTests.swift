import Control
import Foundation
import Host
import Rack
import Switching
import Testing

@Suite("Power", .serialized, .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun")) struct PowerTests {
  /// Machine `name`'s `[eth0, eth1]`.
  private func carrier(_ server: Server, of machine: Machine) async throws -> [Bool] {
    try await machine.links().filter { $0.alias?.contains(server.id.description) == true }.map(\.hasCarrier)
  }

  @Test("a server that is switched off has no carrier on either NIC, also after a restart; others keep theirs")
  func off() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    let other = try await machine.server("o")
    #expect(try await carrier(server, of: machine) == [true, true])
    try await machine.control.perform(.setPower(server.id, on: false))
    #expect(try await carrier(server, of: machine) == [false, false])
    #expect(try await carrier(other, of: machine) == [true, true])
    for link in try await machine.links() { try Links.setUp(link.name, true, in: nil) }
    #expect(await machine.control.counters(of: server.id)[.eth0]?.linkUp == false, "up without a cable is no link")
    #expect(await machine.control.counters(of: other.id)[.eth0]?.linkUp == true)

    try await machine.restart()
    #expect(try await carrier(server, of: machine) == [false, false])
    #expect(try await carrier(other, of: machine) == [true, true])
    #expect(await machine.control.counters(of: server.id)[.eth0]?.linkUp == false)

    try await machine.control.perform(.setPower(server.id, on: true))
    #expect(try await carrier(server, of: machine) == [true, true])
    #expect(await machine.control.counters(of: server.id)[.eth0]?.linkUp == true)
    await machine.end()
  }

  @Test("a NIC that is made again for a server that is switched off has no carrier")
  func madeAgain() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    try await machine.control.perform(.setPower(server.id, on: false))
    try await machine.restart { try run("ip", "link", "del", "\(server.hostname)-eth1") }
    #expect(try await carrier(server, of: machine) == [false, false])
    await machine.end()
  }

  @Test("a reboot takes the carrier of both NICs away and gives it back; one that is off is not rebooted")
  func reboot() async throws {
    let machine = try await Machine()
    let server = try await machine.server("w")
    func losses() throws -> [String] {
      try ["eth0", "eth1"].map {
        try String(contentsOfFile: "/sys/class/net/\(server.hostname)-\($0)/carrier_down_count", encoding: .utf8)
      }
    }
    let before = try losses()
    try await machine.control.perform(.reboot(server.id))
    #expect(try await carrier(server, of: machine) == [true, true])
    #expect(try losses() == before.map { "\((Int($0.dropLast()) ?? -1) + 1)\n" })
    try await machine.control.perform(.setPower(server.id, on: false))
    await #expect(throws: Refusal.self) { try await machine.control.perform(.reboot(server.id)) }
    #expect(try await carrier(server, of: machine) == [false, false])
    await machine.end()
  }
}
