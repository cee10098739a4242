public import Net
public import Wire

/// What a frame is to the switch before anything is decided about it: by which port it came, in which domain it is, and
/// where in the station table its two stations would be.
///
/// Made by `Switch.look`, which changes nothing, so that it can be made for a whole batch before the first of its frames
/// is decided about. It holds until the next change of the forwarding tables; what links do, and what bonds are heard to
/// say, it does not contain.
public struct Passage: BitwiseCopyable, Sendable {
  public enum Way: BitwiseCopyable, Sendable {
    /// Whatever else is true of it, it goes no further.
    case refused(DropReason)
    /// To the slow path: LACP and markers of a bond.
    case slowProtocol
    /// Untagged or with a priority tag, on a routed port.
    case routed
    case switched(DomainIndex)
  }

  /// What `way`, `port` and `isBond` say, in one word, because a batch keeps one for each frame: fields that are written
  /// one by one and read together cost a frame 2 ns.
  ///
  ///     0      8        16     32     48
  ///     ┌──────┬────────┬──────┬──────┬────────┐
  ///     │ kind │ reason │ bond │ port │ domain │   kind: 0 refused, 1 slow protocol, 2 routed, 3 switched
  ///     └──────┴────────┴──────┴──────┴────────┘
  @usableFromInline let word: UInt64
  /// Where in the station table the two are; unknown where there is nothing to look for.
  public var source: StationTable.Buckets
  public var destination: StationTable.Buckets

  @inline(always) @inlinable init(_ way: Way, port: PortIndex, isBond: Bool = false) {
    let kind: UInt64 =
      switch way {
      case .refused(let reason): UInt64(reason.rawValue) << 8
      case .slowProtocol: 1
      case .routed: 2
      case .switched(let domain): 3 | UInt64(truncatingIfNeeded: domain.value) << 48
      }
    word = kind | (isBond ? 1 << 16 : 0) | UInt64(truncatingIfNeeded: port.value) << 32
    (source, destination) = (.unknown, .unknown)
  }

  @inline(always) @inlinable public var way: Way {
    switch word & 0xFF {
    case 3: .switched(DomainIndex(Int(word >> 48)))
    case 2: .routed
    case 1: .slowProtocol
    // Every raw value in a word was a reason's.
    default: .refused(DropReason(rawValue: UInt8(truncatingIfNeeded: word >> 8)) ?? .noPort)
    }
  }

  /// 0: the NIC has none.
  @inline(always) @inlinable public var port: PortIndex { PortIndex(Int(word >> 32 & 0xFFFF)) }

  /// The port is a bond, and the frame none of its own protocol: whether its member is heard is still to be asked.
  @inline(always) @inlinable public var isBond: Bool { word & 1 << 16 != 0 }

  /// Of no frame.
  @inlinable public init() { self.init(.refused(.noPort), port: PortIndex(0)) }

  /// The domain that it is in; nil: none, or it goes no further.
  @inline(always) @inlinable public var domain: DomainIndex? {
    word & 0xFF == 3 ? DomainIndex(Int(word >> 48)) : nil
  }
}

extension Switch {
  /// Looks at a frame of `header` that came in by `nic`.
  ///
  /// The checks stand in the order in which architecture and standard give them precedence: a frame that is malformed or
  /// reserved is that, whatever the port's role.
  @inline(always) @inlinable
  public borrowing func look(_ header: FrameHeader, from nic: NICIndex) -> Passage {
    let number = unsafe Int(portOfNIC[nic.value])
    let port = PortIndex(number)
    let entry = unsafe ports[number]
    if header.destination.isReserved {
      guard header.destination.isSlowProtocols else { return Passage(.refused(.reservedAddress), port: port) }
      let isOurs = entry.isBond && number != 0 && !header.isTagged
      return Passage(isOurs ? .slowProtocol : .refused(.slowProtocol), port: port)
    }
    guard number != 0 else { return Passage(.refused(.noPort), port: port) }
    func refused(_ reason: DropReason) -> Passage { Passage(.refused(reason), port: port, isBond: entry.isBond) }
    switch entry.role {
    case .absent: return refused(.noPort)
    case .dark: return refused(.noVLAN)
    // A priority tag names no VLAN: IEEE 802.1Q-2018 6.9. What names one is switched, also where the rest is routed.
    case .routed: if header.vid == 0 { return Passage(.routed, port: port, isBond: entry.isBond) }
    case .switched: break
    case .shut:
      guard entry.held == .routed, header.vid == 0 else { return refused(.loopGuard) }
      return Passage(.routed, port: port, isBond: entry.isBond)
    }
    guard header.source.isValidSource else { return refused(.invalidSource) }
    switch Self.classify(header, entry) {
    case .refused(let reason): return refused(reason)
    case .domain(let number):
      let domain = DomainIndex(Int(number))
      var passage = Passage(.switched(domain), port: port, isBond: entry.isBond)
      let source = StationTable.key(header.source, domain)
      if source != stations.speaker.key { passage.source = stations.buckets(of: source) }
      if !header.destination.isGroup {
        passage.destination = stations.buckets(of: StationTable.key(header.destination, domain))
      }
      return passage
    }
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

  /// The domain of a frame that leaves by `nic`, with the tag of control field `tagControl` or with none; nil: none, as
  /// of what is routed.
  public borrowing func domain(leavingBy nic: NICIndex, tagControl: UInt16?) -> DomainIndex? {
    let entry = unsafe ports[Int(portOfNIC[nic.value])]
    let vid = Int(tagControl ?? 0) & 0xFFF
    let number =
      if vid == 0 { entry.untaggedDomain } else if let map = unsafe entry.domainOfVID { unsafe map[vid] } else {
        entry.untaggedVID == UInt16(vid) ? entry.untaggedDomain : 0
      }
    return number == 0 ? nil : DomainIndex(Int(number))
  }
}
