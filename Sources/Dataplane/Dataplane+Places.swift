public import Ports
public import Switching

/// Where the interfaces of attached NICs are: asked of the kernel by the descriptors that the plane holds, so that
/// neither a name nor an alias is believed.
///
/// Each of these waits for the kernel's lock of network changes, but `gone` and `isUp`.
extension Dataplane {
  /// `nil`: the interface is gone, or the NIC is not attached.
  public func place(of nic: NICIndex) throws(PortsFault) -> TAPPlace? { try attached(nic)?.tap.whereabouts() }

  /// The namespace in which the NIC was attached, also when its interface is gone. `nil`: it is not attached.
  public func home(of nic: NICIndex) -> NamespaceHandle? { try? attached(nic)?.tap.home() }

  /// Sets what is given, wherever the interface is. False: it is gone, or the NIC is not attached.
  @discardableResult
  public func configure(_ nic: NICIndex, mtu: Int? = nil, alias: String? = nil) throws(PortsFault) -> Bool {
    try attached(nic)?.tap.configure(mtu: mtu, alias: alias) ?? false
  }

  /// Moves the interface to `space` as `name`. False: it is gone, or the NIC is not attached.
  public func move(_ nic: NICIndex, to space: NamespaceHandle, name: String) throws(PortsFault) -> Bool {
    try attached(nic)?.tap.move(to: space, name: name) ?? false
  }

  /// Those of all attached NICs whose interface is gone.
  public func gone() -> [NICIndex] {
    let all = attachedNICs()
    let gone = TAP.findGone(all.map { $0.1.tap.watched })
    return zip(all, gone).compactMap { $1 ? $0.0 : nil }
  }

  /// Whether the interface is up on the server's side, plugged or not. Takes no lock of the kernel's network.
  public func isUp(_ nic: NICIndex) -> Bool { attached(nic)?.tap.isUp() ?? false }

  public func isAttached(_ nic: NICIndex) -> Bool { attached(nic) != nil }
}
