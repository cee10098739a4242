public import Net
public import Switching
public import Wire

/// What becomes of one packet on a routed port.
public enum RouteVerdict: Equatable, Sendable, BitwiseCopyable {
  case drop(DropReason)
  /// The frame is ready in its buffer, and goes to this neighbour's port. `isWatched`: the slow path wants to hear of
  /// it (`SlowPacket.Kind.used`).
  case forward(Neighbour, isWatched: Bool)
  /// To the slow path. `neighbour` is meaningful for the kinds that have one.
  case slow(SlowPacket.Kind, SlowClass, Neighbour)
}

/// Queues to the slow path: one cannot fill another.
public enum SlowClass: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// What keeps a link alive: ARP, neighbour discovery, DHCP.
  case link
  /// Else addressed to the gateway: pings.
  case local
  /// What an ICMP error may answer.
  case error
  /// What is to be sent on: waiting for a neighbour, or to be fragmented.
  case transit
}

/// What a router thinks of one packet.
public struct Judgement: BitwiseCopyable, Sendable {
  public let verdict: RouteVerdict
  /// What the frame needs before it goes on to `neighbour`'s link.
  @usableFromInline let rewrite: PacketRewrite
  @usableFromInline let neighbour: Neighbour

  /// Why the slow path will drop the packet, beside the error that it may answer; nil: it need not.
  @inlinable public var fate: DropReason? {
    switch verdict {
    case .slow(.timeExceeded, _, _): .ttlExceeded
    case .slow(.noRoute, _, _): .noRoute
    case .slow(.tooBig, _, _): .packetTooBig
    case .drop(let reason): reason
    case .slow, .forward: nil
    }
  }

  @inline(always) @inlinable init(_ verdict: RouteVerdict) {
    (self.verdict, rewrite, neighbour) = (verdict, PacketRewrite(), Neighbour(index: 0))
  }

  @inline(always) @inlinable init(_ verdict: RouteVerdict, _ packet: PacketHeader, to neighbour: Neighbour) {
    (self.verdict, rewrite, self.neighbour) = (verdict, PacketRewrite(packet), neighbour)
  }
}

extension Router {
  /// Judges the untagged frame, whose header is `header`, that came in by the routed port `port`; changes nothing.
  /// `packetSize`: `FrameBuffer.packetSize`.
  ///
  /// The order of the checks: link, header, source, destination, hop limit, next hop, size. A packet that fails two
  /// counts for the first.
  @inline(always) @inlinable
  public borrowing func judge(
    _ frame: FrameBuffer, _ header: FrameHeader, packetSize: Int, from port: PortIndex
  ) -> Judgement {
    let entry = unsafe entries[port.value]
    guard entry.kind != 0 else { return Judgement(.drop(.noGateway)) }
    guard header.source.isValidSource else { return Judgement(.drop(.invalidSource)) }
    let isGroup = header.destination.isGroup
    guard isGroup || header.destination.value == entry.mac else { return Judgement(.drop(.notForGateway)) }
    let nobody = Neighbour(index: 0)
    let isV4: Bool
    switch header.etherType {
    case PacketHeader.etherType4: isV4 = true
    case PacketHeader.etherType6: isV4 = false
    case PacketHeader.etherTypeARP: return Judgement(.slow(.local, .link, nobody))
    default: return Judgement(.drop(.unknownProtocol))
    }
    switch frame.decodePacket(isV4: isV4) {
    case .fault(.malformed): return Judgement(.drop(.malformedPacket))
    case .fault(.badChecksum): return Judgement(.drop(.badChecksum))
    case .packet(let packet):
      switch isV4 ? admit4(packet, isGroup: isGroup, entry) : admit6(packet, isGroup: isGroup, entry) {
      case .refused(let reason): return Judgement(.drop(reason))
      case .local(let queue): return Judgement(.slow(.local, queue, nobody))
      case .packet: break
      }
      guard isSource(packet.source, of: port, entry) else { return Judgement(.drop(.spoofedSource)) }
      return judgeDestination(frame, packet, packetSize, entry)
    }
  }

  /// Makes the frame ready for its next link, as `judge` has said: MAC addresses, TTL, checksum.
  @inline(always) @inlinable
  public borrowing func rewrite(_ frame: inout FrameBuffer, _ judgement: Judgement) {
    guard judgement.rewrite.size > 0 else { return }
    let egress = unsafe entries[judgement.neighbour.port.value]
    let known = unsafe neighbours[judgement.neighbour.index]
    frame.forwardPacket(judgement.rewrite, from: MACAddress(egress.mac), to: MACAddress(known))
  }

