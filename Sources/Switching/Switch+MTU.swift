// How large a packet a receiver takes. Each NIC's MTU is what its own system has set on the interface; the switch has
// none of its own but the limit. What a sender's interface is set to plays no part: `docs/decisions/0023`.

extension Switch {
  /// Largest network-layer packet that is carried, bytes, whatever the interfaces are set to: what switches usually
  /// have.
  public static var mtuLimit: Int { 9_216 }

  /// Largest network-layer packet that may leave by `nic`, bytes.
  @inline(always) @inlinable
  public borrowing func mtu(of nic: NICIndex) -> Int { unsafe Int(mtus[nic.value]) }

  /// The interface of `nic` takes packets of `mtu` bytes from now on.
  public mutating func setMTU(_ mtu: Int, of nic: NICIndex) {
    unsafe mtus[nic.value] = Int32(max(0, min(mtu, Self.mtuLimit)))
  }

  /// Largest packet that may leave by `port`, whichever of its members that are up carries it (of all, when none is
  /// up); nil: it has no member.
  public borrowing func mtu(of port: PortIndex) -> Int? {
    let entry = unsafe ports[port.value]
    let members = [entry.members.0, entry.members.1].prefix(Int(entry.memberCount)).map { NICIndex(Int($0)) }
    let up = members.filter { isLinkUp($0) }
    return (up.isEmpty ? members : up).map { mtu(of: $0) }.min()
  }

  /// The port of which `nic` is a member; nil: none.
  public borrowing func port(of nic: NICIndex) -> PortIndex? {
    let port = unsafe Int(portOfNIC[nic.value])
    return port == 0 ? nil : PortIndex(port)
  }
}
