import Glibc
import Net
import Testing

/// Mutated packets of every protocol that the gateway speaks, on a real NIC. What it says meanwhile is held against what the RFCs forbid.
extension Integration {
  @Suite("Layer 3: mutated packets, also with offloads") struct MutatedPacketTests {
    @Test(
      "the gateway survives, answers nothing that must not be answered, and lets nothing forged through",
      arguments: [UInt64(31), 32, 33])
    func mutated(seed: UInt64) throws {
      let lab = try Lab(withHost: true)
      let a = try lab.routed("a")
      let b = try lab.routed("b")
      let c = try lab.routed("c", facility: "sjc1")
      let gateway = try a.gatewayMAC()
      try a.expectPings(b.all)
      try c.expectPings(b.all)
      let nic = a.machine.eth0
      try a.namespace.run("ip", "link", "set", "eth0", "mtu", "9000")
      // What the hostile machine's own kernel says or would answer is not of interest.
      try a.namespace.run("sh", "-c", "echo 8 > /proc/sys/net/ipv4/conf/eth0/arp_ignore; ip address flush dev eth0")
      let offloading = try PacketSocket(on: "eth0", in: a.namespace, offloads: true)
      let atA = try Capture(on: "eth0", in: a.namespace, buffer: 64 << 20)
      let atB = try Capture(on: "eth0", in: b.namespace, buffer: 64 << 20)
      let judge = Judge(a: a, others: [b, c], gateway: gateway)

      var random = SeededGenerator(seed: seed)
      let templates = Self.templates(a, b, gateway)
      var sent = 0
      for round in 1...9_000 {
        var bytes = templates.randomElement(using: &random)!.bytes
        if round % 16 != 0 { Self.mutate(&bytes, &random) }
        let failure =
          round % 4 != 0
          ? nic.trySend(bytes) : offloading.trySend(bytes, Self.header(of: bytes.count, &random))
        if failure == 0 { sent += 1 }
        if round % 200 == 0 {
          try judge.look(atA: atA)
          try judge.look(atB: atB)
        }
      }
      #expect(sent > 7_000)
      #expect(lab.daemon.isRunning)

      // a is itself again: it says where it is, and all goes on.
      let again = try a.configured()
      try again.namespace.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/conf/eth0/arp_ignore; ip neigh flush dev eth0")
      let works = try lab.poll(for: .seconds(20)) {
        try (b.all + again.gateways).allSatisfy { try again.pings($0, count: 1) }
      }
      #expect(works, "seed \(seed)")
      try c.expectPings(b.all)
      try b.expectPings(Layer3RoutingTests.uplink)
      try judge.look(atA: atA)
      try judge.look(atB: atB)
      #expect(atA.lost == 0 && atB.lost == 0)
      #expect(judge.seen > 100, "the gateway did answer")
      #expect(judge.faults.isEmpty, "seed \(seed): \(judge.faults.prefix(5).joined(separator: "\n"))")
      print("seed \(seed): \(sent) packets, \(judge.seen) judged, \(judge.errors) of them ICMP errors")
    }

