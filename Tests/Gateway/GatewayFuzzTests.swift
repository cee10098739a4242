import Net
import Switching
import Testing
import Wire

@testable import Gateway

/// Valid packets with a few things wrong, as many as a minute of a hostile server; whatever comes of them has to be
/// right.
@Suite("Hostile packets") struct GatewayFuzzTests {
  /// What a server could send, and what the worker could pass on; in the order of the kinds.
  static func seeds() -> [[UInt8]] {
    let (host, gateway, host6, gateway6) = (Bench.publicHost, Bench.publicGateway, Bench.host6, Bench.gateway6)
    let (theirs, ours) = (IPAddress.linkLocal(Bench.serverMAC), IPAddress.linkLocal(Bench.serverInterface.mac))
    let (far, far6) = (v4(8, 8, 8, 8), v6(0xFFFF_0000_0000))
    var frames: [[UInt8]] = [
      Bench.arp(host, asks: gateway), Bench.arp(.unspecified4, asks: gateway), Bench.arp(host, asks: host),
      Bench.arp(.reply, host, asks: gateway, to: Bench.serverInterface.mac), Bench.arp(gateway, asks: gateway),
      GatewayNDTests.solicit(gateway6, from: host6), GatewayNDTests.solicit(ours, from: theirs),
      GatewayNDTests.solicit(gateway6, from: .unspecified6, mac: nil),
      GatewayNDTests.solicitRouter(from: theirs, mac: Bench.serverMAC),
      GatewayNDTests.solicitRouter(from: .unspecified6),
      Bench.nd(
        .neighbourAdvertisement(target: host6, flags: [.solicited, .override], link: Bench.serverMAC), from: host6,
        to: gateway6),
      Bench.frame(GatewayLocalTests.discover(), to: .broadcast),
    ]
    let error4 = ICMPMessage.bytes(type: 3, code: 1, data: Bench.udp(from: far, to: host))
    let error6 = ICMPMessage.bytes(type: 1, code: 0, data: Bench.udp(from: far6, to: host6), from: host6, to: far6)
    for (source, destination) in [
      (host, gateway), (host, far), (Bench.elastic, far), (host6, gateway6), (host6, far6), (theirs, ours),
      (host, v4(224, 0, 0, 1)), (host6, .allNodes), (host, .broadcast), (Bench.privateHost, v4(10, 0, 0, 2)),
    ] {
      for packet in [
        Bench.echo(from: source, to: destination), Bench.echo(from: source, to: destination, size: 600),
        Bench.udp(from: source, to: destination), Bench.udp(from: source, to: destination, size: 700, ttl: 1),
        Bench.syn(from: source, to: destination), Bench.packet(132, [1, 2, 3, 4], from: source, to: destination),
      ] {
        frames.append(Bench.frame(packet, Bench.type(source)))
      }
    }
    frames.append(Bench.frame(Bench.packet(1, error4, from: host, to: far)))
    frames.append(Bench.frame(Bench.packet(58, error6, from: host6, to: far6), 0x86DD))
    let chain: [UInt8] = [60, 0, 5, 2, 0, 0, 1, 0, 44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 9]
    for destination in [gateway6, far6] {
      let udp = Array(Bench.udp(from: host6, to: destination)[40...])
      frames.append(Bench.frame(Bench.packet(0, chain + udp, from: host6, to: destination), 0x86DD))
    }
    for piece in IPv4Header(identification: 3, protocolNumber: 1, source: host, destination: gateway)
      .packets(Array(Bench.echo(from: host, to: gateway, size: 2_000)[20...]), mtu: 1_500)
    {
      frames.append(Bench.frame(piece))
    }
    return frames
  }

