import CPort

/// One TAP interface: the switch's end of a NIC's cable. Owns the descriptor.
///
/// A persistent interface outlives the process that holds it: the descriptor's closing pulls the cable and no more.
/// Reads and writes carry a 12-byte virtio-net header (`VirtioNetHeader`) before each frame.
public struct TAP: ~Copyable, Sendable {
  /// Valid while the value lives.
  package let descriptor: Int32
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

  /// Wraps a descriptor that behaves as a TAP's does, a frame a read and a frame a write: one end of a datagram socket
  /// pair lets the whole forwarding plane run without root. Takes the descriptor over.
  package init(adopting descriptor: Int32, name: String) {
    self.init(descriptor: descriptor, name: name, namespace: nil, offloads: [])
  }

  /// Takes over the descriptor of an interface that is attached: `TAP.open` of `Host` makes such.
  package init(descriptor: Int32, name: String, namespace: String?, offloads: Offloads) {
    self.descriptor = descriptor
    self.name = name
    self.namespace = namespace
    self.offloads = offloads
  }

  deinit { cport_close(descriptor) }

  /// Whether the interface stays when nobody holds it.
  public borrowing func setPersistent(_ on: Bool) throws(PortsFault) {
    try PortsFault.check(
      cport_tap_set_persistent(descriptor, on ? 1 : 0), "making \(interfaceWords(name, namespace)) persistent")
  }

  /// Plugs or pulls the cable.
  public borrowing func setCarrier(_ on: Bool) throws(PortsFault) {
    try PortsFault.check(
      cport_tap_set_carrier(descriptor, on ? 1 : 0), "setting carrier of \(interfaceWords(name, namespace))")
  }

  /// Whether the interface is up on the server's side. False when it is gone.
  public borrowing func isUp() -> Bool { cport_tap_is_up(descriptor) == 1 }

  /// Sends one frame, its virtio header first. Any thread may. False: the interface did not take it, being down or
  /// gone.
  public borrowing func write(_ frame: [UInt8]) -> Bool {
    unsafe frame.withUnsafeBytes { unsafe cport_write(descriptor, $0.baseAddress, $0.count) == $0.count }
  }

  /// The same of bytes that lie anywhere.
  @unsafe public borrowing func write(_ frame: UnsafeRawBufferPointer) -> Bool {
    unsafe cport_write(descriptor, frame.baseAddress, frame.count) == frame.count
  }

  /// Ends the interface: it is gone when this returns.
  public consuming func remove() throws(PortsFault) { try setPersistent(false) }

  /// Which of `taps` are gone, in their order. Cheap: one system call for all of them.
  public static func findGone(_ descriptors: [Int32]) -> [Bool] {
    var gone = [UInt8](repeating: 0, count: descriptors.count)
    var first = 0
    while first < descriptors.count {
      let count = min(16_384, descriptors.count - first)
      let part = Array(descriptors[first..<first + count])
      var answer = [UInt8](repeating: 0, count: count)
      if unsafe cport_tap_find_gone(part, &answer, Int32(count)) == 0 {
        gone.replaceSubrange(first..<first + count, with: answer)
      }
      first += count
    }
    return gone.map { $0 != 0 }
  }
}
