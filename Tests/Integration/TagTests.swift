import Testing

/// What a port does with the tag of a frame, both ways, for the three kinds of port that VLANs make: one VLAN
/// (untagged), several (tagged), several with a native one.
extension Integration {
  @Suite("VLAN tags") struct TagTests {
    let lab: Lab
    /// VLAN 100 alone: untagged.
    let plain: NIC, otherPlain: NIC
    /// VLANs 100 and 200: tagged.
    let trunk: NIC, otherTrunk: NIC
    /// VLANs 100 and 200, 100 native.
    let native: NIC, otherNative: NIC
    /// VLAN 200 alone, to see what leaks.
    let stranger: NIC

    init() throws {
      lab = try Lab()
      try lab.networks(100, 200, 300)
      plain = try lab.individual("plain1", 100).eth0
      otherPlain = try lab.individual("plain2", 100).eth0
      trunk = try lab.individual("trunk1", 100, 200).eth0
      otherTrunk = try lab.individual("trunk2", 100, 200).eth0
      native = try lab.individual("native1", 100, 200, native: 100).eth0
      otherNative = try lab.individual("native2", 100, 200, native: 100).eth0
      stranger = try lab.individual("stranger", 200).eth0
    }

    struct Vector {
      let name: String
      let from: KeyPath<TagTests, NIC>
      /// The tags as sent.
      let sent: [Frame.Tag]
      /// The outer tag as it leaves a tagged port; inner tags follow unchanged.
      let outer: Frame.Tag
      /// Tags behind the outer one: payload to the switch.
      let inner: [Frame.Tag]
    }

    @Test("frames of VLAN 100 reach every kind of port in its own form, whatever form they came in")
    func everyForm() throws {
      let vectors = [
        Vector(name: "untagged on one VLAN", from: \.plain, sent: [], outer: .c(100), inner: []),
        Vector(name: "own VLAN tagged on one VLAN", from: \.plain, sent: [.c(100)], outer: .c(100), inner: []),
        Vector(
          name: "own VLAN tagged, PCP 5 and DEI", from: \.plain, sent: [.c(100, priority: 5, dei: true)],
          outer: .c(100, priority: 5, dei: true), inner: []),
        Vector(
          name: "priority tag on one VLAN", from: \.plain, sent: [.c(0, priority: 6)], outer: .c(100, priority: 6),
          inner: []),
        Vector(name: "tagged on a trunk", from: \.trunk, sent: [.c(100)], outer: .c(100), inner: []),
        Vector(
          name: "tagged on a trunk, PCP 7 and DEI", from: \.trunk, sent: [.c(100, priority: 7, dei: true)],
          outer: .c(100, priority: 7, dei: true), inner: []),
        Vector(name: "untagged on a native VLAN", from: \.native, sent: [], outer: .c(100), inner: []),
        Vector(
          name: "native VLAN tagged", from: \.native, sent: [.c(100, priority: 2)], outer: .c(100, priority: 2),
          inner: []),
        Vector(
          name: "priority tag on a native VLAN", from: \.native, sent: [.c(0, priority: 3, dei: true)],
          outer: .c(100, priority: 3, dei: true), inner: []),
        Vector(
          name: "two C-tags on a trunk, the inner one of another VLAN", from: \.trunk, sent: [.c(100), .c(200)],
          outer: .c(100), inner: [.c(200)]),
        Vector(
          name: "two C-tags on one VLAN", from: \.plain, sent: [.c(100), .c(200, priority: 4)], outer: .c(100),
          inner: [.c(200, priority: 4)]),
        Vector(name: "a C-tag around an S-tag", from: \.trunk, sent: [.c(100), .s(7)], outer: .c(100), inner: [.s(7)]),
        Vector(
          name: "an S-tag on one VLAN is payload", from: \.plain, sent: [.s(200), .c(200)], outer: .c(100),
          inner: [.s(200), .c(200)]),
        Vector(
          name: "three C-tags on a trunk", from: \.trunk, sent: [.c(100), .c(4095), .c(0)], outer: .c(100),
          inner: [.c(4095), .c(0)]),
      ]
      for vector in vectors {
        let sender = self[keyPath: vector.from]
        let frame = Frame(to: .broadcast, from: sender.mac, tags: vector.sent, vector.name, size: 200)
        try sender.send(frame)
        // Behind the tag that is taken off, a port that has tagged VLANs would read a C-tag as one of them: decision
        // 28.
        let receivers =
          vector.inner.first?.protocolID == 0x8100 ? [plain, otherPlain] : [plain, otherPlain, native, otherNative]
        for nic in receivers where nic !== sender {
          try nic.expect(frame.with(tags: vector.inner), "untagged: \(vector.name)")
        }
        for nic in [trunk, otherTrunk] where nic !== sender {
          try nic.expect(frame.with(tags: [vector.outer] + vector.inner), "tagged: \(vector.name)")
        }
        try stranger.expectNothing(sentinelFrom: trunk, tags: [.c(200)], vector.name)
      }
    }

