import Glibc
import Testing

extension Integration {
  @Suite("Frame sizes and MTU") struct SizeTests {
    @Test("every length from a bare header to the MTU crosses unchanged, tagged and untagged")
    func everyLength() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100).eth0
      let b = try lab.individual("b", 100).eth0
      let trunk = try lab.individual("t", 100, 200).eth0
      for length in Array(14...130) + Array(stride(from: 131, through: 1513, by: 7)) + [1513, 1514] {
        var frame = Frame(to: .broadcast, from: a.mac, "", size: length)
        try a.send(frame)
        try b.expect(frame, "\(length) bytes")
        // Linux gives up a tagged frame of less than 20 bytes before any capture sees it (skb_vlan_untag).
        if length >= 16 { try trunk.expect(frame.with(tags: [.c(100)]), "\(length) bytes and a tag") }
        frame = Frame(to: .broadcast, from: trunk.mac, tags: [.c(100, priority: 3)], "", size: length + 4)
        try trunk.send(frame)
        try a.expect(frame.with(tags: []), "\(length + 4) bytes less the tag")
        try b.expect(frame.with(tags: []))
      }
    }

    @Test("jumbo frames cross between NICs of MTU 9000")
    func jumbo() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let trunk = try lab.individual("t", 100, 200)
      for machine in [a, b, trunk] { try lab.toprack("set", "mtu", machine.name, "9000") }
      #expect(try Interface.list(in: a.namespace).map(\.mtu) == [9000, 9000])
      let frame = Frame(to: .broadcast, from: a.eth0.mac, "jumbo", size: 9014)
      try a.eth0.send(frame)
      try b.eth0.expect(frame)
      try trunk.eth0.expect(frame.with(tags: [.c(100)]))
      let tagged = Frame(to: .broadcast, from: trunk.eth0.mac, tags: [.c(100)], "tagged jumbo", size: 9018)
      try trunk.eth0.send(tagged)
      try a.eth0.expect(tagged.with(tags: []))
    }

    @Test("a frame over the MTU of its destination is dropped there as mtu-exceeded, and reaches the others")
    func mixedMTU() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let small = try lab.individual("s", 100)
      for machine in [a, b] { try lab.toprack("set", "mtu", machine.name, "9000") }
      let frame = Frame(to: .broadcast, from: a.eth0.mac, "too much for one", size: 1515)
      try lab.expectDrops("mtu-exceeded", at: small.eth0) { try a.eth0.send(frame) }
      try b.eth0.expect(frame)
      try small.eth0.expectNothing(sentinelFrom: a.eth0)
      let fitting = Frame(to: .broadcast, from: a.eth0.mac, "just fits", size: 1514)
      try a.eth0.send(fitting)
      try b.eth0.expect(fitting)
      try small.eth0.expect(fitting)
    }

    @Test(
      "what the receiver's interface is set to decides, also over a restart; the sender's plays no part, and names no one"
    )
    func receiversMTU() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let c = try lab.individual("c", 100)
      for machine in [a, b] { try machine.namespace.run("ip", "link", "set", "eth0", "mtu", "9000") }
      // A start reads what the interfaces are set to, and leaves it.
      lab.daemon.kill()
      try lab.daemon.start()
      #expect(try Interface.list(in: b.namespace).first { $0.name == "eth0" }?.mtu == 9000)
      let giant = Frame(to: .broadcast, from: a.eth0.mac, "a giant", size: 9014)
      try lab.expectDrops("mtu-exceeded", at: c.eth0) { try a.eth0.send(giant) }
      try b.eth0.expect(giant)
      #expect(try lab.drops(a.eth0)["mtu-exceeded"] == nil)
      // What was set last is set again, when it is not what the interface has now.
      try lab.toprack("set", "mtu", "b", "1500")
      #expect(try Interface.list(in: b.namespace).map(\.mtu) == [1500, 1500])
      try lab.expectDrops("mtu-exceeded", at: b.eth0) {
        try a.eth0.send(Frame(to: .broadcast, from: a.eth0.mac, "another giant", size: 1515))
      }
      try b.eth0.expectNothing(sentinelFrom: a.eth0)
    }

    @Test("a full packet with two tags passes, C and C as well as C and S")
    func stackedTags() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100).eth0
      let trunk = try lab.individual("t", 100, 200).eth0
      // Linux gives a raw socket room for one tag over the MTU.
      try trunk.namespace.run("ip", "link", "set", "eth0", "mtu", "9000")
      for inner: Frame.Tag in [.c(7), .s(9)] {
        let frame = Frame(to: .broadcast, from: trunk.mac, tags: [.c(100), inner], "two tags", size: 1522)
        try trunk.send(frame)
        try a.expect(frame.with(tags: [inner]))
      }
    }
  }
}
