import Testing

/// One bond with two lives: what is untagged is routed, what is tagged is switched.
extension Integration {
  @Suite("Hybrid-bonded") struct HybridBondedTests {
    static let setting = "hybrid_bonded: true\n"

    private static func mode(_ name: String, _ lab: Lab) throws -> String? {
      try lab.toprack.json("server", "show", name)["toprack"]["mode"].string
    }

    @Test("routed pings and tagged frames cross one bond at once, and neither is ever taken for the other")
    func both() throws {
      let lab = try Lab(settings: Self.setting, withHost: true)
      try lab.networks(100, 200)
      let a = try lab.routed("a")
      let b = try lab.routed("b", facility: "sjc1")
      let nic = a.machine.eth0
      let peer = try lab.individual("peer", 100).eth0
      let stranger = try lab.individual("stranger", 200).eth0
      let other = try lab.individual("other", 200).eth0
      try lab.toprack("port", "attach", "a", "bond0", "100")
      #expect(try Self.mode("a", lab) == "hybrid-bonded")
      #expect(try lab.toprack("port", "show", "a", "bond0").contains("100 tagged"))
      let config = try lab.toprack("server", "network-config", "a")
      #expect(config.contains("name bond0.100") && config.contains(a.publicIPv4), "\(config)")

      for number in 0..<40 {
        try nic.send(Frame(to: .broadcast, from: nic.mac, tags: [.c(100, priority: 3)], "tagged \(number)"))
        try peer.expect(Frame(to: .broadcast, from: nic.mac, "tagged \(number)"))
        if number % 8 == 0 {
          try a.expectPings([b.publicIPv4, b.publicIPv6, Layer3RoutingTests.uplink[0]], "beside VLAN 100")
          try b.expectPings([a.privateIPv4])
        }
        try peer.send(Frame(to: nic.mac, from: peer.mac, "answer \(number)"))
        try nic.expect(Frame(to: nic.mac, from: peer.mac, tags: [.c(100)], "answer \(number)"))
      }
      // Untagged and priority-tagged is the gateway's, whose business such a frame is not; another VLAN's tag is nobody's.
      for tags: [Frame.Tag] in [[], [.c(0, priority: 5)], [.c(200)]] {
        try nic.send(Frame(to: .broadcast, from: nic.mac, tags: tags, "not for a VLAN"))
        try nic.send(Frame(to: peer.mac, from: nic.mac, tags: tags, "not for a station of one"))
      }
      try peer.expectNothing(sentinelFrom: nic, tags: [.c(100)])
      try stranger.expectNothing(sentinelFrom: other)
      try nic.expectNothing(sentinelFrom: peer, "of what it has sent itself")
      #expect(try lab.drops(nic)["vlan-not-allowed"] == 2)
    }

    @Test("when the last VLAN leaves it is layer3, and converted to layer 2 it keeps its VLANs and nothing is routed")
    func ends() throws {
      let lab = try Lab(settings: Self.setting, withHost: true)
      try lab.networks(100)
      let a = try lab.routed("a")
      let b = try lab.routed("b")
      let nic = a.machine.eth0
      let peer = try lab.individual("peer", 100).eth0
      try lab.toprack("port", "attach", "a", "bond0", "100")
      try lab.toprack("port", "detach", "a", "bond0", "100")
      #expect(try Self.mode("a", lab) == "layer3")
      try nic.send(Frame(to: .broadcast, from: nic.mac, tags: [.c(100)], "too late"))
      try lab.poll { try lab.drops(nic)["vlan-not-allowed"] == 1 }
      #expect(try lab.drops(nic)["vlan-not-allowed"] == 1)
      try a.expectPings([b.publicIPv4])

      try lab.toprack("port", "attach", "a", "bond0", "100")
      let refused = try lab.toprack.attempt(["server", "mode", "a", "hybrid"])
      #expect(refused.status == 1 && refused.errors.contains("detach first"), "\(refused.errors)")
      try lab.toprack("server", "mode", "a", "layer2-bonded")
      #expect(try Self.mode("a", lab) == "layer2-bonded")
      #expect(try lab.addresses("a").isEmpty)
      #expect(try !a.pings(b.publicIPv4))
      try nic.send(Frame(to: .broadcast, from: nic.mac, "alone on the bond, so untagged"))
      try peer.expect(Frame(to: .broadcast, from: nic.mac, "alone on the bond, so untagged"))
    }

    @Test("where the setting is off, bond0 in layer 3 takes no VLAN, and the refusal names the setting")
    func notOffered() throws {
      let lab = try Lab()
      try lab.networks(100)
      try lab.toprack("server", "create", "a", "--netns=\(lab.namespace("a").name)")
      let refused = try lab.toprack.attempt(["port", "attach", "a", "bond0", "100"])
      #expect(refused.status == 1 && refused.errors.contains("hybrid_bonded: true"), "\(refused.errors)")
      #expect(try Self.mode("a", lab) == "layer3")
    }
  }
}
