import Glibc
import Net
import Testing

extension Integration {
  @Suite("Hostile frames") struct FuzzTests {
    @Test("random frames of every size do no harm, and nothing leaves the domain", arguments: [UInt64(11), 12, 13])
    func randomFrames(seed: UInt64) throws {
      let lab = try Lab()
      try lab.networks(100, 200, 300)
      // Untagged on eth0, tagged on eth1; VLAN 200 on neither.
      let hostile = try lab.machine(
        "hostile", .layer2Individual, vlans: [("eth0", 100), ("eth1", 100), ("eth1", 300)])
      let neighbour = try lab.individual("neighbour", 100).eth0
      let a = try lab.individual("a", 200).eth0
      let b = try lab.individual("b", 200).eth0
      // The hostile machine can send what its OS allows: up to the largest MTU that a TAP has.
      for nic in ["eth0", "eth1"] { try hostile.namespace.run("ip", "link", "set", nic, "mtu", "65521") }
      let raw = [hostile.eth0, hostile.eth1]
      let offloading = try ["eth0", "eth1"].map { try PacketSocket(on: $0, in: hostile.namespace, offloads: true) }

      // Silence on VLAN 200 but for two frames that a and b exchange at the end.
      var random = SeededGenerator(seed: seed)
      var sent = 0
      for round in 0..<6_000 {
        let length: Int =
          switch round % 5 {
          case 0: Int.random(in: 14...64, using: &random)
          case 1: Int.random(in: 65...1_600, using: &random)
          case 2: Int.random(in: 1_600...65_535, using: &random)
          default:
            [14, 15, 17, 18, 19, 21, 22, 60, 1_514, 1_515, 1_518, 1_519, 65_534, 65_535].randomElement(using: &random)!
          }
        var bytes = random.bytes(length)
        Self.forge(&bytes, hostile: hostile, neighbour: neighbour, random: &random)
        let which = Int.random(in: 0...1, using: &random)
        let failure =
          Bool.random(using: &random)
          ? raw[which].trySend(bytes)
          : offloading[which].trySend(bytes, Self.forgedHeader(length: length, random: &random))
        if failure == 0 { sent += 1 }
      }
      #expect(sent > 2_500, "the kernel let enough of it out")
      #expect(lab.daemon.isRunning)

      try a.expectNothing(sentinelFrom: b, "of another domain's noise")
      try b.expectNothing(sentinelFrom: a, "of another domain's noise")
      let frame = Frame(to: .broadcast, from: a.mac, "later traffic", size: 1_514)
      try a.send(frame)
      try b.expect(frame)
      let back = Frame(to: a.mac, from: b.mac, "and back")
      try b.send(back)
      try a.expect(back)

      // Here the capture is full of the noise that eth1 made, and a frame may find no room in it: ask again.
      let own = Frame(to: .broadcast, from: neighbour.mac, "the noisy VLAN works too")
      let heard = try lab.poll {
        try neighbour.send(own)
        return try hostile.eth0.next(until: .after(.milliseconds(200))) { $0 == own } != nil
      }
      #expect(heard)
      #expect(try lab.toprack.json("status").object != nil)
      #expect(
        try lab.stations(["--vxlan", "200"]).keys.sorted() == ["ewr1 200 \(a.mac)", "ewr1 200 \(b.mac)"].sorted())
    }

