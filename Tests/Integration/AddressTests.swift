import Testing

extension Integration {
  @Suite("Addresses that a bridge keeps for itself") struct AddressTests {
    @Test("01-80-C2-00-00-00 to 0F are never forwarded, tagged or not; 10 and 20 to 2F are")
    func reserved() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      let trunk = try lab.individual("t", 100, 200).eth0

      for last in UInt64(0)...0x0F {
        let address = MAC(0x0180_C200_0000 | last)
        let reason = last == 2 ? "slow-protocol" : "reserved-address"
        try lab.expectDrops(reason, at: a, "\(address)") { try a.send(Frame(to: address, from: a.mac, "reserved")) }
        try lab.expectDrops(reason, at: trunk, "\(address) tagged") {
          try trunk.send(Frame(to: address, from: trunk.mac, tags: [.c(100)], "reserved"))
        }
      }
      try b.expectNothing(sentinelFrom: a)
      try trunk.expectNothing(sentinelFrom: a)

      for last in [UInt64(0x10), 0x20, 0x21, 0x2F, 0x30] {
        let frame = Frame(to: MAC(0x0180_C200_0000 | last), from: a.mac, "group \(last)")
        try a.send(frame)
        try b.expect(frame)
        try trunk.expect(frame.with(tags: [.c(100)]))
      }
    }

    @Test("reserved addresses are dropped on ports without a VLAN too, and learn nobody")
    func reservedTeachNothing() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      try lab.expectDrops("reserved-address", at: a) {
        try a.send(Frame(to: MAC(0x0180_C200_000E), from: .station(7), "LLDP"))
      }
      try b.expectNothing(sentinelFrom: a)
      #expect(try lab.stations()["ewr1 100 \(MAC.station(7))"] == nil)
    }
  }
}
