import Cabling
import Gateway
import Net
import Rack
import Testing
import Wire

@testable import Control

@Suite("What a server is told when it boots") struct BootTests {
  private func boot(
    _ details: ServerDetails, _ system: String = "custom_ipxe", _ change: (inout RoutingPlan) -> Void = { _ in }
  ) throws -> RoutedInterface.Boot {
    var source = SystemEntropy()
    var rack = Rack(with: &source)
    let made = try rack.perform(
      .createServer(
        ServerRequest(
          hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: system,
          project: try #require(rack.project(named: "default")).id, place: .host, details: details)), with: &source)
    guard case .server(let id) = made.subject, let server = rack.servers[id] else {
      throw Unavailable(message: "no server")
    }
    var plan = RoutingPlan(mac: MACAddress(0x0200_0000_0001))
    plan.userdataURL = "http://169.254.169.254/userdata"
    change(&plan)
    return try #require(plan.interface(of: server).boot)
  }

  @Test("with custom_ipxe its script, and as next server what is set, or the script's own host")
  func script() throws {
    let details = ServerDetails(ipxeScriptURL: "http://198.51.100.1:8080/a")
    #expect(try boot(details).script == "http://198.51.100.1:8080/a")
    #expect(try boot(details).nextServer == IPAddress(v4: 0xC633_6401))
    #expect(try boot(details) { $0.nextServer = IPAddress(v4: 1) }.nextServer == IPAddress(v4: 1))
    #expect(try boot(ServerDetails(ipxeScriptURL: "http://boot.example/a")).nextServer == nil)
    #expect(try boot(details, "debian_12").script == nil && boot(details, "debian_12").nextServer == nil)
  }

  @Test("userdata that is a script is fetched from the metadata service, where there is one")
  func userdata() throws {
    let details = ServerDetails(userdata: "#!ipxe\nshell")
    #expect(try boot(details).script == "http://169.254.169.254/userdata" && boot(details).nextServer == nil)
    #expect(try boot(details) { $0.userdataURL = nil }.script == nil)
    #expect(try boot(ServerDetails(userdata: "#!/bin/sh")).script == nil)
  }
}
