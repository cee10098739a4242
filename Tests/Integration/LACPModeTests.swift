import Glibc
import Testing

/// Changes of the network mode, as a partner sees them, and machines that do not speak LACP.
extension Integration {
  @Suite("LACP and network modes") struct LACPModeTests {
    @Test("layer2-individual: the switch stops speaking LACP and the partner notices in time; bonded again, both join")
    func individualAndBack() throws {
      let trunk = try BondedTrunk()
      let toprack = trunk.lab.toprack
      for vlan in ["1001", "1002"] { try toprack("port", "detach", "web1", "bond0", vlan) }
      let captures = try trunk.capturesOfLACPDUs()
      try toprack("server", "mode", "web1", "layer2-individual")
      for capture in captures { _ = try capture.drain() }
      #expect(try trunk.lab.lacp("web1").isEmpty, "no bond, no members")
      let time = try trunk.expectBond([], within: .seconds(10))
      print("Open vSwitch noticed the end of the bond after \(time.milliseconds) ms")
      #expect(Pace.allows(time, under: .seconds(5)), "its timeout is 3 s")
      for capture in captures { #expect(try capture.drain().isEmpty, "no LACPDUs from an individual port") }

      // Two ports with VLANs of their own: Open vSwitch's bond is out of use, the NICs are not.
      try toprack("port", "attach", "web1", "eth1", "1001")
      let frame = Frame(to: .broadcast, from: trunk.web1.eth1.mac, "from eth1 alone")
      try trunk.web1.eth1.send(frame)
      try trunk.peer.eth0.expect(frame)
      try toprack("port", "detach", "web1", "eth1", "1001")

      try toprack("server", "mode", "web1", "layer2-bonded")
      for vlan in ["1001", "1002"] { try toprack("port", "attach", "web1", "bond0", vlan) }
      let again = try trunk.expectBond(["eth0", "eth1"])
      print("both links joined again after \(again.milliseconds) ms")
      try trunk.announce()
    }

    @Test("layer3 to hybrid takes eth1 out while eth0 goes on: no frame of a conversation on eth0 is refused")
    func layer3ToHybrid() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      let web1 = try lab.machine("web1", .layer3)
      let ovs = try OpenVSwitch(in: lab, on: web1)
      try ovs.addBond()
      func expectBond(_ nics: Set<String>) throws {
        #expect(try lab.poll { try lab.aggregated("web1") == nics && ovs.enabled() == nics }, "\(nics)")
      }
      try expectBond(["eth0", "eth1"])

      let before = try lab.frames(web1.eth0)
      let transitions = try lab.lacp("web1")["eth0"]?.muxTransitions
      let dropsBefore = try lab.drops(web1.eth0)
      let stream = try PacedStream("routed", from: web1.eth0, to: .station(1), watching: [web1.eth1])
      stream.start()
      var eth0EverOut = false
      try lab.toprack("server", "mode", "web1", "hybrid")
      #expect(Set(try lab.lacp("web1").keys) == ["eth0"], "eth1 is out of the bond at once")
      try lab.poll {
        let enabled = try ovs.enabled()
        eth0EverOut = try eth0EverOut || !enabled.contains("eth0") || lab.aggregated("web1") != ["eth0"]
        return enabled == ["eth0"]
      }
      try expectBond(["eth0"])
      try lab.toprack("server", "mode", "web1", "layer3")
      try expectBond(["eth0", "eth1"])
      try stream.stop()

      #expect(!eth0EverOut, "eth0 stayed in the bond")
      #expect(try lab.lacp("web1")["eth0"]?.muxTransitions == transitions, "not for a moment")
      let sent = stream.report(at: web1.eth1).sent
      #expect(sent > 300)
      #expect(stream.report(at: web1.eth1).received == 0, "and nothing came back by eth1")
      // Whatever becomes of a frame behind the bond, the bond took it: no reason of the bond's counted.
      var drops = try lab.drops(web1.eth0)
      let after = try lab.frames(web1.eth0)
      #expect(after.received - before.received >= sent)
      drops["not-for-gateway"] = nil
      #expect(drops == dropsBefore.filter { $0.key != "not-for-gateway" })
      print("\(sent) frames by eth0 during layer3 to hybrid and back, all taken")
    }

    @Test("fallback: eth0 carries for a plain machine until the first LACPDU; then only what LACP has agreed on")
    func fallbackEnds() throws {
      let trunk = try BondedTrunk(bonded: false)
      let (web1, outside) = (trunk.web1, trunk.peer.eth0)
      let first = Frame(to: .broadcast, from: web1.eth0.mac, tags: [.c(1001)], "by eth0, before LACP")
      try web1.eth0.send(first)
      try outside.expect(first.with(tags: []))
      #expect(try trunk.lab.aggregated("web1").isEmpty)

      // A machine that has only its second NIC in a bond.
      try trunk.ovs.addBond(of: ["eth1"])
      try trunk.expectBond(["eth1"])
      let second = Frame(to: .broadcast, from: .station(1), tags: [.c(1001)], "by eth1")
      let refused = try trunk.lab.drops(web1.eth0)
      let silent = Frame(to: .broadcast, from: web1.eth0.mac, tags: [.c(1001)], "by eth0, which is out of it")
      try web1.eth0.send(silent)
      try trunk.lab.poll { try trunk.lab.drops(web1.eth0) != refused }
      #expect(try trunk.lab.drops(web1.eth0) != refused, "dropped, and counted")
      try web1.eth1.send(second)
      try outside.expect(second.with(tags: []))
      let down = Frame(to: .broadcast, from: outside.mac, "to the bond")
      try outside.send(down)
      try web1.eth1.expect(down.with(tags: [.c(1001)]))
      #expect(try web1.eth0.next(within: .zero) == nil)

      // The machine takes its bond away: nobody is heard, and a plain machine is reachable again.
      try trunk.ovs.configure("del-port", "br0", "eth1")
      var attempt = 0
      #expect(
        try trunk.lab.poll(for: .seconds(12)) {
          attempt += 1
          let frame = Frame(to: .broadcast, from: web1.eth0.mac, tags: [.c(1001)], "by eth0 again, \(attempt)")
          try web1.eth0.send(frame)
          return try outside.next(within: .milliseconds(20)) != nil
        })
    }

    @Test("the rate is a setting: at once, in the configuration, and only slow or fast")
    func rate() throws {
      let lab = try Lab()
      let web1 = try lab.machine("web1", .layer2Bonded)
      let capture = try TimedCapture(on: web1.eth0, filter: SeenLACPDU.filter)
      func rateOnTheWire(_ fast: Bool) throws -> Bool {
        try lab.poll(for: .seconds(35)) {
          try capture.drain().compactMap { SeenLACPDU($0) }.last?.wantsFastRate == fast
        }
      }
      try lab.toprack("set", "lacp-rate", "fast")
      #expect(try rateOnTheWire(true))
      try lab.toprack("set", "lacp-rate", "slow")
      #expect(try rateOnTheWire(false))
      let refused = try lab.toprack.attempt(["set", "lacp-rate", "often"])
      #expect(refused.status != 0)
      #expect(refused.errors.contains("slow") && refused.errors.contains("fast"), "\(refused.errors)")
    }
  }
}
