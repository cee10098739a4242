import Foundation
import Testing

/// Whose frames a capture has, and routed packets on their way through the host.
extension Integration {
  @Suite("Captures of tenants and of the uplink") struct CaptureTenancyTests {
    @Test("a project's token, read-only too, captures its own servers alone; a stranger's is not there")
    func tenants() throws {
      let lab = try Lab(settings: "listen: 127.0.0.1:8080\n", withHost: true)
      let host = try #require(lab.host)
      for project in ["shop", "lab"] {
        try lab.toprack("project", "create", project)
        try lab.toprack("network", "create", "--vxlan", "100", "--facility", "ewr1", "--project", project)
      }
      var nics: [String: NIC] = [:]
      for (project, name) in [("shop", "web1"), ("lab", "other1")] {
        let namespace = lab.namespace(name)
        try lab.toprack("server", "create", name, "--netns=\(namespace.name)", "--project", project)
        try namespace.silence()
        try lab.toprack("server", "mode", name, "layer2-individual")
        try lab.toprack("port", "attach", name, "eth0", "100")
        let device = try lab.toprack.json("server", "show", name)
        nics[name] = try Machine(in: lab, name: name, namespace: namespace, device: device).eth0
      }
      let token = try lab.toprack("token", "create", "reader", "--project", "shop", "--read-only", "--quiet")
        .trimmingCharacters(in: .newlines)
      let tool = [
        "nsenter", "--net=/run/netns/\(host.name)", "\(Daemon.binaries)/toprack", "--url", "http://127.0.0.1:8080",
        "--token", token,
      ]
      let foreign = try run(tool + ["capture", "other1", "-w", "/dev/null"])
      #expect(foreign.status == 1 && foreign.errors.contains("there is no server"), "\(foreign.errors)")
      let capture = try RunningCapture(in: lab, ["--dropped"], command: tool)
      let everything = try RunningCapture(in: lab, [])
      let (own, other) = (try #require(nics["web1"]), try #require(nics["other1"]))
      try other.send(Frame(to: .broadcast, from: other.mac, "not yours"))
      try own.send(Frame(to: .broadcast, from: own.mac, "yours"))
      #expect(
        try lab.poll { try Data(contentsOf: URL(filePath: capture.file)).ranges(of: Array("yours".utf8)).count == 1 })
      let file = try capture.end()
      #expect(file.interfaces == ["web1/eth0", "web1/eth1"])
      #expect(file.frames.allSatisfy { $0.interface == "web1/eth0" })
      #expect(!(try Data(contentsOf: URL(filePath: everything.file))).isEmpty)
      #expect(try everything.end().interfaces.contains("other1/eth0"))
    }

    @Test("routed packets are seen at the server's NICs and at the uplink; bond0 is both members")
    func uplink() throws {
      let lab = try Lab(withHost: true)
      let tenant = try Tenant(in: lab, "web1")
      try tenant.configure()
      let address = try tenant.addresses().public
      let capture = try RunningCapture(in: lab, ["--filter", "icmp"])
      let bond = try RunningCapture(in: lab, ["web1:bond0", "--filter", "icmp and icmp[icmptype] == icmp-echo"])
      let host = try #require(lab.host)
      let ping = try run(["ip", "netns", "exec", host.name, "ping", "-c", "3", "-i", "0.2", address.host])
      #expect(ping.status == 0, "\(ping.text)")
      #expect(try lab.poll { try PcapngFile(Data(contentsOf: URL(filePath: capture.file))).frames.count >= 12 })
      let (file, members) = (try capture.end(), try bond.end())
      #expect(file.interfaces.contains("uplink/toprack0"))
      let uplink = file.frames.filter { $0.interface == "uplink/toprack0" }
      #expect(uplink.filter { $0.isInbound }.count == 3 && uplink.filter { !$0.isInbound }.count == 3)
      let server = file.frames.filter { $0.interface.hasPrefix("web1/") }
      #expect(server.filter { $0.isInbound }.count == 3 && server.filter { !$0.isInbound }.count == 3)
      // One router between: the TTL is one less on the far side.
      #expect(Set(uplink.filter { $0.isInbound }.map { $0.bytes[22] }) == [64])
      #expect(Set(server.filter { !$0.isInbound }.map { $0.bytes[22] }) == [63])
      #expect(members.interfaces == ["web1/eth0", "web1/eth1"] && members.frames.count == 3)
    }
  }
}
