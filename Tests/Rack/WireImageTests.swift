import Cabling
import Rack
import Testing

/// Pairs of racks from random histories: whichever becomes which, the difference of their images is what it takes.
@Suite("Images of the wire") struct WireImageTests {
  private static func history(_ seed: UInt64) -> [Rack] {
    var lab = Lab(seed: seed, hybridBonded: seed % 2 == 0)
    var dice = SeededEntropy(seed: seed &* 104_729)
    var racks = [lab.rack]
    for step in 0..<600 {
      _ = try? lab.perform(RandomTests.command(for: lab, &dice))
      if step % 20 == 0 { racks.append(lab.rack) }
    }
    return racks
  }

  private func check(_ a: Rack, _ b: Rack) {
    let (before, after) = (WireImage(of: a, Lab.plan), WireImage(of: b, Lab.plan))
    var image = before
    image.apply(WireChange(from: before, to: after))
    #expect(image == after)
    image.apply(WireChange(from: after, to: before))
    #expect(image == before, "undo is the difference back")
    #expect(WireChange(from: before, to: before).isEmpty)
  }

  @Test("the difference of two, applied to the one, is the other", arguments: 31...36 as ClosedRange<UInt64>)
  func pairs(seed: UInt64) {
    var dice = SeededEntropy(seed: seed)
    let racks = Self.history(seed)
    for _ in 0..<60 { check(racks.randomElement(using: &dice)!, racks.randomElement(using: &dice)!) }
    // Two racks that have nothing in common.
    check(racks.last!, Self.history(seed + 100).last!)
  }

  @Test("a start is the difference from nothing: everything is made once, with all that it is")
  func start() {
    for rack in Self.history(41) {
      let change = WireChange(from: WireImage(), to: WireImage(of: rack, Lab.plan))
      #expect(Set(change.made.keys) == Set(rack.servers.keys) && Set(change.opened.keys) == Set(rack.networks.keys))
      #expect(change.aging == rack.aging && change.lacpFast == rack.lacpFast)
      #expect(change.removed.isEmpty && change.closed.isEmpty && change.rewired.isEmpty && change.carriers.isEmpty)
      var image = WireImage()
      image.apply(change)
      #expect(image == WireImage(of: rack, Lab.plan))
    }
  }

  @Test("what people write on a server is nothing to the wire; its host name is, by DHCP")
  func words() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    var update = ServerUpdate()
    (update.description, update.tags, update.userdata) = ("front", ["a"], "#!/bin/sh")
    try lab.perform(.updateServer(id, update))
    #expect(lab.change.isEmpty)
    update.hostname = "web2"
    try lab.perform(.updateServer(id, update))
    #expect(lab.change.rewired.keys.map(\.self) == [id])
    try lab.perform(.setPower(id, on: false))
    #expect(lab.change.carriers == [id: []] && lab.change.rewired.keys.map(\.self) == [id])
    try lab.perform(.setMTU(id, 9_000))
    #expect(lab.change.mtus == [id: 9_000] && lab.change.rewired.isEmpty)
  }
}
