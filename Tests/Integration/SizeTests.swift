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

    @Test("the MTU holds at ingress too: a server that raises it behind our back gains nothing")
    func ingressMTU() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      try lab.toprack("set", "mtu", "b", "9000")
      try a.namespace.run("ip", "link", "set", "eth0", "mtu", "9000")
      try lab.expectDrops("mtu-exceeded", at: a.eth0) {
        try a.eth0.send(Frame(to: .broadcast, from: a.eth0.mac, "a giant", size: 1515))
      }
      try b.eth0.expectNothing(sentinelFrom: a.eth0)
    }
  }
}