    /// Right packets of each kind, as they are mutated.
    private static func templates(_ a: RoutedServer, _ b: RoutedServer, _ gateway: MAC) -> [Frame] {
      let mac = a.machine.eth0.mac
      let (own4, own6, gateway4, gateway6) = (
        a.publicIPv4, a.publicIPv6, a.addresses.publicIPv4.gateway, a.addresses.publicIPv6.gateway
      )
      let option = [UInt8(1), 1] + mac.bytes
      let link = "fe80::1"
      let echo = [UInt8(0), 1, 0, 1] + Array("fuzzed echo".utf8)
      let quote = Packet.udp(from: mac, own4, to: gateway, b.publicIPv4, "quoted").payload
      func dhcp(_ type: UInt8, _ options: [UInt8] = []) -> Frame {
        var message: [UInt8] = [1, 1, 6, 0, 1, 2, 3, 4] + [UInt8](repeating: 0, count: 20)
        message += mac.bytes + [UInt8](repeating: 0, count: 202) + [99, 130, 83, 99, 53, 1, type] + options + [255]
        let datagram: [UInt8] = [0, 68, 0, 67, UInt8((message.count + 8) >> 8), UInt8((message.count + 8) & 255), 0, 0]
        return Packet.ip(
          17, from: mac, "0.0.0.0", to: .broadcast, "255.255.255.255", checksumAt: 6, datagram + message)
      }
      let tcp: [UInt8] = [0x80, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 255, 255, 0, 0, 0, 0]
      let fragment = [UInt8(17), 0, 0, 1, 0, 0, 0, 7] + [UInt8](repeating: 1, count: 64)
      return [
        Packet.arp(from: mac, own4, asking: gateway4),
        Packet.arp(2, from: mac, own4, to: gateway, gateway4, targetMAC: gateway),
        Packet.arp(from: mac, "0.0.0.0", asking: gateway4),
        Packet.arp(from: mac, gateway4, asking: gateway4),
        Packet.icmp(
          135, from: mac, own6, to: MAC(0x3333_FF00_0000), "ff02::1:ff00:0", hopLimit: 255,
          [0, 0, 0, 0] + SeenPacket.octets(gateway6) + option),
        Packet.icmp(
          136, from: mac, own6, to: gateway, gateway6, hopLimit: 255,
          [0x60, 0, 0, 0] + SeenPacket.octets(own6) + [2, 1] + mac.bytes),
        Packet.icmp(133, from: mac, link, to: MAC(0x3333_0000_0002), "ff02::2", hopLimit: 255, [0, 0, 0, 0] + option),
        Packet.icmp(
          134, from: mac, link, to: MAC(0x3333_0000_0001), "ff02::1", hopLimit: 255,
          [64, 0, 7, 8] + [UInt8](repeating: 0, count: 8) + option),
        Packet.icmp(8, from: mac, own4, to: gateway, gateway4, echo),
        Packet.icmp(8, from: mac, own4, to: gateway, b.publicIPv4, echo),
        Packet.icmp(128, from: mac, own6, to: gateway, gateway6, echo),
        Packet.icmp(128, from: mac, own6, to: gateway, b.publicIPv6, hopLimit: 1, echo),
        Packet.icmp(3, 3, from: mac, own4, to: gateway, gateway4, [0, 0, 0, 0] + quote),
        Packet.icmp(3, 1, from: mac, own4, to: gateway, "198.18.9.9", [0, 0, 0, 0] + quote),
        Packet.icmp(1, 4, from: mac, own6, to: gateway, "2001:db8::9:9", [0, 0, 0, 0] + quote),
        Packet.udp(from: mac, own4, to: gateway, b.publicIPv4, "fuzzed"),
        Packet.udp(from: mac, own4, to: gateway, b.publicIPv4, hopLimit: 1, "fuzzed"),
        Packet.udp(from: mac, own6, to: gateway, b.publicIPv6, hopLimit: 1, "fuzzed"),
        Packet.udp(from: mac, own4, to: gateway, "198.18.9.9", "fuzzed"),
        Packet.udp(from: mac, own6, to: gateway, "2001:db8::9:9", "fuzzed"),
        Packet.udp(from: mac, own4, to: gateway, gateway4, port: 53, "fuzzed"),
        Packet.udp(from: mac, own6, to: gateway, gateway6, port: 53, "fuzzed"),
        Packet.udp(from: mac, own4, to: gateway, b.publicIPv4, String(repeating: "fuzzed too long", count: 300)),
        Packet.udp(from: mac, own6, to: gateway, b.publicIPv6, String(repeating: "fuzzed too long", count: 300)),
        Packet.ip(6, from: mac, own4, to: gateway, gateway4, checksumAt: 16, tcp),
        Packet.ip(6, from: mac, own6, to: gateway, gateway6, checksumAt: 16, tcp),
        Packet.ip(44, from: mac, own6, to: gateway, gateway6, checksumAt: nil, fragment),
        Packet.ip(
          0, from: mac, own6, to: gateway, b.publicIPv6, checksumAt: nil, [17, 0, 5, 2, 0, 0, 1, 0] + fragment),
        Packet.ip(
          43, from: mac, own6, to: gateway, gateway6, checksumAt: nil,
          [59, 2, 0, 1, 0, 0, 0, 0] + SeenPacket.octets(b.publicIPv6)),
        Packet.ip(200, from: mac, own4, to: gateway, gateway4, checksumAt: nil, fragment),
        dhcp(1), dhcp(3, [50, 4] + SeenPacket.octets(own4)), dhcp(3, [50, 4, 198, 18, 9, 9]), dhcp(7), dhcp(4), dhcp(8),
      ]
    }