    @Test("frames of every length from 14 to 65550 bytes do no harm, tagged or not, and later traffic is right")
    func everyLength() throws {
      let lab = try Lab()
      try lab.networks(100, 200, 300)
      let hostile = try lab.machine(
        "hostile", .layer2Individual, vlans: [("eth0", 100), ("eth1", 100), ("eth1", 300)])
      let neighbour = try lab.individual("neighbour", 100).eth0
      let a = try lab.individual("a", 200).eth0
      let b = try lab.individual("b", 200).eth0
      for nic in ["eth0", "eth1"] { try hostile.namespace.run("ip", "link", "set", nic, "mtu", "65521") }
      let offloading = try PacketSocket(on: "eth0", in: hostile.namespace, offloads: true)
      var superFrame = OffloadHeader()
      superFrame.needsChecksum = true
      superFrame.segmentation = 1
      superFrame.segmentSize = 1_000
      superFrame.headerLength = 54
      superFrame.checksumStart = 34
      superFrame.checksumOffset = 16

      var random = SeededGenerator(seed: 14)
      let content = random.bytes(70_000)
      var refused: [Int] = []
      for length in 14...65_550 {
        let start = Int.random(in: 0...4_000, using: &random)
        var bytes = Array(content[start..<start + length])
        Self.forge(&bytes, hostile: hostile, neighbour: neighbour, random: &random)
        let nic = length % 2 == 0 ? hostile.eth0 : hostile.eth1
        // More than the largest MTU goes only as a super-frame.
        let failure = length <= 65_535 ? nic.trySend(bytes) : offloading.trySend(bytes, superFrame)
        if failure != 0 { refused.append(length) }
        if length % 100 == 0 {
          // Not ahead of the switch by more than its queues hold: each of these frames is to be read by it.
          let beat = Frame(to: neighbour.mac, from: hostile.eth0.mac, "beat \(length)")
          let heard = try lab.poll {
            try hostile.eth0.send(beat)
            return try neighbour.next(until: .after(.milliseconds(500))) { $0 == beat } != nil
          }
          try #require(heard, "after frames of \(length) bytes")
        }
      }
      #expect(refused.allSatisfy { $0 > 65_535 }, "the kernel let all others out")
      #expect(lab.daemon.isRunning)
      try a.expectNothing(sentinelFrom: b, "of another domain's noise")
      try b.expectNothing(sentinelFrom: a, "of another domain's noise")
      let frame = Frame(to: .broadcast, from: a.mac, "later traffic", size: 1_514)
      try a.send(frame)
      try b.expect(frame)
    }

    /// Puts something plausible where it hurts: known stations, reserved addresses, tags of every VLAN, short and long
    /// lengths.
    private static func forge(
      _ bytes: inout [UInt8], hostile: Machine, neighbour: NIC, random: inout SeededGenerator
    ) {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes.replaceSubrange(0..<6, with: MAC.broadcast.bytes)
      case 1: bytes.replaceSubrange(0..<6, with: neighbour.mac.bytes)
      case 2: bytes.replaceSubrange(0..<6, with: MAC(0x0180_C200_0000 | random.next() % 64).bytes)
      case 3: bytes.replaceSubrange(0..<6, with: hostile.eth1.mac.bytes)
      default: break
      }
      if Bool.random(using: &random) { bytes[6] &= 0xFE }
      var offset = 12
      while bytes.count >= offset + 6, Int.random(in: 0..<4, using: &random) != 0 {
        let protocolID = [[0x81, 0x00], [0x88, 0xA8], [0x91, 0x00]].randomElement(using: &random)! as [UInt8]
        let vid = [0, 1, 100, 200, 4_094, 4_095, UInt16(random.next() & 0xFFFF)].randomElement(using: &random)!
        bytes.replaceSubrange(offset..<offset + 4, with: protocolID + [UInt8(vid >> 8), UInt8(vid & 0xFF)])
        offset += 4
      }
      if bytes.count >= offset + 2, Bool.random(using: &random) {
        let type =
          [[0x08, 0x00], [0x86, 0xDD], [0x00, 0x00], [0x05, 0xFF], [0xFF, 0xFF], [0x88, 0x09], [0x81, 0x00]]
          .randomElement(using: &random)! as [UInt8]
        bytes.replaceSubrange(offset..<offset + 2, with: type)
      }
    }

    /// A virtio header that may lie about everything.
    private static func forgedHeader(length: Int, random: inout SeededGenerator) -> OffloadHeader {
      var header = OffloadHeader()
      header.needsChecksum = Bool.random(using: &random)
      header.segmentation = [0, 0, 1, 4, 5, 0x81, 0x84].randomElement(using: &random)!
      header.segmentSize = [0, 1, 8, 1_400, 9_000, 65_535].randomElement(using: &random)!
      header.headerLength = [0, 1, 14, 42, 54, 58, 65_535].randomElement(using: &random)!
      header.checksumStart = [0, 13, 14, 18, 34, 38, UInt16(clamping: length), 65_535].randomElement(using: &random)!
      header.checksumOffset = [0, 6, 16, 65_535].randomElement(using: &random)!
      return header
    }
  }
}