    @Test("a flood copy that would arrive in another VLAN is counted at its sender, one for each receiver left out")
    func hops() throws {
      try lab.expectDrops("vlan-not-allowed", count: 2, at: plain, "native and otherNative") {
        try plain.send(Frame(to: .broadcast, from: plain.mac, tags: [.c(100), .c(200)], "a hop", size: 80))
      }
    }

    @Test("unicast takes the same forms as a flood")
    func unicast() throws {
      for (nic, tags) in [(plain, []), (trunk, [Frame.Tag.c(100)]), (native, [])] as [(NIC, [Frame.Tag])] {
        let hello = Frame(to: .broadcast, from: nic.mac, tags: tags, "hello from \(nic.name)")
        try nic.send(hello)
        for other in [plain, otherPlain, trunk, otherTrunk, native, otherNative] where other !== nic {
          #expect(try other.next()?.payload == hello.payload)
        }
      }
      let down = Frame(to: plain.mac, from: trunk.mac, tags: [.c(100, priority: 4)], "tagged to untagged", size: 64)
      try trunk.send(down)
      try plain.expect(down.with(tags: []))
      let up = Frame(to: trunk.mac, from: plain.mac, "untagged to tagged", size: 64)
      try plain.send(up)
      try trunk.expect(up.with(tags: [.c(100)]))
      let across = Frame(to: native.mac, from: trunk.mac, tags: [.c(100)], "tagged to native", size: 64)
      try trunk.send(across)
      try native.expect(across.with(tags: []))
      for nic in [otherPlain, otherTrunk, otherNative] {
        let tags: [Frame.Tag] = nic === otherTrunk ? [.c(100)] : []
        try nic.expectNothing(sentinelFrom: nic === otherTrunk ? trunk : plain, tags: nic === otherTrunk ? tags : [])
      }
    }

    @Test("VLAN 200 on the same trunks is a domain of its own, tagged on trunk and native ports")
    func otherVLAN() throws {
      let frame = Frame(to: .broadcast, from: stranger.mac, "VLAN 200", size: 90)
      try stranger.send(frame)
      for nic in [trunk, otherTrunk, native, otherNative] { try nic.expect(frame.with(tags: [.c(200)])) }
      try plain.expectNothing(sentinelFrom: otherPlain)
      let tagged = Frame(to: .broadcast, from: native.mac, tags: [.c(200, priority: 1)], "200 from a native port")
      try native.send(tagged)
      try stranger.expect(tagged.with(tags: []))
      try trunk.expect(tagged)
      try plain.expectNothing(sentinelFrom: otherPlain)
    }

