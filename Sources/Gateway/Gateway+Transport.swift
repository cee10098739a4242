import Net
import Switching
import Wire

// UDP and TCP to the gateway itself: DHCP, and nobody else listens.

/// What stands behind the network headers, and between whom.
struct Segment {
  var source: IPAddress
  var destination: IPAddress
  var bytes: ArraySlice<UInt8>

  /// Right, or not made yet.
  func isChecksumRight(_ protocolNumber: UInt8, _ arrival: Arrival) -> Bool {
    if arrival.isUnfinished { return true }
    let pseudoHeader = InternetChecksum.pseudoHeader(
      from: source, to: destination, protocol: protocolNumber, length: bytes.count)
    return InternetChecksum.finish(InternetChecksum.sum(bytes, adding: pseudoHeader)) == 0
  }
}

extension IPv4Header {
  func segment(_ arrival: Arrival) -> Segment {
    Segment(source: source, destination: destination, bytes: payload(arrival.packet))
  }
}

extension Gateway {
  static let dhcpServerPort: UInt16 = 67
  static let dhcpClientPort: UInt16 = 68

  /// A closed port. Source: RFC 1122 4.1.3.1, RFC 4443 3.1.
  mutating func receiveUDP(_ arrival: Arrival, _ segment: Segment, at now: Instant) {
    guard let header = UDPHeader(segment.bytes) else {
      drop(arrival.nic, .malformedPacket)
      return
    }
    guard isChecksumRight(header, segment, arrival) else {
      drop(arrival.nic, .badChecksum)
      return
    }
    refuse(arrival, .port, from: segment.destination, counting: .notAnswered, at: now)
  }

  /// The sum goes over the datagram's own length. None is allowed in IPv4 only: RFC 768, RFC 8200 8.1.
  private func isChecksumRight(_ header: UDPHeader, _ segment: Segment, _ arrival: Arrival) -> Bool {
    if header.checksum == 0, !arrival.isUnfinished { return segment.source.isV4 }
    var datagram = segment
    datagram.bytes = segment.bytes.prefix(header.length)
    return datagram.isChecksumRight(ProtocolNumber.udp, arrival)
  }

  /// A reset counts as an error: what it answers was not wanted either. Source: RFC 9293 3.5.2.
  mutating func receiveTCP(_ arrival: Arrival, _ segment: Segment, at now: Instant) {
    guard let header = TCPHeader(segment.bytes) else {
      drop(arrival.nic, .malformedPacket)
      return
    }
    guard segment.isChecksumRight(ProtocolNumber.tcp, arrival) else {
      drop(arrival.nic, .badChecksum)
      return
    }
    guard let reset = header.reset else {
      drop(arrival.nic, .notAnswered)
      return
    }
    guard takeErrorToken(arrival.ingress, at: now) else {
      drop(arrival.nic, .gatewayBusy)
      return
    }
    drop(arrival.nic, .notAnswered)
    let bytes = reset.segment(from: segment.destination, to: segment.source)
    if segment.source.isV4 {
      let reply = IPv4Header(
        dontFragment: true, protocolNumber: ProtocolNumber.tcp, source: segment.destination,
        destination: segment.source)
      send(reply, bytes, answering: arrival, at: now)
    } else {
      let reply = IPv6Header(
        nextHeader: ProtocolNumber.tcp, source: segment.destination, destination: segment.source)
      send(reply, bytes, answering: arrival, at: now)
    }
  }

  // MARK: DHCP

  /// Whether it is for the DHCP server of this interface; then it has been dealt with. The source is not looked at: a client has no
  /// address, or one that it is about to be refused (RFC 2131 4.3.2).
  mutating func receiveDHCP(
    _ arrival: Arrival, _ header: IPv4Header, on interface: RoutedInterface, at now: Instant
  ) -> Bool {
    let segment = header.segment(arrival)
    guard interface.kind == .server, let datagram = UDPHeader(segment.bytes),
      datagram.destinationPort == Self.dhcpServerPort
    else { return false }
    guard isChecksumRight(datagram, segment, arrival) else {
      drop(arrival.nic, .badChecksum)
      return true
    }
    guard interfaces[arrival.ingress]?.requests.take(at: now) ?? false else {
      drop(arrival.nic, .gatewayBusy)
      return true
    }
    if let answer = DHCPServer.answer(datagram.payload(segment.bytes), on: interface, at: now) {
      send(answer, on: arrival.ingress)
    } else {
      drop(arrival.nic, .notAnswered)
    }
    return true
  }

  /// The answer goes where it says, whatever ARP knows: the client may not have its address yet. Source: RFC 2131 4.1.
  mutating func send(_ answer: DHCPAnswer, on port: PortIndex) {
    guard let interface = interfaces[port]?.configuration, interface.slot(ofGateway: answer.from) != nil else { return }
    let header = IPv4Header(
      identification: UInt16.random(in: 0 ... .max, using: &random), protocolNumber: ProtocolNumber.udp,
      source: answer.from, destination: answer.toAddress)
    let datagram = UDPHeader(sourcePort: Self.dhcpServerPort, destinationPort: Self.dhcpClientPort).datagram(
      answer.message, from: answer.from, to: answer.toAddress)
    for packet in header.packets(datagram, mtu: interface.mtu) {
      put(packet, EtherType.ipv4, to: answer.toMAC, on: port)
    }
  }
}
