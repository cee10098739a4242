public import Switching
import Wire

/// A packet that the worker's `Router` does not forward itself, on its way to the slow path's `Gateway`.
public struct SlowPacket: Sendable {
  /// Why it is here. Raw values cross a ring between two threads.
  public enum Kind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// ARP, neighbour discovery, DHCP, and everything that is addressed to the gateway or to a group. As it came.
    case local = 0
    /// Its TTL or hop limit does not let it be forwarded. As it came. Answer: time exceeded.
    case timeExceeded
    /// No route: an unassigned address of a pool, or no way out. As it came. Answer: network or host unreachable.
    case noRoute
    /// Larger than the MTU of `neighbour`'s interface, and may not be fragmented, or not for so small an MTU. As it
    /// came. Answer: too big.
    case tooBig
    /// Larger than the MTU of `neighbour`'s interface, IPv4 without DF. Ready to be sent (TTL decremented) but for its size and the
    /// destination MAC.
    case fragment
    /// `neighbour`'s MAC address is not known. Ready to be sent (TTL decremented) but for the destination MAC, offloads intact.
    case resolve
    /// No packet: the stale `neighbour` has been sent to, so whether it is still there is worth asking.
    case used
  }

  public var kind: Kind
  /// The interface that it came in by.
  public var ingress: PortIndex
  /// The NIC that it came in by: where a drop is counted.
  public var nic: NICIndex
  /// Of `tooBig`, `fragment`, `resolve`, `used`.
  public var neighbour: Neighbour
  /// 12 bytes of virtio header, then the frame without a tag. Of an error's cause at least the first 1514 bytes of the frame
  /// (`timeExceeded`, `noRoute`, `tooBig`), else all of it.
  public var bytes: [UInt8]

  public init(kind: Kind, ingress: PortIndex, nic: NICIndex, neighbour: Neighbour, bytes: [UInt8]) {
    (self.kind, self.ingress, self.nic, self.neighbour, self.bytes) = (kind, ingress, nic, neighbour, bytes)
  }
}