  static func mutate(_ frame: inout [UInt8], _ random: inout SeededGenerator) {
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      // Mostly in the headers, where it hurts.
      let index = Int.random(
        in: 0..<(Bool.random(using: &random) ? min(frame.count, 110) : frame.count), using: &random)
      switch Int.random(in: 0..<7, using: &random) {
      case 0: frame[index] = UInt8.random(in: 0 ... .max, using: &random)
      case 1: frame[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: frame[index] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
      case 3: frame.removeLast(Int.random(in: 0...min(frame.count - 1, 60), using: &random))
      case 4: frame += [UInt8](repeating: UInt8.random(in: 0 ... .max, using: &random), count: 9)
      case 5: frame.removeSubrange(index..<min(index + 4, frame.count - 1).clamped(from: index))
      default: frame.insert(contentsOf: [0, 0, 1, 4], at: index)
      }
    }
    // Without right checksums nothing gets far.
    if Int.random(in: 0..<3, using: &random) > 0 {
      frame[0] = Bool.random(using: &random) ? 1 : 0
      if frame.count >= 46, frame[24] == 8, frame[25] == 0 {
        let length = Int(frame[26] & 15) * 4
        if length >= 20, frame.count >= 26 + length {
          (frame[36], frame[37]) = (0, 0)
          frame.setNumber16(~UInt16(FrameView.sum(frame[26..<26 + length])), at: 36)
        }
      }
    }
  }

  @Test("120 000 of them do not trap, and what is sent is well-formed and allowed", arguments: 0..<6)
  func fuzz(seed: UInt64) {
    var random = SeededGenerator(seed: 0xF0_0D + seed)
    var bench = Bench(seed: seed)
    let seeds = Self.seeds()
    let ports = [Bench.server, Bench.server, Bench.server, Bench.other, Bench.uplink, Bench.metadata, PortIndex(77)]
    var rules = Rules(bench)
    for step in 0..<20_000 {
      guard var frame = seeds.randomElement(using: &random) else { return }
      Self.mutate(&frame, &random)
      let kind = SlowPacket.Kind.allCases.randomElement(using: &random) ?? .local
      let port = ports.randomElement(using: &random) ?? Bench.server
      let neighbour = Neighbour(
        port: ports.randomElement(using: &random) ?? Bench.other, slot: Int.random(in: 0..<4, using: &random))
      rules.note(frame, kind)
      let outputs = bench.receive(kind, frame, from: port, for: neighbour)
      rules.check(outputs, "seed \(seed), step \(step), \(kind)")
      rules.check(bench.advance(UInt64.random(in: 0...60, using: &random)), "seed \(seed), after step \(step)")
      #expect(bench.gateway.deadline.map { $0 > bench.now } ?? true)
      // An interface that begins anew may have something to say at once.
      if step % 500 == 499 { rules.check(Self.change(&bench, &random), "seed \(seed), change after \(step)") }
      #expect(bench.gateway.waitingBytes <= Gateway.waitingBytesLimit)
    }
    #expect(bench.gateway.neighbours(at: bench.now).count <= 9)
    bench.gateway.setLink(Bench.server, up: true, at: bench.now)
    for port in ports { bench.gateway.set(nil, as: port, at: bench.now) }
    #expect(bench.gateway.waitingBytes == 0)
    // That it says anything at all.
    #expect(rules.errors > 500)
    #expect(rules.own > 3_000)
  }

  /// A link flaps, or an interface goes and comes.
  static func change(_ bench: inout Bench, _ random: inout SeededGenerator) -> [Gateway.Output] {
    let (port, interface) =
      [
        (Bench.server, Bench.serverInterface), (Bench.other, Bench.otherInterface),
        (Bench.uplink, Bench.uplinkInterface),
      ]
      .randomElement(using: &random) ?? (Bench.server, Bench.serverInterface)
    if Bool.random(using: &random) {
      bench.gateway.setLink(port, up: false, at: bench.now)
      bench.gateway.setLink(port, up: true, at: bench.now)
    } else {
      bench.gateway.set(nil, as: port, at: bench.now)
      bench.gateway.set(interface, as: port, at: bench.now)
    }
    return bench.outputs()
  }
}

/// What may be sent, whatever was received.
private struct Rules {
  private let mtus: [PortIndex: Int]
  private let gateways: Set<IPAddress>
  private let linkLocals: [PortIndex: IPAddress]
  /// Packets that are not the gateway's own: what was to be passed on, from its source MAC address on; cut pieces by
  /// their source.
  private var passing: Set<[UInt8]> = []
  private(set) var errors = 0
  private(set) var own = 0

  init(_ bench: Bench) {
    let interfaces = bench.gateway.interfaces
    mtus = interfaces.mapValues(\.configuration.mtu)
    gateways = Set(interfaces.values.flatMap { $0.configuration.links.map(\.gateway) })
    linkLocals = interfaces.mapValues { .linkLocal($0.configuration.mac) }
  }

