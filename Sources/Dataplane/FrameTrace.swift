public import Gateway
import Net
public import Switching
public import Wire

/// What the forwarding plane would do with one frame, step by step.
public struct FrameTrace: Sendable, Equatable {
  public enum Step: Sendable, Equatable {
    /// The frame has this header.
    case header(FrameHeader)
    /// It has none that a switch could work with; or its virtio header does not fit it.
    case unreadable(DropReason)
    /// It comes in by this port.
    case port(PortIndex, PortState.Role, isShut: Bool)
    /// The NIC has none that is on the wire.
    case noPort
    /// Frames by this member of the bond are taken, or not.
    case bond(isHeard: Bool)
    /// It is refused where it comes in.
    case refused(DropReason)
    /// LACP or a marker: to the slow path.
    case slowProtocol
    /// It is in this domain: by its own tag, or as the port's untagged network.
    case domain(DomainIndex, byTag: Bool)
    /// Its source would be learned; `knownOn`: where the station was last heard.
    case source(knownOn: PortIndex?)
    /// The destination is a group, or was last heard on this port; nil: nobody has heard it.
    case group
    case destination(PortIndex?)
    /// The bond has this member carry the conversation.
    case member(PortIndex, NICIndex)
    /// The router's word.
    case routed(RouteVerdict)
    /// The way out of the router, nil: no member can send.
    case nextHop(PortIndex)
    /// A receiver of a flood, or the one that was to have it, cannot.
    case lost(NICIndex, DropReason)
  }

  public enum Verdict: Sendable, Equatable {
    case forward, flood, route
    /// To the gateway itself, or to a protocol of the link.
    case local
    case drop(DropReason)
  }

  /// A NIC that gets the frame; `tagControl`: the control field of its tag there, nil: it has none.
  public struct Egress: Sendable, Equatable {
    public let nic: NICIndex
    public let tagControl: UInt16?
  }

  public internal(set) var steps: [Step] = []
  public internal(set) var verdict = Verdict.drop(.noReceiver)
  public internal(set) var egress: [Egress] = []

  mutating func end(_ reason: DropReason) { verdict = .drop(reason) }
}

/// The forwarding path with a recorder: the same questions to the same tables, in the same order, of a frame that is
/// nobody's. Nothing is learned, counted, limited or sent.
///
/// What depends on how often something comes (`storm`, `gateway-busy`), on the receiver's own stack (`receiver-slow`) or
/// on a probe of the loop guard is not in it.
///
/// ## Threads
/// The worker's, between two batches.
struct Tracer: ~Copyable {
  private(set) var trace = FrameTrace()
  let now: UInt32

  init(at now: UInt32) { self.now = now }

  /// `frame` stands in memory of the caller's, with room for a tag before it.
  mutating func trace(_ frame: FrameBuffer, from nic: NICIndex, _ plane: borrowing Switch, _ router: borrowing Router) {
    let header: FrameHeader
    switch frame.decode() {
    case .fault(let fault):
      trace.steps.append(.unreadable(DropReason(fault)))
      return trace.end(DropReason(fault))
    case .header(let decoded): header = decoded
    }
    trace.steps.append(.header(header))
    guard frame.hasSoundOffload(header) else {
      trace.steps.append(.unreadable(.badOffload))
      return trace.end(.badOffload)
    }
    let passage = plane.look(header, from: nic)
    if let role = plane.role(of: passage.port) {
      trace.steps.append(.port(passage.port, role, isShut: plane.isShut(passage.port)))
    } else {
      trace.steps.append(.noPort)
    }
    if passage.isBond {
      let isHeard = plane.wouldTake(header, by: nic, passage, at: now)
      trace.steps.append(.bond(isHeard: isHeard))
      guard isHeard else { return refuse(.bondStandby) }
    }
    let size = frame.packetSize(header)
    switch plane.decide(passage, header, at: now) {
    case .drop(let reason):
      if let domain = passage.domain { enter(domain, header, passage, plane) }
      refuse(reason)
    case .slowProtocol:
      trace.steps.append(.slowProtocol)
      trace.verdict = .local
    case .route(let port): route(frame.withTag(TagForm.untagged, header), header, size, from: port, plane, router)
    case .forward(let target, let tagControl):
      if let domain = passage.domain { enter(domain, header, passage, plane) }
      trace.verdict = .forward
      give(target, tagControl, size, plane)
    case .balance(let port, let tagControl):
      if let domain = passage.domain { enter(domain, header, passage, plane) }
      trace.verdict = .forward
      guard let target = plane.member(of: port, for: frame.flowHash) else {
        return lose(plane.counter(of: port) ?? nic, .linkDown)
      }
      trace.steps.append(.member(port, target))
      give(target, tagControl, size, plane)
    case .flood(let domain, let origin):
      enter(domain, header, passage, plane)
      flood(frame, header, size, domain, origin, plane)
    }
  }

