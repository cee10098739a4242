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
  /// What becomes of a frame of `header`, whose way is `passage`. Changes nothing; the frame's source has been learned,
  /// if that was to be. `now`: second on the worker's clock.
  @inline(always) @inlinable
  public borrowing func decide(_ passage: Passage, _ header: FrameHeader, at now: UInt32) -> Verdict {
    switch passage.way {
    case .refused(let reason): return .drop(reason)
    case .slowProtocol: return .slowProtocol
    case .routed: return .route(passage.port)
    case .switched(let domain): return decide(passage, header, in: domain, at: now)
    }
  }

  @inline(always) @inlinable
  borrowing func decide(
    _ passage: Passage, _ header: FrameHeader, in domain: DomainIndex, at now: UInt32
  ) -> Verdict {
    // What a station sends to itself: also where it could not be learned.
    guard header.source != header.destination else { return .drop(.samePort) }
    guard !header.destination.isGroup,
      let target = stations.port(of: header.destination, in: domain, at: now, buckets: passage.destination)
    else { return .flood(domain, from: passage.port) }
    guard target != passage.port else { return .drop(.samePort) }
    let egress = unsafe ports[target.value]
    let isTagged = Int(egress.untaggedDomain) != domain.value
    guard isTagged || !Self.wouldHop(header, egress) else { return .drop(.vlanNotAllowed) }
    let tag = tagControl(header, domain: domain.value, isTagged: isTagged)
    switch carrier(of: target.value) {
    case .none: return .flood(domain, from: passage.port)
    case .one(let carrier): return .forward(NICIndex(Int(carrier)), tagControl: tag)
    case .either: return .balance(target, tagControl: tag)
    }
  }

  /// Learns where the source of a frame is whose way is `passage`.
  @inline(always) @inlinable
  public mutating func learn(_ passage: Passage, _ header: FrameHeader, at now: UInt32) {
    guard case .switched(let domain) = passage.way else { return }
    stations.learn(header.source, in: domain, on: passage.port, at: now, buckets: passage.source)
  }

  /// All steps at once, for a frame of `header` that came in by `nic`: looks, hears, learns, decides. A worker has
  /// looked before, at a whole batch: `passage`.
  @inline(always) @inlinable
  public mutating func forward(
    _ header: FrameHeader, from nic: NICIndex, at now: UInt32, as passage: Passage
  ) -> Verdict {
    if passage.isBond, !takes(header, by: nic, passage, at: now) { return .drop(.bondStandby) }
    learn(passage, header, at: now)
    return decide(passage, header, at: now)
  }

  @inlinable
  public mutating func forward(_ header: FrameHeader, from nic: NICIndex, at now: UInt32) -> Verdict {
    forward(header, from: nic, at: now, as: look(header, from: nic))
  }

  /// Whether a frame that leaves `egress` without its tag would arrive in another VLAN there: a second tag is behind
  /// the first, and the receiver takes tags. The sender need not be in that VLAN.
  @inline(always) @inlinable
  static func wouldHop(_ header: FrameHeader, _ egress: PortEntry) -> Bool {
    guard header.etherType == FrameHeader.tagProtocol else { return false }
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