    /// One to four changes: a byte, a field of interest, a piece cut out or put in; the IPv4 header's checksum is made right again mostly.
    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: bytes = Array(bytes.prefix(Int.random(in: 14...bytes.count, using: &random)))
        case 1: bytes += random.bytes(Int.random(in: 1...200, using: &random))
        case 2 where bytes.count > 60:
          let start = Int.random(in: 14..<bytes.count - 8, using: &random)
          bytes.removeSubrange(start..<start + Int.random(in: 1...8, using: &random))
        case 3 where bytes.count >= 34:
          // An address of which nothing good can come.
          let address = [
            "224.0.0.1", "255.255.255.255", "127.0.0.1", "0.0.0.0", "240.1.1.1", "169.254.169.254", "198.18.0.0",
            "198.18.0.3",
          ]
          .randomElement(using: &random)!
          let place = 26 + 4 * Int.random(in: 0...1, using: &random)
          bytes.replaceSubrange(place..<place + 4, with: SeenPacket.octets(address))
        case 4 where bytes.count >= 54:
          let address = ["ff02::1", "::", "::1", "fe80::1", "ff02::1:ff00:0", "2001:db8::", "2001:db8::3"]
            .randomElement(using: &random)!
          let place = 22 + 16 * Int.random(in: 0...1, using: &random)
          bytes.replaceSubrange(place..<place + 16, with: SeenPacket.octets(address))
        case 5:
          bytes.replaceSubrange(
            0..<6,
            with: [MAC.broadcast, MAC(0x3333_0000_0001), MAC(0x0100_5E00_0001)].randomElement(using: &random)!.bytes)
        default:
          let place = Int.random(in: min(14, bytes.count - 1)..<bytes.count, using: &random)
          bytes[place] = [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0 ... .max, using: &random)].randomElement(
            using: &random)!
        }
      }
      if bytes.count >= 34, bytes[12] == 8, bytes[13] == 0, Int.random(in: 0..<4, using: &random) != 0 {
        let end = min(bytes.count, 14 + Int(bytes[14] & 15) * 4)
        guard end >= 34 else { return }
        bytes.replaceSubrange(24..<26, with: [0, 0])
        let value = ~Packet.sum(bytes[14..<end])
        bytes.replaceSubrange(24..<26, with: [UInt8(value >> 8), UInt8(value & 0xFF)])
      }
    }

    private static func header(of length: Int, _ random: inout SeededGenerator) -> OffloadHeader {
      var header = OffloadHeader()
      header.needsChecksum = Bool.random(using: &random)
      header.segmentation = [0, 1, 4, 5].randomElement(using: &random)!
      header.headerLength = [0, 34, 42, 54, 74, UInt16(clamping: length)].randomElement(using: &random)!
      header.segmentSize = [0, 1, 100, 1_400, 8_960].randomElement(using: &random)!
      header.checksumStart = [34, 54, 14, UInt16(clamping: length)].randomElement(using: &random)!
      header.checksumOffset = [2, 6, 16].randomElement(using: &random)!
      return header
    }
  }
}

/// Holds what was seen against what is forbidden.
private final class Judge {
  let a: RoutedServer
  let others: [RoutedServer]
  let gateway: MAC
  var faults: [String] = []
  var seen = 0
  var errors = 0

  init(a: RoutedServer, others: [RoutedServer], gateway: MAC) {
    (self.a, self.others, self.gateway) = (a, others, gateway)
  }

  /// What came to the hostile server, all of it by the gateway.
  func look(atA capture: Capture) throws {
    while let bytes = try capture.next(until: .after(.zero)) {
      guard let frame = Frame(bytes) else { continue }
      seen += 1
      func fault(_ text: String) { faults.append("\(text): \(frame) \(frame.payload.prefix(80))") }
      if frame.etherType == 0x8809 { continue }
      if frame.source != gateway { fault("not from the gateway's MAC address") }
      if frame.etherType == 0x0806 {
        let sender = SeenPacket.text(AF_INET, frame.payload[14..<18])
        let allowed = [a.addresses.publicIPv4.gateway, a.addresses.privateIPv4.gateway, "169.254.169.254"]
        if !allowed.contains(sender) { fault("ARP for \(sender)") }
        continue
      }
      guard let packet = SeenPacket(frame) else {
        fault("not an IP packet")
        continue
      }
      judge(packet, fault)
    }
  }

