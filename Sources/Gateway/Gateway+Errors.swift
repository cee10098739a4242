import Net
import Switching
import Wire

/// What a sender is told of its packet.
enum Refusal: Equatable {
  case timeExceeded
  case noRoute
  /// The next hop does not answer.
  case unreachable
  /// The next link takes `mtu` bytes.
  case tooBig(mtu: Int)
  case port
  /// `pointer`: place of the Next Header octet that names the protocol; IPv6 only.
  case protocolUnknown(pointer: Int)
  /// An option that the sender wants us to know; IPv6 only.
  case option(pointer: Int, alsoOfGroups: Bool)

  /// Type, code and the word behind the checksum. Source: RFC 792, RFC 1191 4.
  var v4: (type: UInt8, code: UInt8, rest: UInt32) {
    switch self {
    case .timeExceeded: (ICMPv4.timeExceeded, 0, 0)
    case .noRoute: (ICMPv4.unreachable, ICMPv4.Unreachable.network, 0)
    case .unreachable: (ICMPv4.unreachable, ICMPv4.Unreachable.host, 0)
    case .tooBig(let mtu):
      (ICMPv4.unreachable, ICMPv4.Unreachable.fragmentationNeeded, UInt32(UInt16(clamping: mtu)))
    case .port: (ICMPv4.unreachable, ICMPv4.Unreachable.port, 0)
    case .protocolUnknown, .option: (ICMPv4.unreachable, ICMPv4.Unreachable.protocol, 0)
    }
  }

  /// The same. Source: RFC 4443 3.
  var v6: (type: UInt8, code: UInt8, rest: UInt32) {
    switch self {
    case .timeExceeded: (ICMPv6.timeExceeded, 0, 0)
    case .noRoute: (ICMPv6.unreachable, ICMPv6.Unreachable.noRoute, 0)
    case .unreachable: (ICMPv6.unreachable, ICMPv6.Unreachable.address, 0)
    case .tooBig(let mtu): (ICMPv6.packetTooBig, 0, UInt32(clamping: mtu))
    case .port: (ICMPv6.unreachable, ICMPv6.Unreachable.port, 0)
    case .protocolUnknown(let pointer):
      (ICMPv6.parameterProblem, ICMPv6.Problem.nextHeader, UInt32(clamping: pointer))
    case .option(let pointer, _): (ICMPv6.parameterProblem, ICMPv6.Problem.option, UInt32(clamping: pointer))
    }
  }

  /// Told also of packets to a group: RFC 4443 2.4 (e.3).
  var isToldOfGroups: Bool {
    switch self {
    case .tooBig: true
    case .option(_, let alsoOfGroups): alsoOfGroups
    case .timeExceeded, .noRoute, .unreachable, .port, .protocolUnknown: false
    }
  }
}

// ICMP errors: to whom, about what, how many, and how much of the packet they quote.
//
// Source: RFC 1812 4.3.2 (quote, TOS, source, when not, how many); RFC 4443 2.2, 2.4; RFC 1122 3.2.2.

extension Gateway {
  /// Bytes of an error with its IP header, where the link takes them in one piece: RFC 1812 4.3.2.3, RFC 4443 2.4 (c).
  static let errorSize4 = 576
  static let errorSize6 = 1_280

  /// Tells the sender what became of its packet, if it may be told, and counts the packet: as `reason`, or as one that
  /// we had no time for.
  ///
  /// `from`: our address that the packet was sent to, which an answer comes from (RFC 4443 2.2 (a)); nil: the packet
  /// was to be forwarded, and the answer comes from the address that speaks to such a sender.
  mutating func refuse(
    _ arrival: Arrival, _ refusal: Refusal, from: IPAddress? = nil, counting reason: DropReason, at now: Instant
  ) {
    guard let interface = interfaces[arrival.ingress]?.configuration, !arrival.isToGroup || refusal.isToldOfGroups
    else {
      drop(arrival.nic, reason)
      return
    }
    let isTold =
      switch arrival.etherType {
      case EtherType.ipv4: refuse4(arrival, refusal, from: from, on: interface, at: now)
      case EtherType.ipv6: refuse6(arrival, refusal, from: from, on: interface, at: now)
      default: true
      }
    drop(arrival.nic, isTold ? reason : .gatewayBusy)
  }

