public import Net
public import Wire

/// What becomes of one frame.
public enum Verdict: Equatable, Sendable, BitwiseCopyable {
  case drop(DropReason)
  /// To one NIC. `tagControl`: the tag that the frame has to carry there; negative: none.
  case forward(NICIndex, tagControl: Int32)
  /// To a bond both of whose members carry: `Switch.member(of:for:)` says by which this conversation goes.
  case balance(PortIndex, tagControl: Int32)
  /// To every member of the domain but the port it came from; `Switch.nextReceiver` names them.
  case flood(DomainIndex, from: PortIndex)
  /// A slow protocols frame (LACP, marker) on a bond: to the slow path.
  case slowProtocol
  /// It came in by a routed port, untagged or with a priority tag: to the router. The router looks at its source.
  case route(PortIndex)
}

/// The form in which a frame leaves.
public enum TagForm {
  /// `tagControl` of a frame that leaves without a tag.
  public static let untagged: Int32 = -1
}

extension Switch {
  /// Decides about a frame of `header` that came in by `nic`, and learns its source.
  ///
  /// `now`: second on the worker's clock. `sites`: what `sites` has said of this header since the last change, if it
  /// was asked. The checks stand in the order in which architecture and standard give them precedence: a frame that is
  /// malformed or reserved is that, whatever the port's role.
  @inlinable
  public mutating func decide(
    _ header: FrameHeader, from nic: NICIndex, at now: UInt32, sites: Sites = Sites()
  ) -> Verdict {
    let port = unsafe Int(portOfNIC[nic.value])
    if header.destination.isReserved {
      guard header.destination.isSlowProtocols else { return .drop(.reservedAddress) }
      return unsafe port != 0 && ports[port].isBond && !header.isTagged ? .slowProtocol : .drop(.slowProtocol)
    }
    guard port != 0 else { return .drop(.noPort) }
    let entry = unsafe ports[port]
    if entry.isBond, !takes(header, by: nic, entry, port, at: now) { return .drop(.bondStandby) }
    switch entry.role {
    case .absent: return .drop(.noPort)
    case .dark: return .drop(.noVLAN)
    // A priority tag names no VLAN: IEEE 802.1Q-2018 6.9. What names one is switched, also where the rest is routed.
    case .routed: if header.vid == 0 { return .route(PortIndex(port)) }
    case .switched: break
    case .shut:
      guard entry.held == .routed, header.vid == 0 else { return .drop(.loopGuard) }
      return .route(PortIndex(port))
    }
    guard header.source.isValidSource else { return .drop(.invalidSource) }
    let domain: Int
    switch Self.classify(header, entry) {
    case .domain(let number): domain = Int(number)
    case .refused(let reason): return .drop(reason)
    }
    let index = DomainIndex(domain)
    let origin = PortIndex(port)
    stations.learn(header.source, in: index, on: origin, at: now, buckets: sites.source)
    guard !header.destination.isGroup,
      let target = stations.port(of: header.destination, in: index, at: now, buckets: sites.destination)
    else { return .flood(index, from: origin) }
    guard target != origin else { return .drop(.samePort) }
    let egress = unsafe ports[target.value]
    let isTagged = Int(egress.untaggedDomain) != domain
    guard isTagged || !Self.wouldHop(header, egress) else { return .drop(.vlanNotAllowed) }
    let tag = tagControl(header, domain: domain, isTagged: isTagged)
    switch carrier(of: target.value) {
    case .none: return .flood(index, from: origin)
    case .one(let carrier): return .forward(NICIndex(Int(carrier)), tagControl: tag)
    case .either: return .balance(target, tagControl: tag)
    }
  }

  /// Where in the station table `decide` will look for a frame's two stations, as far as is known before.
  public struct Sites: BitwiseCopyable, Sendable {
    public var source = StationTable.Buckets.unknown
    public var destination = StationTable.Buckets.unknown
    @inlinable public init() {}
  }

  /// The sites of a frame that came in by `nic`, a switched port: for a batch, to have all of them loaded at once.
  @inline(always) @inlinable
  public borrowing func sites(of header: FrameHeader, from nic: NICIndex) -> Sites {
    var sites = Sites()
    let port = unsafe Int(portOfNIC[nic.value])
    guard case .domain(let number) = Self.classify(header, unsafe ports[port]) else { return sites }
    let domain = DomainIndex(Int(number))
    let source = StationTable.key(header.source, domain)
    if source != stations.speaker.key { sites.source = stations.buckets(of: source) }
    if !header.destination.isGroup {
      sites.destination = stations.buckets(of: StationTable.key(header.destination, domain))
    }
    return sites
  }

