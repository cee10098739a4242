import CPort

/// A way out of the rack that is no cable: frames go to an Ethernet interface of the daemon's own namespace, as if its
/// own system had sent them. Nothing comes in.
///
/// The socket stays at the interface that it was opened for, whatever that is called later.
///
/// ## Threads
/// Any.
public final class PacketOutlet: Sendable {
  private let descriptor: Int32
  public let device: String

  /// Opens a way to the interface that is called `device` now.
  public init(device: String) throws(PortsFault) {
    self.device = device
    let result = unsafe cport_packet_open(device)
    descriptor = Int32(try PortsFault.check(result, "sending to interface \(device)"))
  }

  deinit { cport_close(descriptor) }

  /// Sends one frame, its virtio header first. False: the interface did not take it, being down, gone or full, or the
  /// frame longer than its MTU.
  @unsafe public func write(_ frame: UnsafeRawBufferPointer) -> Bool {
    unsafe cport_packet_write(descriptor, frame.baseAddress, frame.count) >= 0
  }

  /// Whether what is sent comes out of `tap`, and so into the switch.
  public func leads(to tap: borrowing TAP) -> Bool { cport_packet_leads_to(descriptor, tap.descriptor) == 1 }
}
