package import Ports
package import Switching

/// What holds the descriptors of attached NICs: the forwarding plane, as far as the administration of interfaces needs
/// it. `Dataplane` is one; this keeps `Host` below it.
///
/// Where an interface is, is asked of the kernel by its descriptor, so that neither a name nor an alias is believed.
///
/// ## Threads
/// Any.
package protocol NICPlane: Sendable {
  /// Takes `tap` in as `nic`. `mtu`: what its interface is set to. `carrier`: whether it was opened with its cable
  /// plugged.
  func attach(_ tap: consuming TAP, as nic: NICIndex, mtu: Int, carrier: Bool) async throws(PortsFault)

  /// Gives `nic` up, and ends its interface with `removing`. Runs where the caller does.
  func detach(_ nic: NICIndex, removing: Bool, isolation: isolated (any Actor)?) async

  /// Calls `body` with the TAP of `nic`; `nil`: it is not attached.
  func withTAP<Result>(
    of nic: NICIndex, _ body: (borrowing TAP) throws(PortsFault) -> Result
  ) throws(PortsFault) -> Result?

  func isAttached(_ nic: NICIndex) -> Bool

  /// Those of all attached NICs whose interface is gone. Takes no lock of the kernel's network.
  func gone() -> [NICIndex]

  /// Whether the interface is up on the server's side, plugged or not. Takes no lock of the kernel's network.
  func isUp(_ nic: NICIndex) -> Bool

  /// Plugs or pulls the cable.
  func setCarrier(_ nic: NICIndex, _ isOn: Bool)

  /// Tells that the interface of `nic` takes packets of `mtu` bytes now.
  func setMTU(_ mtu: Int, of nic: NICIndex) async
}

/// Each of these waits for the kernel's lock of network changes.
extension NICPlane {
  /// `nil`: the interface is gone, or the NIC is not attached.
  package func place(of nic: NICIndex) throws(PortsFault) -> TAPPlace? {
    try withTAP(of: nic) { (tap) throws(PortsFault) in try tap.whereabouts() } ?? nil
  }

  /// The namespace in which the NIC was attached, also when its interface is gone. `nil`: it is not attached.
  package func home(of nic: NICIndex) -> NamespaceHandle? {
    try? withTAP(of: nic) { (tap) throws(PortsFault) in try tap.home() }
  }

  /// Sets what is given, wherever the interface is. False: it is gone, or the NIC is not attached.
  @discardableResult
  package func configure(_ nic: NICIndex, mtu: Int? = nil, alias: String? = nil) throws(PortsFault) -> Bool {
    try withTAP(of: nic) { (tap) throws(PortsFault) in try tap.configure(mtu: mtu, alias: alias) } ?? false
  }

  /// Moves the interface to `space` as `name`. False: it is gone, or the NIC is not attached.
  package func move(_ nic: NICIndex, to space: NamespaceHandle, name: String) throws(PortsFault) -> Bool {
    try withTAP(of: nic) { (tap) throws(PortsFault) in try tap.move(to: space, name: name) } ?? false
  }

  package func attach(_ tap: consuming TAP, as nic: NICIndex, mtu: Int) async throws(PortsFault) {
    try await attach(tap, as: nic, mtu: mtu, carrier: true)
  }
}