  @usableFromInline enum Classified: BitwiseCopyable { case domain(UInt16), refused(DropReason) }

  /// The domain of a frame on a switched port, or of a tagged one on a routed port. Source: IEEE 802.1Q-2018 6.9,
  /// 8.6.2.
  @inline(always) @inlinable
  static func classify(_ header: FrameHeader, _ entry: PortEntry) -> Classified {
    if header.vid == 0 {
      return entry.untaggedDomain == 0 ? .refused(.untaggedNotAllowed) : .domain(entry.untaggedDomain)
    }
    if let map = unsafe entry.domainOfVID {
      let domain = unsafe map[Int(header.vid)]
      return domain == 0 ? .refused(.vlanNotAllowed) : .domain(domain)
    }
    return header.vid == entry.untaggedVID ? .domain(entry.untaggedDomain) : .refused(.vlanNotAllowed)
  }

  /// Whether a frame that leaves `egress` without its tag would arrive in another VLAN there: a second tag is behind
  /// the first, and the receiver takes tags. The sender need not be in that VLAN.
  @inline(always) @inlinable
  static func wouldHop(_ header: FrameHeader, _ egress: PortEntry) -> Bool {
    guard header.etherType == EtherType.customerTag else { return false }
    return unsafe egress.domainOfVID != nil
  }

  /// The tag of a frame of `domain` where it leaves: PCP and DEI stay, the VID is the domain's.
  @inline(always) @inlinable
  borrowing func tagControl(_ header: FrameHeader, domain: Int, isTagged: Bool) -> Int32 {
    isTagged ? Int32(header.priority) | Int32(unsafe domains[domain].vid) : TagForm.untagged
  }

  /// The next receiver of a flooded frame, from place `place` of the domain's member list on; `nil` when there is no
  /// more.
  ///
  /// The caller starts at 0 and continues at the place returned. `flowHash` chooses the member of a bond. A receiver
  /// that cannot have the frame is reported with `isUp` false, so that the frame is counted.
  @inline(always) @inlinable
  public borrowing func nextReceiver(
    of header: FrameHeader, flowHash: UInt32, in domain: DomainIndex, from origin: PortIndex, place: Int
  ) -> Receiver? {
    let entry = unsafe domains[domain.value]
    var index = place
    while index < Int(entry.memberCount) {
      let member = unsafe entry.members![index]
      index &+= 1
      guard Int(member.port) != origin.value else { continue }
      let port = Int(member.port)
      let egress = unsafe ports[port]
      let isHop = !member.isTagged && Self.wouldHop(header, egress)
      let carrier = self.member(of: PortIndex(port), for: flowHash)
      let isShut = unsafe ports[port].role == .shut
      return Receiver(
        nic: carrier ?? firstMember(of: port), isUp: carrier != nil && !isShut && !isHop, isShut: isShut, isHop: isHop,
        tagControl: tagControl(header, domain: domain.value, isTagged: member.isTagged), next: index)
    }
    return nil
  }

  /// How an untagged frame for whoever is behind `port` leaves by it.
  @inline(always) @inlinable
  public borrowing func egress(by port: PortIndex) -> Verdict {
    switch carrier(of: port.value) {
    case .none: .drop(.linkDown)
    case .one(let carrier): .forward(NICIndex(Int(carrier)), tagControl: TagForm.untagged)
    case .either: .balance(port, tagControl: TagForm.untagged)
    }
  }
}

/// One receiver of a flooded frame.
public struct Receiver: BitwiseCopyable, Sendable {
  public let nic: NICIndex
  /// False: no link of the port is up, the port is shut, or the frame would hop, and it is lost for the port.
  public let isUp: Bool
  public let isShut: Bool
  /// Its second tag would make it one of another VLAN there.
  public let isHop: Bool
  public let tagControl: Int32
  /// Where to go on.
  public let next: Int

  @inlinable init(nic: NICIndex, isUp: Bool, isShut: Bool, isHop: Bool, tagControl: Int32, next: Int) {
    self.nic = nic
    self.isUp = isUp
    self.isShut = isShut
    self.isHop = isHop
    self.tagControl = tagControl
    self.next = next
  }
}
