import Cabling
import Rack
import Testing

@Suite("Until a server is heard") struct ProvisioningTests {
  private func create(_ name: String, isAwaited: Bool, in lab: inout Lab) throws -> (Server, [String]) {
    var request = ServerRequest(
      hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: lab.project,
      place: .host)
    request.isAwaited = isAwaited
    let outcome = try lab.perform(.createServer(request))
    return (lab[name], outcome.events.map(\.type))
  }

  @Test("where nobody waits, a server is active when it is made, and its installation is complete")
  func atOnce() throws {
    var lab = Lab()
    let (server, events) = try create("web1", isAwaited: false, in: &lab)
    #expect(server.state == .active && events == ["provisioning.100", "device.create", "provisioning.110"])
    #expect(try !lab.perform(.heard(server.id)).changed)
    let again = try lab.perform(.reinstall(server.id, Installation()))
    #expect(again.events.map(\.type) == ["device.reinstall", "provisioning.110"] && lab["web1"].state == .active)
  }

  @Test("else it is provisioning until it is heard, once for each installation; switched off it is inactive")
  func untilHeard() throws {
    var lab = Lab()
    let (server, events) = try create("web1", isAwaited: true, in: &lab)
    #expect(server.state == .provisioning && events == ["provisioning.100", "device.create"])
    try lab.perform(.setPower(server.id, on: false))
    #expect(lab["web1"].state == .inactive)
    try lab.perform(.setPower(server.id, on: true))
    #expect(lab["web1"].state == .provisioning)

    let heard = try lab.perform(.heard(server.id))
    #expect(heard.events.map(\.type) == ["device.active", "provisioning.110"] && lab.change.isEmpty)
    #expect(heard.event?.body == "web1 is active: its operating system was heard")
    #expect(lab["web1"].state == .active)
    #expect(try !lab.perform(.heard(server.id)).changed)

    var installation = Installation()
    installation.isAwaited = true
    #expect(try lab.perform(.reinstall(server.id, installation)).events.map(\.type) == ["device.reinstall"])
    #expect(lab["web1"].state == .provisioning)
    for command in [Command.rescue(server.id), .reboot(server.id), .setMode(server.id, .hybrid)] {
      try lab.perform(command)
      #expect(lab["web1"].state == .provisioning)
    }
    #expect(throws: Refusal.self) { try lab.perform(.heard(ServerID(lab.entropy.identifier()))) }
  }
}