  mutating func note(_ frame: [UInt8], _ kind: SlowPacket.Kind) {
    guard kind == .resolve || kind == .fragment, frame.count >= 26 else { return }
    passing.insert(Array(frame[18...]))
    // What is cut off a larger packet is tested where it is cut.
    guard kind == .fragment, let mtu = mtus.values.min() else { return }
    for mtu in Set(mtus.values).union([mtu]) {
      for piece in PacketCutter.cut(frame, mtu: mtu) { passing.insert(Array(piece[18...])) }
    }
  }

  mutating func check(_ outputs: [Gateway.Output], _ step: @autoclosure () -> String) {
    guard !outputs.isEmpty else { return }
    for frame in outputs.frames {
      if passing.contains(Array(frame.bytes[18...])) {
        #expect(!frame.destination.isGroup && frame.destination.value != 0, "\(step()): \(frame)")
        continue
      }
      own += 1
      let faults = frame.faults(mtu: mtus[frame.port] ?? 0) + forbidden(frame)
      #expect(faults.isEmpty, "\(step()): \(frame)")
      if frame.isV4 || frame.isV6, frame.isICMPError { errors += 1 }
    }
    for output in outputs { if case .drop(let nic, _) = output { #expect(nic == Bench.nic, "\(step())") } }
  }

  private func forbidden(_ frame: FrameView) -> [String] {
    var faults: [String] = []
    func check(_ isRight: Bool, _ text: String) { if !isRight { faults.append(text) } }
    guard !frame.isARP else {
      let packet = ARPPacket(frame.packet[...])
      check(packet.map { gateways.contains($0.sender) || $0.sender == v4(169, 254, 169, 254) } ?? false, "ARP sender")
      check(!frame.destination.isGroup || packet?.operation == .request, "ARP reply to a group")
      return faults
    }
    check(gateways.contains(frame.from) || frame.from == linkLocals[frame.port], "source address")
    let isND = frame.isV6 && !frame.isFragment && (133...136).contains(frame.icmpType ?? 0)
    let isDHCP = frame.protocolNumber == 17
    check(!frame.destination.isGroup || isND || isDHCP, "to a group at the link")
    check(frame.to.namesOneHost || isND || isDHCP, "to a group")
    check(!isND || frame.ttl == 255, "hop limit")
    if frame.isICMPError { faults += forbiddenQuote(frame) }
    return faults
  }

  /// RFC 1812 4.3.2.7, RFC 4443 2.4 (e), read from the quote alone.
  private func forbiddenQuote(_ frame: FrameView) -> [String] {
    var faults: [String] = []
    func check(_ isRight: Bool, _ text: String) { if !isRight { faults.append(text) } }
    let quote = FrameView(
      [UInt8](repeating: 0, count: 24) + (frame.isV4 ? [8, 0] : [0x86, 0xDD]) + frame.icmpData, frame.port)
    check(frame.packet.count <= (frame.isV4 ? 576 : 1_280), "size of the error")
    guard quote.packet.count >= (frame.isV4 ? 20 : 40) else { return ["short quote"] }
    check(quote.from == frame.to && quote.from.namesOneHost, "told somebody else")
    check(!gateways.contains(quote.from), "told ourselves")
    if frame.isV4 {
      check(quote.number(32, 2) & 0x1FFF == 0, "about a fragment")
      check(!quote.to.isMulticast && quote.to != .broadcast, "about a group")
      let at = Int(quote.packet[0] & 15) * 4
      check(
        quote.protocolNumber != 1 || (at < quote.packet.count && ![3, 4, 5, 11, 12].contains(quote.packet[at])),
        "about an error")
    } else {
      let isException = frame.icmpType == 2 || (frame.icmpType == 4 && frame.icmpCode == 2)
      check(!quote.to.isMulticast || isException, "about a group")
      check(
        quote.protocolNumber != 58 || (quote.packet.count > 40 && quote.packet[40] >= 128 && quote.packet[40] != 137),
        "about an error")
    }
    return faults
  }
}

extension Int {
  fileprivate func clamped(from least: Int) -> Int { Swift.max(self, least) }
}
