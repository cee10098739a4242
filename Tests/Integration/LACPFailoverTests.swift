import Glibc
import Testing

/// Links that go away, silently or not, and come back, under traffic.
extension Integration {
  @Suite("LACP: links that fail") struct LACPFailoverTests {
    @Test("carrier loss moves a link's conversations within 50 ms; nothing is doubled, nor lost when the link is back")
    func carrierLoss() throws {
      let trunk = try BondedTrunk()
      let (eth0, eth1, inside, outside) = (trunk.web1.eth0, trunk.web1.eth1, trunk.inside1001, trunk.peer.eth0)
      try trunk.announce()
      let station = try trunk.station(travellingBy: eth0)

      func streams(_ name: String) throws -> (down: PacedStream, up: PacedStream) {
        (
          try PacedStream(
            "\(name) down", from: outside, source: station, to: inside.mac, watching: [eth0, eth1, inside]),
          try PacedStream("\(name) up", from: inside, to: outside.mac, watching: [outside])
        )
      }
      let cut = try streams("cut")
      let back = try streams("back")

      cut.down.start()
      cut.up.start()
      cut.down.goOn()
      try eth0.takeDown()
      try trunk.expectBond(["eth1"])
      cut.down.goOn()
      try cut.down.stop()
      try cut.up.stop()
      print("eth0 cut, to web1 on the links: \(cut.down.report(at: eth0, eth1))")
      print("eth0 cut, to web1, end to end:  \(cut.down.report(at: inside))")
      print("eth0 cut, from web1:            \(cut.up.report(at: outside))")
      #expect(cut.down.report(at: eth0).received > 100, "the conversation used eth0")
      for report in [cut.down.report(at: eth0, eth1), cut.down.report(at: inside)] {
        #expect(Pace.allows(report.longestLoss, under: .milliseconds(50)))
        #expect(report.duplicates == 0)
        #expect(report.received > 500)
      }
      // How fast Open vSwitch moves what it sends is its own affair.
      #expect(cut.up.report(at: outside).duplicates == 0)
      #expect(Pace.allows(cut.up.report(at: outside).longestLoss, under: .seconds(1)))

      back.down.start()
      back.up.start()
      back.down.goOn()
      try eth0.bringUp()
      let time = try trunk.expectBond(["eth0", "eth1"])
      back.down.goOn()
      try back.down.stop()
      try back.up.stop()
      print("eth0 back after \(time.milliseconds) ms, to web1 on the links: \(back.down.report(at: eth0, eth1))")
      print("eth0 back, to web1, end to end: \(back.down.report(at: inside))")
      print("eth0 back, from web1:           \(back.up.report(at: outside))")
      #expect(back.down.report(at: eth0).received > 0, "the conversation uses eth0 again")
      #expect(back.down.report(at: eth0, eth1).lost == 0)
      #expect(back.down.report(at: eth0, eth1).duplicates == 0)
      #expect(back.down.report(at: inside).duplicates == 0)
      #expect(Pace.allows(back.down.report(at: inside).longestLoss, under: .milliseconds(50)))
      #expect(back.up.report(at: outside).lost == 0)
      #expect(back.up.report(at: outside).duplicates == 0)
    }

    @Test("a link on which the server falls silent is left within the short timeout, and taken back when it speaks")
    func silence() throws {
      let trunk = try BondedTrunk()
      let (eth0, eth1, inside, outside) = (trunk.web1.eth0, trunk.web1.eth1, trunk.inside1001, trunk.peer.eth0)
      try trunk.announce()
      let station = try trunk.station(travellingBy: eth0)
      let stream = try PacedStream(
        "down", from: outside, source: station, to: inside.mac, watching: [eth0, eth1, inside])
      stream.start()
      // All that web1 sends by eth0 goes nowhere; the carrier stays.
      try trunk.web1.namespace.run(
        "nft",
        "add table netdev silence; "
          + "add chain netdev silence out { type filter hook egress device eth0 priority 0; policy drop; }")
      let began = ContinuousClock.now
      let noticed = try trunk.lab.poll { try trunk.lab.aggregated("web1") == ["eth1"] }
      let time = began.duration(to: .now)
      #expect(noticed)
      print("silence on eth0: left after \(time.milliseconds) ms")
      #expect(Pace.allows(time, under: .milliseconds(3_500)), "3 s since the last LACPDU")
      // Open vSwitch goes on to use eth0 until the switch has given its partner up, which takes 3 s more.
      try trunk.expectBond(["eth1"])
      stream.goOn()
      try stream.stop()
      print("silence on eth0, on the links: \(stream.report(at: eth0, eth1))")
      print("silence on eth0, end to end:   \(stream.report(at: inside))")
      #expect(stream.report(at: eth0, eth1).lost == 0)
      #expect(stream.report(at: eth0, eth1).duplicates == 0)
      #expect(Pace.allows(stream.report(at: inside).longestLoss, under: .milliseconds(50)))
      try trunk.lab.poll { try trunk.lab.lacp("web1")["eth0"]?.problem != nil }
      let problem = try trunk.lab.lacp("web1")["eth0"]?.problem ?? ""
      #expect(problem.contains("no LACPDU heard for"))

      let back = try PacedStream(
        "back", from: outside, source: station, to: inside.mac, watching: [eth0, eth1, inside])
      back.start()
      try trunk.web1.namespace.run("nft", "delete", "table", "netdev", "silence")
      try trunk.expectBond(["eth0", "eth1"])
      back.goOn()
      try back.stop()
      #expect(back.report(at: eth0, eth1).lost == 0)
      #expect(back.report(at: eth0, eth1).duplicates == 0)
      #expect(Pace.allows(back.report(at: inside).longestLoss, under: .milliseconds(50)))
    }

    @Test("both links down and up again: the bond is whole again")
    func bothDown() throws {
      let trunk = try BondedTrunk()
      try trunk.web1.eth0.takeDown()
      try trunk.web1.eth1.takeDown()
      try trunk.expectBond([])
      try trunk.web1.eth1.bringUp()
      try trunk.expectBond(["eth1"])
      try trunk.web1.eth0.bringUp()
      try trunk.expectBond(["eth0", "eth1"])
      try trunk.announce()
    }

    @Test("an operating system that crashes with its links up is left, and a plain one is reachable in its place")
    func crash() throws {
      let trunk = try BondedTrunk()
      trunk.ovs.crash()
      let began = ContinuousClock.now
      #expect(try trunk.lab.poll { try trunk.lab.aggregated("web1").isEmpty })
      let expired = began.duration(to: .now)
      #expect(Pace.allows(expired, under: .milliseconds(3_500)))
      // 3 s more until the partner is given up.
      var attempt = 0
      let arrived = try trunk.lab.poll {
        attempt += 1
        let frame = Frame(to: .broadcast, from: trunk.web1.eth0.mac, tags: [.c(1001)], "anybody there, \(attempt)")
        try trunk.web1.eth0.send(frame)
        return try trunk.peer.eth0.next(until: .after(.milliseconds(20))) { $0 == frame.with(tags: []) } != nil
      }
      #expect(arrived)
      #expect(Pace.allows(began.duration(to: .now), under: .milliseconds(6_500)))
      print(
        "links left \(expired.milliseconds) ms, fallback \(began.duration(to: .now).milliseconds) ms after the partner's crash"
      )
    }
  }
}