  /// Notes that the slow path hears of the use of `neighbour`, which it wanted to.
  @inline(always) @inlinable
  public mutating func unwatch(_ neighbour: Neighbour) { unsafe neighbours[neighbour.index] &= ~Self.watched }

  /// All at once: judges the frame, and makes it ready where it is to be forwarded or queued.
  @inline(always) @inlinable
  public mutating func route(
    _ frame: inout FrameBuffer, _ header: FrameHeader, packetSize: Int, from port: PortIndex
  ) -> RouteVerdict {
    let judgement = judge(frame, header, packetSize: packetSize, from: port)
    rewrite(&frame, judgement)
    if case .forward(let neighbour, isWatched: true) = judgement.verdict { unwatch(neighbour) }
    return judgement.verdict
  }

  /// What the addresses alone say.
  @usableFromInline enum Admission: BitwiseCopyable {
    case refused(DropReason)
    /// To the gateway, whoever sends it: what machines say before they have an address, and among themselves on the
    /// link.
    case local(SlowClass)
    /// The source is still to be checked.
    case packet
  }

  // MARK: Admission

  /// Source: RFC 1812 4.2.2.11, 4.2.3.1, 5.3.4, 5.3.7; RFC 6890 for the ranges.
  @inline(always) @inlinable
  borrowing func admit4(_ packet: PacketHeader, isGroup: Bool, _ entry: Entry) -> Admission {
    let source = packet.source.v4
    let destination = packet.destination.v4
    let isServer = entry.kind == RoutedInterface.Kind.server.rawValue &+ 1
    // A client of DHCP: from 0.0.0.0, or to the broadcast address from the one that it takes for its own. When it is
    // not any more, a refusal is due (RFC 2131 4.3.2, REBINDING), and the answer stays on this link.
    if isServer, packet.udpDestinationPort == 67, destination == .max || source == 0 {
      if source != 0, let reason = Self.fault4(ofSource: source, mayBeLinkLocal: false) { return .refused(reason) }
      return .local(.link)
    }
    if let reason = Self.fault4(ofSource: source, mayBeLinkLocal: isMetadata(entry)) { return .refused(reason) }
    if source == destination { return .refused(.martian) }
    if destination == .max || destination >> 28 == 0xE { return .refused(.multicast) }
    if destination >> 28 == 0xF { return .refused(.classE) }
    if destination >> 24 == 127 || destination >> 24 == 0 { return .refused(.martian) }
    if destination >> 16 == 0xA9FE, !(isServer && isMetadataRoute(packet.destination)) { return .refused(.linkLocal) }
    return isGroup ? .refused(.notForGateway) : .packet
  }

  @inline(always) @inlinable
  static func fault4(ofSource source: UInt32, mayBeLinkLocal: Bool) -> DropReason? {
    if source >> 28 == 0xF { return .classE }
    if source >> 28 == 0xE { return .multicast }
    if source >> 24 == 127 || source >> 24 == 0 { return .martian }
    if source >> 16 == 0xA9FE, !mayBeLinkLocal { return .linkLocal }
    return nil
  }

  /// Source: RFC 4291 2.5.2, 2.5.3, 2.5.5.2, 2.5.6, 2.7.
  @inline(always) @inlinable
  borrowing func admit6(_ packet: PacketHeader, isGroup: Bool, _ entry: Entry) -> Admission {
    let (source, destination) = (packet.source, packet.destination)
    if source.high >> 56 == 0xFF { return .refused(.multicast) }
    let isUnspecified = source.high | source.low == 0
    if Self.isMartian(source), !isUnspecified { return .refused(.martian) }
    let isFromLink = source.high >> 54 == 0xFE80 >> 6
    if destination.high >> 56 == 0xFF {
      // ff02::1, ff02::2 and ff02::1:ffXX:XXXX: where neighbour discovery is spoken. Nothing else is for a router like
      // this one.
      let isNodes = destination.low == 1 || destination.low == 2
      guard destination.high == 0xFF02 << 48, isNodes || destination.low >> 24 == 0x1FF, packet.protocolNumber == 58,
        isGroup
      else { return .refused(.multicast) }
      return isUnspecified || isFromLink || source == entry.host6 ? .local(.link) : .refused(.spoofedSource)
    }
    if isUnspecified || Self.isMartian(destination) || source == destination { return .refused(.martian) }
    if isGroup { return .refused(.notForGateway) }
    let isToLink = destination.high >> 54 == 0xFE80 >> 6
    guard isFromLink || isToLink else { return .packet }
    // Neither crosses a router; to one of our addresses it does not have to.
    let isOurs = isToLink ? destination == entry.linkLocal : routes.find(destination) == .local
    guard isOurs else { return .refused(.linkLocal) }
    guard isFromLink || source == entry.host6 else { return .refused(.spoofedSource) }
    return .local(packet.protocolNumber == 58 ? .link : .local)
  }

