import Net
import Switching
import Wire

// IPv4 packets that are addressed to the gateway: echo, DHCP, and who knocks at a closed port.
//
// Source: RFC 1122 3.2.2, RFC 1812 4.2, 4.3.3.6 (no echo reply to a broadcast), RFC 9293 3.5.2.

extension Gateway {
  mutating func receive4(_ arrival: Arrival, on interface: RoutedInterface, at now: Instant) {
    guard let header = IPv4Header(arrival.packet) else {
      drop(arrival.nic, .malformedPacket)
      return
    }
    guard header.isChecksumRight(arrival.packet) else {
      drop(arrival.nic, .badChecksum)
      return
    }
    if header.protocolNumber == ProtocolNumber.udp, !header.isFragment,
      header.destination == .broadcast || isOurs(header.destination),
      receiveDHCP(arrival, header, on: interface, at: now)
    {
      return
    }
    // RFC 1122 3.3.6: a packet to one host in a frame to many is nobody's.
    guard isOurs(header.destination), !arrival.isToGroup, header.source.namesOneHost, !isOurs(header.source) else {
      drop(arrival.nic, .notAnswered)
      return
    }
    guard interface.slot(towards: header.source) != nil else {
      drop(arrival.nic, .spoofedSource)
      return
    }
    if header.isFragment {
      guard let whole = reassembled(arrival, at: now) else { return }
      receive4(whole, on: interface, at: now)
      return
    }
    switch header.protocolNumber {
    case ProtocolNumber.icmp4: receiveICMP4(arrival, header, at: now)
    case ProtocolNumber.udp: receiveUDP(arrival, header.segment(arrival), at: now)
    case ProtocolNumber.tcp: receiveTCP(arrival, header.segment(arrival), at: now)
    default: refuse(arrival, .protocolUnknown(pointer: 0), from: header.destination, counting: .notAnswered, at: now)
    }
  }

  /// The datagram that this fragment completes; nil: the fragment waits for others, or does not go with those that
  /// wait. Neither is counted: a datagram that never becomes whole has nobody's NIC to be counted at.
  mutating func reassembled(_ arrival: Arrival, at now: Instant) -> Arrival? {
    guard let whole = reassembler.add(arrival.packet, from: arrival.ingress, at: now) else { return nil }
    var result = arrival
    result.packet = whole[...]
    result.isReassembled = true
    // Whoever fragments has finished the checksum before.
    result.isUnfinished = false
    return result
  }

  private mutating func receiveICMP4(_ arrival: Arrival, _ header: IPv4Header, at now: Instant) {
    let message = header.payload(arrival.packet)
    guard message.count >= ICMPMessage.headerSize, message[message.startIndex] == ICMPv4.echoRequest,
      message[message.startIndex + 1] == 0
    else {
      drop(arrival.nic, .notAnswered)
      return
    }
    guard arrival.isUnfinished || InternetChecksum.finish(InternetChecksum.sum(message)) == 0 else {
      drop(arrival.nic, .badChecksum)
      return
    }
    guard takeEchoTokens(arrival.ingress, answerSize: IPv4Header.size + message.count, at: now) else {
      drop(arrival.nic, .gatewayBusy)
      return
    }
    let reply = IPv4Header(
      typeOfService: header.typeOfService, identification: UInt16.random(in: 0 ... .max, using: &random),
      dontFragment: header.dontFragment, protocolNumber: ProtocolNumber.icmp4, source: header.destination,
      destination: header.source)
    let data = ICMPMessage.bytes(
      type: ICMPv4.echoReply, code: 0, rest: message.number32(at: message.startIndex + 4), data: message.dropFirst(8))
    send(reply, data, answering: arrival, at: now)
  }

  // MARK: Sending

  /// One for each piece of the answer: a ping may come whole and have to go back in a hundred pieces.
  mutating func takeEchoTokens(_ port: PortIndex, answerSize: Int, at now: Instant) -> Bool {
    guard let mtu = interfaces[port]?.configuration.mtu, mtu > 0 else { return false }
    let pieces = (answerSize + mtu - 1) / mtu
    return interfaces[port]?.echoes.take(pieces, at: now) ?? false
  }

  /// Sends the packet back to where `arrival` came from, in pieces when the link wants them and they are of a size.
  mutating func send(_ header: IPv4Header, _ payload: [UInt8], answering arrival: Arrival, at now: Instant) {
    guard let mtu = interfaces[arrival.ingress]?.configuration.mtu else { return }
    guard mtu >= PacketCutter.leastMTU || IPv4Header.size + payload.count <= mtu else {
      drop(arrival.nic, .packetTooBig)
      return
    }
    for packet in header.packets(payload, mtu: mtu) {
      answer(packet, EtherType.ipv4, to: header.destination, arrival, at: now)
    }
  }

  /// To the neighbour that has the address or a route to it. A server whose MAC address is not known has just sent to
  /// us, so that its frame says enough; the uplink is asked.
  mutating func answer(
    _ packet: [UInt8], _ etherType: UInt16, to destination: IPAddress, _ arrival: Arrival, at now: Instant
  ) {
    guard let interface = interfaces[arrival.ingress]?.configuration else { return }
    if destination.isLinkLocal6 {
      if let mac = arrival.sourceMAC { put(packet, etherType, to: mac, on: arrival.ingress) }
      return
    }
    guard let slot = interface.slot(towards: destination) else { return }
    let neighbour = Neighbour(port: arrival.ingress, slot: slot)
    if interface.kind == .server, let mac = arrival.sourceMAC,
      interfaces[arrival.ingress]?.slots[slot].machine.mac == nil
    {
      put(packet, etherType, to: mac, on: arrival.ingress)
      return
    }
    let frame = Self.frame(packet, etherType, from: interface.mac, to: MACAddress(0))
    send(
      Interface.Waiting(bytes: frame, ingress: arrival.ingress, nic: arrival.nic, isOurs: true), to: neighbour, at: now)
  }
}
