import Testing

extension Integration {
  @Suite("Broadcast domains") struct DomainTests {
    @Test("two VLANs of one facility do not hear each other, not even with the same addresses")
    func twoVLANs() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      let c = try lab.individual("c", 200).eth0
      let d = try lab.individual("d", 200).eth0

      let shared = MAC.station(5)
      let first = Frame(to: .broadcast, from: shared, "VLAN 100")
      try a.send(first)
      try b.expect(first)
      let second = Frame(to: .broadcast, from: shared, "VLAN 200")
      try c.send(second)
      try d.expect(second)
      try b.expectNothing(sentinelFrom: a)
      try d.expectNothing(sentinelFrom: c)
      #expect(
        try lab.stations().filter { $0.key.hasSuffix(shared.description) } == [
          "ewr1 100 \(shared)": "a eth0", "ewr1 200 \(shared)": "c eth0",
        ])

      let toA = Frame(to: shared, from: b.mac, "to the one in 100")
      try b.send(toA)
      try a.expect(toA)
      try c.expectNothing(sentinelFrom: d)
    }

    @Test("the same number in two facilities is two domains")
    func twoFacilities() throws {
      let lab = try Lab()
      try lab.networks(100)
      try lab.networks(100, facility: "sjc1")
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      let c = try lab.individual("c", 100, facility: "sjc1").eth0
      let d = try lab.individual("d", 100, facility: "sjc1").eth0

      let east = Frame(to: .broadcast, from: a.mac, "in ewr1")
      try a.send(east)
      try b.expect(east)
      let west = Frame(to: .broadcast, from: c.mac, "in sjc1")
      try c.send(west)
      try d.expect(west)
      try b.expectNothing(sentinelFrom: a)
      try d.expectNothing(sentinelFrom: c)
    }

    @Test("a VLAN number that is deleted and made again starts without stations and without the old ports")
    func recreated() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      let c = try lab.individual("c", 200).eth0
      let hello = Frame(to: .broadcast, from: a.mac, "first life")
      try a.send(hello)
      try b.expect(hello)
      for name in ["a", "b"] { try lab.toprack("port", "detach", name, "eth0", "100") }
      try lab.toprack("network", "delete", "100")
      try lab.networks(100)
      #expect(try lab.stations().isEmpty)
      try lab.toprack("port", "detach", "c", "eth0", "200")
      try lab.toprack("port", "attach", "c", "eth0", "100")
      try lab.toprack("port", "attach", "b", "eth0", "100")
      let again = Frame(to: a.mac, from: b.mac, "second life")
      try b.send(again)
      try c.expect(again)
      try lab.expectDrops("no-vlan", at: a) { try a.send(Frame(to: .broadcast, from: a.mac, "from outside")) }
      try b.expectNothing(sentinelFrom: c)
      try c.expectNothing(sentinelFrom: b)
    }

    @Test("both NICs of one server in one VLAN hear each other like two machines")
    func oneServerTwice() throws {
      let lab = try Lab()
      try lab.networks(100)
      let machine = try lab.machine("a", .layer2Individual, vlans: [("eth0", 100), ("eth1", 100)])
      let frame = Frame(to: .broadcast, from: machine.eth0.mac, "from one NIC to the other")
      try machine.eth0.send(frame)
      try machine.eth1.expect(frame)
      try machine.eth0.expectNothing(sentinelFrom: machine.eth1)
    }

    @Test("a change is on the wire when its command returns")
    func changeIsLive() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      let c = try lab.individual("c", 200).eth0
      for round in 1...20 {
        try lab.toprack("port", "detach", "b", "eth0", "100")
        try lab.toprack("port", "attach", "b", "eth0", "200")
        let away = Frame(to: .broadcast, from: c.mac, "round \(round), with c")
        try c.send(away)
        try b.expect(away)
        try a.send(Frame(to: .broadcast, from: a.mac, "round \(round), a alone"))
        try lab.toprack("port", "detach", "b", "eth0", "200")
        try lab.toprack("port", "attach", "b", "eth0", "100")
        let home = Frame(to: .broadcast, from: a.mac, "round \(round), with a")
        try a.send(home)
        try b.expect(home)
      }
    }
  }
}