  /// ::, ::1, and IPv4 in IPv6's clothes.
  @inline(always) @inlinable
  static func isMartian(_ address: IPAddress) -> Bool {
    address.high == 0 && (address.low <= 1 || address.low >> 32 == 0xFFFF)
  }

  @inline(always) @inlinable
  borrowing func isMetadata(_ entry: Entry) -> Bool { entry.kind == RoutedInterface.Kind.metadata.rawValue &+ 1 }

  /// Whether `address` is where the metadata service answers.
  @inlinable
  borrowing func isMetadataRoute(_ address: IPAddress) -> Bool {
    guard case .neighbour(let index)? = routes.find(address) else { return false }
    return isMetadata(unsafe entries[Neighbour(index: Int(index)).port.value])
  }

  // MARK: Source

  /// Whether a packet from `source` may come in by `port`: a server, and the metadata service, have their own addresses
  /// and blocks (RFC 3704 2.2, strict reverse path forwarding); from an uplink may come everything that is not behind
  /// another port.
  @inline(always) @inlinable
  borrowing func isSource(_ source: IPAddress, of port: PortIndex, _ entry: Entry) -> Bool {
    if source.isV4 {
      if source.v4 == entry.hosts4.0 || source.v4 == entry.hosts4.1 { return true }
    } else if source == entry.host6 {
      return true
    }
    switch routes.find(source) {
    case .neighbour(let index)?: return Neighbour(index: Int(index)).port == port
    case .local?, .unassigned?: return false
    case nil: return entry.kind == RoutedInterface.Kind.uplink.rawValue &+ 1
    }
  }

  // MARK: Destination

  @inline(always) @inlinable
  borrowing func judgeDestination(
    _ frame: FrameBuffer, _ packet: PacketHeader, _ packetSize: Int, _ entry: Entry
  ) -> Judgement {
    let nobody = Neighbour(index: 0)
    let neighbour: Neighbour
    switch routes.find(packet.destination) {
    case .local?:
      return Judgement(
        frame.asksForSourceRoute(packet)
          ? .drop(.sourceRoute) : .slow(.local, packet.protocolNumber == 58 ? .link : .local, nobody))
    case .unassigned?: return Judgement(.slow(.noRoute, .error, nobody))
    case .neighbour(let index)?: neighbour = Neighbour(index: Int(index))
    case nil:
      guard entry.exit != 0 else { return Judgement(.slow(.noRoute, .error, nobody)) }
      let exit = unsafe entries[Int(entry.exit)]
      let slot = packet.isV4 ? exit.slot4 : exit.slot6
      guard exit.kind != 0, slot >= 0 else { return Judgement(.slow(.noRoute, .error, nobody)) }
      neighbour = Neighbour(port: PortIndex(Int(entry.exit)), slot: Int(slot))
    }
    guard packet.hopLimit > 1 else { return Judgement(.slow(.timeExceeded, .error, nobody)) }
    let mtu = unsafe Int(entries[neighbour.port.value].mtu)
    let isTooBig = packetSize > mtu
    if isTooBig, packet.dontFragment || mtu < PacketCutter.leastMTU {
      return Judgement(.slow(.tooBig, .error, neighbour))
    }
    if isTooBig { return Judgement(.slow(.fragment, .transit, neighbour), packet, to: neighbour) }
    let known = unsafe neighbours[neighbour.index]
    guard known & Self.known != 0 else { return Judgement(.slow(.resolve, .transit, neighbour), packet, to: neighbour) }
    return Judgement(.forward(neighbour, isWatched: known & Self.watched != 0), packet, to: neighbour)
  }
}
