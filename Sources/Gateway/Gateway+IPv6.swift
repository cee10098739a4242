import Net
import Switching
import Wire

// IPv6 packets that are addressed to the gateway or to a group of the link.
//
// Source: RFC 4443 4.2 (echo), RFC 8200 4 (extension headers).

extension Gateway {
  mutating func receive6(_ arrival: Arrival, on interface: RoutedInterface, at now: Instant) {
    guard let header = IPv6Header(arrival.packet), !header.source.isMulticast else {
      drop(arrival.nic, .malformedPacket)
      return
    }
    let isForUs = isOurs(header.destination) || header.destination == interface.linkLocal
    guard isForUs || header.destination.isMulticast, !isOurs(header.source), header.source != interface.linkLocal else {
      drop(arrival.nic, .notAnswered)
      return
    }
    switch IPv6UpperLayer.find(arrival.packet, header) {
    case .malformed: drop(arrival.nic, .malformedPacket)
    case .sourceRoute: drop(arrival.nic, .sourceRoute)
    case .unknownOption(let pointer, let isReported, let alsoOfGroups):
      guard isReported, isForUs || alsoOfGroups else {
        drop(arrival.nic, .notAnswered)
        return
      }
      refuse(
        arrival, .option(pointer: pointer, alsoOfGroups: alsoOfGroups), from: isForUs ? header.destination : nil,
        counting: .notAnswered, at: now)
    case .upper(let upper):
      guard upper.fragmentOffset != nil else {
        receive(upper, header, arrival, on: interface, isForUs: isForUs, at: now)
        return
      }
      // A Fragment header behind another one: nobody sends that.
      guard isForUs, !arrival.isReassembled else {
        drop(arrival.nic, .notAnswered)
        return
      }
      if let whole = reassembled(arrival, at: now) { receive6(whole, on: interface, at: now) }
    }
  }

  private mutating func receive(
    _ upper: IPv6UpperLayer, _ header: IPv6Header, _ arrival: Arrival, on interface: RoutedInterface, isForUs: Bool,
    at now: Instant
  ) {
    let segment = Segment(
      source: header.source, destination: header.destination,
      bytes: arrival.packet.prefix(header.totalLength).dropFirst(upper.offset))
    if upper.protocolNumber == ProtocolNumber.icmp6, let type = segment.bytes.first,
      ICMPv6.routerSolicitation...ICMPv6.redirect ~= type
    {
      guard segment.isChecksumRight(ProtocolNumber.icmp6, arrival) else {
        drop(arrival.nic, .badChecksum)
        return
      }
      receiveND(segment.bytes, header, arrival, on: interface, at: now)
      return
    }
    guard isForUs, !arrival.isToGroup, header.source.namesOneHost else {
      drop(arrival.nic, .notAnswered)
      return
    }
    guard header.source.isLinkLocal6 || interface.slot(towards: header.source) != nil else {
      drop(arrival.nic, .spoofedSource)
      return
    }
    switch upper.protocolNumber {
    case ProtocolNumber.icmp6: receiveICMP6(segment, header, arrival, at: now)
    case ProtocolNumber.udp: receiveUDP(arrival, segment, at: now)
    case ProtocolNumber.tcp: receiveTCP(arrival, segment, at: now)
    case ProtocolNumber.noNextHeader: drop(arrival.nic, .notAnswered)
    default:
      refuse(
        arrival, .protocolUnknown(pointer: upper.nextHeaderField), from: header.destination, counting: .notAnswered,
        at: now)
    }
  }

  private mutating func receiveICMP6(
    _ segment: Segment, _ header: IPv6Header, _ arrival: Arrival, at now: Instant
  ) {
    let message = segment.bytes
    guard message.count >= ICMPMessage.headerSize, message[message.startIndex] == ICMPv6.echoRequest,
      message[message.startIndex + 1] == 0
    else {
      drop(arrival.nic, .notAnswered)
      return
    }
    guard segment.isChecksumRight(ProtocolNumber.icmp6, arrival) else {
      drop(arrival.nic, .badChecksum)
      return
    }
    guard takeEchoTokens(arrival.ingress, answerSize: IPv6Header.size + message.count, at: now) else {
      drop(arrival.nic, .gatewayBusy)
      return
    }
    let reply = IPv6Header(
      trafficClass: header.trafficClass, nextHeader: ProtocolNumber.icmp6, source: header.destination,
      destination: header.source)
    let data = ICMPMessage.bytes(
      type: ICMPv6.echoReply, code: 0, rest: message.number32(at: message.startIndex + 4), data: message.dropFirst(8),
      from: reply.source, to: reply.destination)
    send(reply, data, answering: arrival, at: now)
  }

  /// Sends the packet back to where `arrival` came from, in pieces when the link wants them: RFC 8200 4.5. A link that
  /// takes less than 1280 bytes carries no IPv6 (RFC 8200 5).
  mutating func send(_ header: IPv6Header, _ payload: [UInt8], answering arrival: Arrival, at now: Instant) {
    guard let mtu = interfaces[arrival.ingress]?.configuration.mtu else { return }
    guard mtu >= Self.errorSize6 || IPv6Header.size + payload.count <= mtu else {
      drop(arrival.nic, .packetTooBig)
      return
    }
    let identification = UInt32.random(in: 0 ... .max, using: &random)
    for packet in header.packets(payload, mtu: mtu, identification: identification) {
      answer(packet, EtherType.ipv6, to: header.destination, arrival, at: now)
    }
  }
}
