public import Wire

/// Ports that are shut: what comes in by them and what would leave by them is dropped (`loop-guard`).
///
/// A shut port has the role `shut`, and beside it the one that it had. So a frame that came in by it ends at the look
/// at the role that every frame takes, and costs nothing elsewhere. Its stations are forgotten and none are learned, so
/// frames to them become floods, and the flood leaves it out. What a routed port routes goes on: the gateway has limits
/// of its own, and whoever has to mend the loop comes by it. LACP goes on as well, so that the bond is there when the
/// port is opened.
extension Switch {
  /// Shuts `port` or opens it. A port that carries no domain is left alone: it cannot loop.
  public mutating func setShut(_ port: PortIndex, _ isShut: Bool) {
    var entry = unsafe ports[port.value]
    switch (isShut, entry.role) {
    case (true, .routed), (true, .switched):
      (entry.held, entry.role) = (entry.role, .shut)
      stations.flush(port, in: nil)
    case (false, .shut):
      (entry.role, entry.held) = (entry.held, .absent)
    default: return
    }
    unsafe ports[port.value] = entry
  }

  public borrowing func isShut(_ port: PortIndex) -> Bool { unsafe ports[port.value].role == .shut }

  /// Where a frame that is switched came in.
  public struct Arrival: Hashable, Sendable, BitwiseCopyable {
    public var port: PortIndex
    public var domain: DomainIndex
    public init(port: PortIndex, domain: DomainIndex) { (self.port, self.domain) = (port, domain) }
  }

  /// Where the frame of `header` that came in by `nic` would be switched, if its port is not shut or when it is opened;
  /// `nil`: nowhere.
  public borrowing func arrival(of header: FrameHeader, from nic: NICIndex) -> Arrival? {
    let port = unsafe Int(portOfNIC[nic.value])
    let entry = unsafe ports[port]
    guard port != 0, !entry.isBond || listens(to: nic, entry, port) else { return nil }
    switch entry.role == .shut ? entry.held : entry.role {
    case .absent, .dark, .shut: return nil
    case .routed: if header.vid == 0 { return nil }
    case .switched: break
    }
    guard case .domain(let domain) = Self.classify(header, entry) else { return nil }
    return Arrival(port: PortIndex(port), domain: DomainIndex(Int(domain)))
  }
}

extension PortProgram {
  /// Whether a port that does this after `old` is the same on the wire, with the same others. A port that is shut is
  /// opened when it is not: what looped may be gone with what changed.
  public func isSameWire(as old: PortProgram) -> Bool { role == old.role && members == old.members }
}
