import Foundation
import Testing

/// The log of drops: each classic drop is made, and shown with where, why, its bytes and what to change.
extension Integration {
  @Suite("The command drops") struct DropTests {
    private static func hex(_ bytes: [UInt8]) -> String {
      bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Waits for a drop of that reason at `nic` with that text in its frame's bytes.
    private static func drop(
      _ lab: Lab, _ reason: String, at nic: NIC, _ frame: Frame? = nil,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> JSON {
      let wanted = frame.map { hex(Array($0.bytes.prefix(96))) }
      var found: JSON?
      try lab.poll {
        let drops = try lab.toprack.json("drops", "\(nic.machine):\(nic.port)", "--reason", reason).array ?? []
        found = drops.last { wanted == nil || $0["frame"].string == wanted }
        return found != nil
      }
      return try #require(found, "no drop for \(reason) at \(nic.name)", sourceLocation: sourceLocation)
    }

    @Test("ports, VLANs and receivers: the right NIC, direction, reason, bytes and advice, and nothing more")
    func switched() throws {
      let lab = try Lab()
      try lab.networks(1001, 1002, 1003)
      let trunk = try lab.individual("web2", 1001, 1002).eth0
      let dark = try lab.machine("web3", .layer2Individual).eth0
      let plain = try lab.individual("web1", 1001).eth0
      let lonely = try lab.individual("web4", 1003).eth0
      let cases: [(NIC, Frame, String, String)] = [
        (
          trunk, Frame(to: .broadcast, from: trunk.mac, "untagged", size: 90), "untagged-not-allowed",
          "untagged frame on web2 eth0, which has VLANs 1001 and 1002 tagged: make one native, or tag it; "
            + "toprack port native web2 eth0 1001"
        ),
        (
          trunk, Frame(to: .broadcast, from: trunk.mac, tags: [.c(1003)], "another VLAN", size: 200),
          "vlan-not-allowed",
          "VLAN 1003 is not on web2 eth0, which has 1001 and 1002: attach it, or tag it with one of these; "
            + "toprack port attach web2 eth0 1003"
        ),
        (
          dark, Frame(to: .broadcast, from: dark.mac, "dark"), "no-vlan",
          "no VLAN is attached to web3 eth0: attach one; toprack port attach web3 eth0 1001"
        ),
        (
          lonely, Frame(to: .broadcast, from: lonely.mac, "lonely"), "no-receiver",
          "nobody but web4 eth0 is in VLAN 1003: attach it to the port that should hear this; toprack network list"
        ),
        (
          plain, Frame(to: .broadcast, from: plain.mac, tags: [.c(4095)], "reserved"), "reserved-vlan",
          "a frame on web1 eth0 is tagged with VLAN 4095, which 802.1Q reserves: send it with VLAN 1001"
        ),
        (
          plain, Frame(to: plain.mac, from: plain.mac, "to itself"), "same-port",
          "the receiver \(plain.mac) is on the port that the frame came in by, web1 eth0: deliver it inside the "
            + "server; or a MAC address is there twice; toprack fdb show --server web1"
        ),
      ]
      for (nic, frame, reason, advice) in cases {
        try lab.expectDrops(reason, at: nic) { try nic.send(frame) }
        let drop = try Self.drop(lab, reason, at: nic, frame)
        #expect(
          Set((drop.object ?? [:]).keys) == [
            "time", "server", "nic", "direction", "reason", "length", "frame", "summary", "advice",
          ])
        #expect(drop["server"].string == nic.machine && drop["nic"].string == nic.port)
        #expect(drop["direction"].string == "in" && drop["length"].int == frame.bytes.count)
        #expect(drop["advice"].string == advice)
        #expect(drop["time"].string?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z/) != nil)
        #expect(drop["summary"].string?.isEmpty == false)
      }
      // The advice is by the rack as it is now.
      try lab.toprack("port", "native", "web2", "eth0", "1001")
      let cured = try Self.drop(lab, "untagged-not-allowed", at: trunk)
      #expect(cured["advice"].string?.hasSuffix("nothing to change") == true)
    }

    @Test("what a receiver cannot have is out at its NIC: MTU, link, power; the name of a server stays when it is gone")
    func receivers() throws {
      let lab = try Lab()
      try lab.networks(1001)
      let (sender, receiver) = (try lab.individual("a", 1001).eth0, try lab.individual("b", 1001).eth0)
      try lab.toprack("set", "mtu", "a", "9000")
      let large = Frame(to: .broadcast, from: sender.mac, "large", size: 4_014)
      try lab.expectDrops("mtu-exceeded", at: receiver) { try sender.send(large) }
      let tooLong = try Self.drop(lab, "mtu-exceeded", at: receiver, large)
      #expect(tooLong["direction"].string == "out" && tooLong["length"].int == 4_014)
      #expect(
        tooLong["advice"].string
          == "a packet of 4000 bytes for b eth0, whose MTU is 1500: raise it, or lower the sender's; "
          + "toprack set mtu b 4000"
      )

      try receiver.takeDown()
      try lab.poll { try lab.toprack.json("port", "show", "b", "eth0")["link_up"].bool == false }
      let lost = Frame(to: .broadcast, from: sender.mac, "lost")
      try sender.send(lost)
      let down = try Self.drop(lab, "link-down", at: receiver, lost)
      #expect(down["direction"].string == "out")
      #expect(
        down["advice"].string?.hasSuffix("; toprack server shell b -- ip link set eth0 up") == true)
      try lab.toprack("server", "power", "b", "off")
      let off = try Self.drop(lab, "link-down", at: receiver, lost)
      #expect(off["advice"].string == "b is switched off: switch it on; toprack server power b on")

