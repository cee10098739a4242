/// How LACP names a server's bond and its links. Derived from the number alone, so the names survive restarts, and moves of
/// a NIC into the bond and out of it.
extension Server {
  /// Operational key of the bond: links of different servers never come together. Fits 16 bits.
  public var lacpKey: Int { number }

  /// Port number of a NIC, its own in the rack, from 1; fits 16 bits. eth0 has the odd one.
  ///
  /// - Parameter nic: `eth0` or `eth1`.
  public func lacpPort(_ nic: PortName) -> Int {
    precondition(nic != .bond0, "a bond is no link")
    return nic == .eth0 ? 2 * number - 1 : 2 * number
  }
}
