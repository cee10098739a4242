import CPort

/// One TAP interface: the switch's end of a NIC's cable. Owns the descriptor.
///
/// A persistent interface outlives the process that holds it: the descriptor's closing pulls the cable and no more.
/// Reads and writes carry a 12-byte virtio-net header (`VirtioNetHeader`) before each frame.
public struct TAP: ~Copyable, Sendable {
  /// Valid while the value lives.
  let descriptor: Int32
  public let name: String
  public let namespace: String?
  /// What the kernel leaves to us; all of it since Linux 6.2.
  public let offloads: Offloads

  /// Frames that a NIC's own system queues for the switch; the kernel's default is 1000. At half a million frames a
  /// second they last eight milliseconds, in which a busy machine may take a worker's core away; hardware has rings of
  /// this size. 8 bytes of kernel memory each. `docs/decisions/0014`.
  public static let queueLength = 4096

  public struct Offloads: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let checksum = Offloads(rawValue: 1)
    public static let tcpSegmentation = Offloads(rawValue: 2)
    public static let udpSegmentation = Offloads(rawValue: 4)
  }

  /// Creates the TAP `name`, or attaches to the persistent one of that name, inside `namespace` (nil: the process's
  /// own).
  ///
  /// A new one is not persistent yet: it is marked as ours first, so that a crash in between leaves nothing that nobody
  /// owns. `carrier`: whether its cable is plugged from now on.
  /// Throws EBUSY when another process holds it, EINVAL when an interface of that name exists and is no TAP of ours,
  /// ENAMETOOLONG over 15 bytes, EPERM without CAP_NET_ADMIN.
  public static func open(_ name: String, in namespace: String?, carrier: Bool = true) throws(PortsFault) -> TAP {
    try NetworkNamespaces.with(namespace) { (file) throws(PortsFault) -> Opened in
      try Opened(name, descriptor: file, namespace, carrier: carrier)
    }.tap(name, namespace)
  }

  /// The same inside a namespace that has no name.
  static func open(_ name: String, descriptor: Int32, carrier: Bool = true) throws(PortsFault) -> TAP {
    try Opened(name, descriptor: descriptor, nil, carrier: carrier).tap(name, nil)
  }

  /// What the kernel gives; generic code carries no noncopyable value.
  private struct Opened {
    let descriptor: Int32
    let offloads: UInt32

    init(_ name: String, descriptor file: Int32, _ namespace: String?, carrier: Bool) throws(PortsFault) {
      var offloads: UInt32 = 0
      descriptor = Int32(
        try PortsFault.check(
          unsafe cport_tap_open(file, name, carrier ? 1 : 0, &offloads), "opening \(place(name, namespace))"))
      self.offloads = offloads
    }

    func tap(_ name: String, _ namespace: String?) -> TAP {
      TAP(descriptor: descriptor, name: name, namespace: namespace, offloads: Offloads(rawValue: offloads))
    }
  }

  /// Wraps a descriptor that behaves as a TAP's does, a frame a read and a frame a write: one end of a datagram socket
  /// pair lets the whole forwarding plane run without root. Takes the descriptor over.
  package init(adopting descriptor: Int32, name: String) {
    self.init(descriptor: descriptor, name: name, namespace: nil, offloads: [])
  }

  private init(descriptor: Int32, name: String, namespace: String?, offloads: Offloads) {
    self.descriptor = descriptor
    self.name = name
    self.namespace = namespace
    self.offloads = offloads
  }

  deinit { cport_close(descriptor) }

  /// Whether the interface stays when nobody holds it.
  public borrowing func setPersistent(_ on: Bool) throws(PortsFault) {
    try PortsFault.check(
      cport_tap_set_persistent(descriptor, on ? 1 : 0), "making \(place(name, namespace)) persistent")
  }

  /// Plugs or pulls the cable.
  public borrowing func setCarrier(_ on: Bool) throws(PortsFault) {
    try PortsFault.check(cport_tap_set_carrier(descriptor, on ? 1 : 0), "setting carrier of \(place(name, namespace))")
  }

  /// Whether the interface is up on the server's side. False when it is gone.
  public borrowing func isUp() -> Bool { cport_tap_is_up(descriptor) == 1 }

  /// Sends one frame, its virtio header first. Any thread may. False: the interface did not take it, being down or
  /// gone.
  public borrowing func write(_ frame: [UInt8]) -> Bool {
    unsafe frame.withUnsafeBytes { unsafe cport_write(descriptor, $0.baseAddress, $0.count) == $0.count }
  }

  /// Ends the interface: it is gone when this returns.
  public consuming func remove() throws(PortsFault) { try setPersistent(false) }
}