      try lab.toprack("server", "delete", "b")
      let all = try lab.toprack.json("drops", "--reason", "link-down").array ?? []
      #expect(all.last?["server"].string == "b" && all.last?["nic"].string == "eth0")
      // Who has the number now has none of them.
      _ = try lab.machine("c", .layer2Individual)
      #expect(try lab.toprack.json("drops", "c").array?.filter { $0["reason"].string == "link-down" }.isEmpty == true)
    }

    @Test("routed ports: what the workers drop and what the slow path drops")
    func routed() throws {
      let lab = try Lab(withHost: true)
      let server = try lab.routed("a")
      let gateway = try server.gatewayMAC()
      try server.namespace.silence()
      let nic = server.machine.eth0
      let forged = Packet.udp(from: nic.mac, "10.9.9.9", to: gateway, "198.18.0.9", "forged")
      try lab.expectDrops("spoofed-source", at: nic) { try nic.send(forged) }
      let spoofed = try Self.drop(lab, "spoofed-source", at: nic, forged)
      #expect(spoofed["direction"].string == "in")
      #expect(spoofed["summary"].string?.hasPrefix("IP 10.9.9.9.") == true)
      #expect(
        spoofed["advice"].string?.hasPrefix("source 10.9.9.9 is not an address of a, which has \(server.publicIPv4)")
          == true)
      let astray = Packet.udp(from: nic.mac, server.publicIPv4, to: .station(7), "198.18.0.9", "astray")
      try lab.expectDrops("not-for-gateway", at: nic) { try nic.send(astray) }
      #expect(try Self.drop(lab, "not-for-gateway", at: nic, astray)["direction"].string == "in")
      // By the slow path, which answers with an error.
      let unknown = Packet.udp(from: nic.mac, server.publicIPv4, to: gateway, "198.18.31.254", "nobody")
      try lab.expectDrops("no-route", at: nic) { try nic.send(unknown) }
      let noRoute = try Self.drop(lab, "no-route", at: nic)
      #expect(noRoute["advice"].string?.hasPrefix("nobody has ") == true)
    }

    /// `toprack drops --follow` with its output where the test can wait for it.
    private struct Follower {
      let output: Fifo
      let process: ChildProcess

      init(_ lab: Lab, _ options: String...) throws {
        output = try Fifo(path: "\(lab.daemon.directory)/drops")
        let command = ["'\(Daemon.binaries)/toprack'", "--socket", "'\(lab.daemon.socket)'", "drops", "--follow"]
        process = try ChildProcess([
          "bash", "-c", "exec " + (command + options).joined(separator: " ") + " >'\(output.path)'",
        ])
      }

      func drop() throws -> JSON { try JSON(Data(#require(output.line()).utf8)) }
    }

    @Test("--follow tells each drop once and in order, also over a restart of the daemon")
    func follow() throws {
      let lab = try Lab()
      let nic = try lab.machine("web1", .layer2Individual).eth0
      let other = try lab.machine("web2", .layer2Individual).eth0
      func send(_ number: Int) throws -> String {
        let frame = Frame(to: .broadcast, from: nic.mac, "number \(number)")
        try nic.send(frame)
        try other.send(frame)
        return Self.hex(frame.bytes)
      }
      let first = try send(0)
      _ = try Self.drop(lab, "no-vlan", at: nic)
      let follower = try Follower(lab, "web1:eth0", "--json", "--reason", "no-vlan")
      #expect(try follower.drop()["frame"].string == first)
      for number in 1...50 {
        let frame = try send(number)
        let drop = try follower.drop()
        #expect(drop["frame"].string == frame && drop["server"].string == "web1")
      }
      lab.daemon.kill()
      try lab.daemon.start()
      try lab.poll { try lab.toprack.json("port", "show", "web1", "eth0")["link_up"].bool == true }
      let again = try send(51)
      #expect(try follower.drop()["frame"].string == again)
      follower.process.signal(SIGINT)
      #expect(follower.process.wait(until: .after(.seconds(10))) == 128 + SIGINT)
    }

    @Test("the newest 4096 of a worker are there, what was overwritten is counted, and lines fit a terminal")
    func overwritten() throws {
      let lab = try Lab(options: ["--workers", "1"])
      let nic = try lab.machine("web1", .layer2Individual).eth0
      let count = 5_000
      for number in 0..<count { try nic.send(Frame(to: .broadcast, from: nic.mac, "number \(number)")) }
      try lab.poll { try lab.drops(nic)["no-vlan"] == count }
      let answer = try lab.toprack.json("api", "GET", "/toprack/drops?limit=5000")
      let drops = answer["drops"].array ?? []
      // Others, as what kernels send when a NIC comes up, are few.
      let overwritten = answer["overwritten"].int ?? 0
      #expect(drops.count >= 4_096 && (0...50).contains(overwritten - (count - 4_096)))
      let last = Frame(to: .broadcast, from: nic.mac, "number \(count - 1)")
      #expect(drops.last?["frame"].string == Self.hex(last.bytes))
      let middle = try #require(answer["next"].string)
      #expect(try lab.toprack.json("api", "GET", "/toprack/drops?after=\(middle)")["drops"].array?.isEmpty == true)
      let lines = try lab.toprack("drops", "web1", "--limit", "3").split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= 80 } && lines.first?.hasPrefix("TIME") == true)
      #expect(lines.filter { $0.contains("no-vlan") }.count == 3)
      #expect(lines.filter { $0.contains("-> no VLAN is attached to web1 eth0") }.count == 1)
    }

    @Test("a project's token sees the drops of its own servers, in the list and in the stream")
    func tenants() throws {
      let lab = try Lab()
      try lab.toprack("project", "create", "shop")
      let own = lab.namespace("own")
      try lab.toprack("server", "create", "own", "--project", "shop", "--netns=\(own.name)")
      let token = try lab.toprack("token", "create", "t", "--project", "shop", "--quiet")
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let stranger = try lab.machine("stranger", .layer2Individual).eth0
      try stranger.send(Frame(to: .broadcast, from: stranger.mac, "strange"))
      _ = try Self.drop(lab, "no-vlan", at: stranger)
      try own.silence()
      try lab.toprack("server", "mode", "own", "layer2-individual")
      let device = try lab.toprack.json("server", "show", "own")
      let nic = try Machine(in: lab, name: "own", namespace: own, device: device).eth0
      try nic.send(Frame(to: .broadcast, from: nic.mac, "mine"))
      _ = try Self.drop(lab, "no-vlan", at: nic)
      let seen = try lab.toprack.json("--token", token, "drops").array ?? []
      #expect(seen.contains { $0["server"].string == "own" })
      #expect(Set(seen.compactMap { $0["server"].string }) == ["own"])
      let refused = try lab.toprack.attempt(["--token", token, "drops", "stranger"])
      #expect(refused.status == 1 && refused.errors.contains("there is no server"))
    }
  }
}