  private func judge(_ packet: SeenPacket, _ fault: (String) -> Void) {
    let isGroup = packet.destination.hasPrefix("ff") || packet.destination == "255.255.255.255"
    let isLocal = packet.destination.hasPrefix("fe80")
    if !isGroup, !isLocal, !a.all.contains(packet.destination) { fault("for \(packet.destination)") }
    if packet.source.hasPrefix("fe80"), packet.hopLimit != 255 { fault("of link-local scope, forwarded") }
    let isGateways = a.gateways.contains(packet.source) || packet.source.hasPrefix("fe80")
    // What others send to a, they send with right checksums too: a forwards nothing.
    if isGateways, !packet.checksumsAreRight { fault("a wrong checksum") }
    if packet.isICMPError {
      errors += 1
      judgeError(packet, fault)
    }
  }

  /// RFC 1812 4.3.2.7, RFC 4443 2.4 (e): what is never told of.
  private func judgeError(_ packet: SeenPacket, _ fault: (String) -> Void) {
    if packet.destination.hasPrefix("ff") || packet.destination == "255.255.255.255" { fault("an error to a group") }
    let quote = packet.payload.dropFirst(8)
    if packet.version == 4 {
      if packet.bytes.count > 576 { fault("an error of \(packet.bytes.count) bytes") }
      guard quote.count >= 28 else { return fault("a quote of \(quote.count) bytes") }
      let first = quote.startIndex
      let about = SeenPacket.text(AF_INET, quote[first + 16..<first + 20])
      let from = SeenPacket.text(AF_INET, quote[first + 12..<first + 16])
      if from != packet.destination { fault("an error to \(packet.destination) about a packet of \(from)") }
      if about.hasPrefix("224.") || about == "255.255.255.255" { fault("an error about a packet to \(about)") }
      if Int(quote[first + 6] & 0x1F) << 8 | Int(quote[first + 7]) != 0 { fault("an error about a later fragment") }
      let header = Int(quote[first] & 15) * 4
      if quote[first + 9] == 1, quote.count > header,
        ![0, 8, 9, 10, 13, 14, 15, 16, 17, 18].contains(quote[first + header])
      {
        fault("an error about an ICMP error")
      }
    } else {
      if packet.bytes.count > 1_280 { fault("an error of \(packet.bytes.count) bytes") }
      guard quote.count >= 40 else { return fault("a quote of \(quote.count) bytes") }
      let first = quote.startIndex
      let about = SeenPacket.text(AF_INET6, quote[first + 24..<first + 40])
      let from = SeenPacket.text(AF_INET6, quote[first + 8..<first + 24])
      if from != packet.destination { fault("an error to \(packet.destination) about a packet of \(from)") }
      if about.hasPrefix("ff"), ![2, 4].contains(packet.icmpType ?? 0) { fault("an error about a packet to \(about)") }
      if quote[first + 6] == 58, quote.count > 40, quote[first + 40] < 128 || quote[first + 40] == 137 {
        fault("an error about an ICMPv6 error")
      }
    }
  }

  /// What came to b: of a's only from a's addresses, and forwarded once.
  func look(atB capture: Capture) throws {
    let known = Set(a.all + others.flatMap(\.all) + others.flatMap(\.gateways) + Integration.Layer3RoutingTests.uplink)
    while let bytes = try capture.next(until: .after(.zero)) {
      guard let frame = Frame(bytes), frame.etherType != 0x8809, frame.etherType != 0x0806 else { continue }
      seen += 1
      guard let packet = SeenPacket(frame) else {
        // What is on its way with offloads has lengths that are made right by its receiver.
        continue
      }
      if !known.contains(packet.source), !packet.source.hasPrefix("fe80") {
        faults.append("b got a packet of \(packet.source): \(frame)")
      }
      if packet.source.hasPrefix("fe80"), frame.source != gateway || packet.hopLimit != 255 {
        faults.append("b got a packet of link-local scope: \(frame)")
      }
      if packet.version == 4, Packet.sum(packet.bytes[..<(Int(packet.bytes[0] & 15) * 4)]) != 0xFFFF {
        faults.append("b got a wrong IPv4 header checksum: \(frame)")
      }
    }
  }
}