  /// False: it would have been told, but for the limit.
  private mutating func refuse4(
    _ arrival: Arrival, _ refusal: Refusal, from: IPAddress?, on interface: RoutedInterface, at now: Instant
  ) -> Bool {
    guard !arrival.isToGroup, let about = IPv4Header(arrival.packet, isBeginning: true),
      Self.mayBeTold(about, about.payload(arrival.packet)), !isOurs(about.source),
      let slot = interface.slot(towards: about.source)
    else { return true }
    guard takeErrorToken(arrival.ingress, at: now) else { return false }
    let (type, code, rest) = refusal.v4
    let room = min(Self.errorSize4, interface.mtu) - IPv4Header.size - ICMPMessage.headerSize
    let quote = arrival.packet.prefix(max(0, min(about.totalLength, room)))
    // Precedence 6, internetwork control: RFC 1812 4.3.2.5.
    let header = IPv4Header(
      typeOfService: 0xC0, identification: UInt16.random(in: 0 ... .max, using: &random),
      protocolNumber: ProtocolNumber.icmp4, source: from ?? interface.links[slot].gateway, destination: about.source)
    send(header, ICMPMessage.bytes(type: type, code: code, rest: rest, data: quote), answering: arrival, at: now)
    return true
  }

  /// RFC 1812 4.3.2.7.
  private static func mayBeTold(_ about: IPv4Header, _ payload: ArraySlice<UInt8>) -> Bool {
    guard about.fragmentOffset == 0, about.source.namesOneHost, !about.destination.isMulticast,
      about.destination != .broadcast
    else { return false }
    return about.protocolNumber != ProtocolNumber.icmp4 || payload.first.map(ICMPv4.isQuery) ?? false
  }

  private mutating func refuse6(
    _ arrival: Arrival, _ refusal: Refusal, from: IPAddress?, on interface: RoutedInterface, at now: Instant
  ) -> Bool {
    guard let about = IPv6Header(arrival.packet, isBeginning: true), mayBeTold(about, arrival.packet, refusal),
      about.source != interface.linkLocal
    else { return true }
    let source: IPAddress
    if about.source.isLinkLocal6 {
      source = from ?? interface.linkLocal
    } else {
      guard let slot = interface.slot(towards: about.source) else { return true }
      source = from ?? interface.links[slot].gateway
    }
    guard takeErrorToken(arrival.ingress, at: now) else { return false }
    let (type, code, rest) = refusal.v6
    let room = min(Self.errorSize6, interface.mtu) - IPv6Header.size - ICMPMessage.headerSize
    let quote = arrival.packet.prefix(max(0, min(about.totalLength, room)))
    let header = IPv6Header(nextHeader: ProtocolNumber.icmp6, source: source, destination: about.source)
    let message = ICMPMessage.bytes(type: type, code: code, rest: rest, data: quote, from: source, to: about.source)
    send(header, message, answering: arrival, at: now)
    return true
  }

  /// RFC 4443 2.4 (e). A fragment that is not the first could be part of an error, so nobody is told of it either.
  private func mayBeTold(_ about: IPv6Header, _ packet: ArraySlice<UInt8>, _ refusal: Refusal) -> Bool {
    guard about.source.namesOneHost, !isOurs(about.source),
      !about.destination.isMulticast || refusal.isToldOfGroups,
      case .upper(let upper) = IPv6UpperLayer.find(packet, about, asDestination: false), upper.fragmentOffset ?? 0 == 0
    else { return false }
    guard upper.protocolNumber == ProtocolNumber.icmp6 else { return true }
    guard let type = packet.prefix(about.totalLength).dropFirst(upper.offset).first else { return false }
    return !ICMPv6.isError(type) && type != ICMPv6.redirect
  }

  /// One of the interface and one of all: RFC 1812 4.3.2.8, RFC 4443 2.4 (f). When those of all are used up, one of the
  /// few that the interface has been promised: who floods takes no traceroute from another.
  mutating func takeErrorToken(_ port: PortIndex, at now: Instant) -> Bool {
    guard interfaces[port]?.errors.hasToken(at: now) ?? false else { return false }
    guard errors.take(at: now) || interfaces[port]?.promisedErrors.take(at: now) ?? false else { return false }
    return interfaces[port]?.errors.take(at: now) ?? false
  }
}
