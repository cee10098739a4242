/// A NIC of a virtual machine, and what is behind it on the host.
public struct VirtualNIC: Hashable, Sendable {
  /// Where the frames go.
  public enum Back: Hashable, Sendable {
    /// A TAP that is there, by the name of its interface. Netfilter moves frames between it and the server's NIC.
    case tap(String)
    /// The descriptor of a macvtap's device, open in the process that QEMU is started by; and the interface, for those
    /// who open it by themselves.
    case macvtap(descriptor: Int, interface: String)
  }

  /// As the server calls it: `eth0`.
  public var name: String
  /// The server's own, as `02:00:00:00:00:01`.
  public var mac: String
  public var back: Back

  public init(name: String, mac: String, back: Back) { (self.name, self.mac, self.back) = (name, mac, back) }

  /// The interface on the host.
  public var interface: String {
    switch back {
    case .tap(let name), .macvtap(_, let name): name
    }
  }

  /// What a NIC says of its speed. A virtio NIC without a speed is never bonded: Linux sends no LACPDUs on a link whose
  /// speed it does not know.
  public static let (speed, duplex) = (10_000, "full")
}
