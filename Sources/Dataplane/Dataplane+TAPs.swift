package import Ports
public import Switching

/// The TAPs of attached NICs, for those who administrate interfaces.
extension Dataplane {
  /// Calls `body` with the TAP of `nic`; `nil`: it is not attached.
  package func withTAP<Result>(
    of nic: NICIndex, _ body: (borrowing TAP) throws(PortsFault) -> Result
  ) throws(PortsFault) -> Result? {
    guard let attached = attached(nic) else { return nil }
    return try body(attached.tap)
  }

  /// Those of all attached NICs whose interface is gone. Takes no lock of the kernel's network.
  public func gone() -> [NICIndex] {
    let all = attachedNICs()
    let gone = TAP.findGone(all.map { $0.1.tap.descriptor })
    return zip(all, gone).compactMap { $1 ? $0.0 : nil }
  }

  /// Whether the interface is up on the server's side, plugged or not. Takes no lock of the kernel's network.
  public func isUp(_ nic: NICIndex) -> Bool { attached(nic)?.tap.isUp() ?? false }

  public func isAttached(_ nic: NICIndex) -> Bool { attached(nic) != nil }
}