  private mutating func refuse(_ reason: DropReason) {
    trace.steps.append(.refused(reason))
    trace.end(reason)
  }

  private mutating func enter(
    _ domain: DomainIndex, _ header: FrameHeader, _ passage: Passage, _ plane: borrowing Switch
  ) {
    trace.steps.append(.domain(domain, byTag: header.vid != 0))
    trace.steps.append(.source(knownOn: plane.stations.port(of: header.source, in: domain, at: now)))
    guard !header.destination.isGroup else { return trace.steps.append(.group) }
    trace.steps.append(.destination(plane.stations.port(of: header.destination, in: domain, at: now)))
  }

  /// One receiver: what it cannot have is the frame's end.
  private mutating func give(_ nic: NICIndex, _ tagControl: Int32, _ size: Int, _ plane: borrowing Switch) {
    guard size <= plane.mtu(of: nic) else { return lose(nic, .mtuExceeded) }
    guard plane.isLinkUp(nic) else { return lose(nic, .linkDown) }
    add(nic, tagControl)
  }

  private mutating func lose(_ nic: NICIndex, _ reason: DropReason) {
    trace.steps.append(.lost(nic, reason))
    trace.end(reason)
  }

  private mutating func add(_ nic: NICIndex, _ tagControl: Int32) {
    trace.egress.append(
      FrameTrace.Egress(nic: nic, tagControl: tagControl < 0 ? nil : UInt16(truncatingIfNeeded: tagControl)))
  }

  private mutating func flood(
    _ frame: FrameBuffer, _ header: FrameHeader, _ size: Int, _ domain: DomainIndex, _ origin: PortIndex,
    _ plane: borrowing Switch
  ) {
    trace.verdict = .flood
    var place = 0
    let flowHash = frame.flowHash
    while let receiver = plane.nextReceiver(of: header, flowHash: flowHash, in: domain, from: origin, place: place) {
      place = receiver.next
      if !receiver.isUp {
        let reason: DropReason = receiver.isHop ? .vlanNotAllowed : receiver.isShut ? .loopGuard : .linkDown
        trace.steps.append(.lost(receiver.nic, reason))
      } else if size > plane.mtu(of: receiver.nic) {
        trace.steps.append(.lost(receiver.nic, .mtuExceeded))
      } else {
        add(receiver.nic, receiver.tagControl)
      }
    }
    if place == 0 { refuse(.noReceiver) }
  }

  private mutating func route(
    _ frame: FrameBuffer, _ header: FrameHeader, _ size: Int, from port: PortIndex, _ plane: borrowing Switch,
    _ router: borrowing Router
  ) {
    var frame = frame
    let judgement = router.judge(frame, header, packetSize: size, from: port)
    trace.steps.append(.routed(judgement.verdict))
    if let reason = judgement.fate { return trace.end(reason) }
    let neighbour: Neighbour
    switch judgement.verdict {
    case .forward(let next, _), .slow(.resolve, _, let next), .slow(.fragment, _, let next): neighbour = next
    case .slow, .drop:
      trace.verdict = .local
      return
    }
    trace.verdict = .route
    trace.steps.append(.nextHop(neighbour.port))
    router.rewrite(&frame, judgement)
    switch plane.egress(by: neighbour.port) {
    case .forward(let nic, tagControl: _): add(nic, TagForm.untagged)
    case .balance:
      guard let nic = plane.member(of: neighbour.port, for: frame.flowHash) else { return loseRouted(neighbour, plane) }
      trace.steps.append(.member(neighbour.port, nic))
      add(nic, TagForm.untagged)
    case .drop, .flood, .slowProtocol, .route: loseRouted(neighbour, plane)
    }
  }

  private mutating func loseRouted(_ neighbour: Neighbour, _ plane: borrowing Switch) {
    if let nic = plane.counter(of: neighbour.port) { lose(nic, .linkDown) } else { trace.end(.linkDown) }
  }
}

extension Dataplane {
  /// What would become of `frame` (from its destination address on) if `nic` gave it now; it changes nothing. nil: the
  /// NIC is not attached.
  public func trace(_ frame: [UInt8], from nic: NICIndex) async -> FrameTrace? {
    guard isAttached(nic) else { return nil }
    let bytes = [UInt8](repeating: 0, count: VirtioNetHeader.size) + frame
    return await withCheckedContinuation { continuation in
      crew.post(.trace(bytes, nic) { continuation.resume(returning: $0) }, toOwnerOf: nic)
    }
  }
}