    @Test("what a port does not carry is dropped, counted by its reason, and leaks nowhere")
    func refusedForms() throws {
      let refused: [(name: String, nic: NIC, tags: [Frame.Tag], reason: String)] = [
        ("untagged on a trunk", trunk, [], "untagged-not-allowed"),
        ("priority tag on a trunk", trunk, [.c(0, priority: 5)], "untagged-not-allowed"),
        ("S-tag on a trunk", trunk, [.s(100)], "untagged-not-allowed"),
        ("a VLAN that is not on the trunk", trunk, [.c(300)], "vlan-not-allowed"),
        ("a VLAN that does not exist", trunk, [.c(3000)], "vlan-not-allowed"),
        ("VLAN 1", trunk, [.c(1)], "vlan-not-allowed"),
        ("VLAN 4094", trunk, [.c(4094)], "vlan-not-allowed"),
        ("VLAN 4095 on a trunk", trunk, [.c(4095)], "reserved-vlan"),
        ("VLAN 4095 on one VLAN", plain, [.c(4095)], "reserved-vlan"),
        ("VLAN 4095 on a native VLAN", native, [.c(4095)], "reserved-vlan"),
        ("another VLAN on one VLAN", plain, [.c(200)], "vlan-not-allowed"),
        ("a hop: another VLAN outside, the own one inside", plain, [.c(200), .c(100)], "vlan-not-allowed"),
        ("a VLAN that is not on a native port", native, [.c(300)], "vlan-not-allowed"),
      ]
      for (name, nic, tags, reason) in refused {
        try lab.expectDrops(reason, at: nic, name) {
          try nic.send(Frame(to: .broadcast, from: nic.mac, tags: tags, name, size: 80))
        }
      }
      try otherPlain.expectNothing(sentinelFrom: plain)
      try otherTrunk.expectNothing(sentinelFrom: trunk, tags: [.c(100)])
      try otherNative.expectNothing(sentinelFrom: native)
      try stranger.expectNothing(sentinelFrom: trunk, tags: [.c(200)])
      #expect(try lab.stations().keys.allSatisfy { $0.hasPrefix("ewr1 100 ") || $0.hasPrefix("ewr1 200 ") })
    }

    @Test("a tag that is cut short is dropped as truncated-tag")
    func truncatedTag() throws {
      for length in 14..<18 {
        let bytes = Frame(to: .broadcast, from: trunk.mac, tags: [.c(100)], "").bytes.prefix(length)
        try lab.expectDrops("truncated-tag", at: trunk, "\(length) bytes") {
          #expect(trunk.trySend(Array(bytes)) == 0)
        }
      }
      try otherTrunk.expectNothing(sentinelFrom: trunk, tags: [.c(100)])
    }

    @Test("a port changes its form with the second VLAN, and back with the last but one")
    func formFollowsVLANs() throws {
      let frame = Frame(to: .broadcast, from: plain.mac, "one, two, one", size: 100)
      try plain.send(frame)
      try otherPlain.expect(frame)
      try lab.toprack("port", "attach", "plain2", "eth0", "300")
      try plain.send(frame)
      try otherPlain.expect(frame.with(tags: [.c(100)]), "two VLANs: tagged")
      try lab.toprack("port", "native", "plain2", "eth0", "100")
      try plain.send(frame)
      try otherPlain.expect(frame, "native again untagged")
      try lab.toprack("port", "native", "plain2", "eth0", "none")
      try plain.send(frame)
      try otherPlain.expect(frame.with(tags: [.c(100)]), "no native: tagged")
      try lab.toprack("port", "detach", "plain2", "eth0", "300")
      try plain.send(frame)
      try otherPlain.expect(frame, "one VLAN: untagged")
    }

    @Test("port show tells tagged from untagged and names the native VLAN")
    func portShow() throws {
      func forms(_ name: String) throws -> [Int: String] {
        let port = try lab.toprack.json("port", "show", name, "eth0")
        return Dictionary(
          uniqueKeysWithValues: try #require(port["vlans"].array).map { vlan in
            let form = vlan["tagged"].bool.map { $0 ? "tagged" : "untagged" } ?? "?"
            return (vlan["vxlan"].int ?? 0, form + (vlan["native"].bool == true ? " native" : ""))
          })
      }
      #expect(try forms("plain1") == [100: "untagged"])
      #expect(try forms("trunk1") == [100: "tagged", 200: "tagged"])
      #expect(try forms("native1") == [100: "untagged native", 200: "tagged"])
    }
  }
}
