public import Net
public import Observers
public import Switching
import Synchronization

/// Which frames are copied, and to whom.
public struct MirrorOrder: Sendable {
  public enum End: Hashable, Sendable {
    /// A NIC: the frames come to its server. Nothing else may be sent there.
    case nic(NICIndex)
    /// An Ethernet interface of the daemon's own namespace.
    case device(String)
    /// Nobody now, for a reason in words: all is lost.
    case nowhere(String)
  }

  public var nics: WatchOrder.NICs
  public var directions: WatchOrder.Directions
  /// Only frames of this broadcast domain; nil: whatever they are in.
  public var domain: DomainIndex?
  /// The C-tag that each frame has in its copy; nil: as on the wire.
  public var tag: VLANID?
  /// Nil: every frame.
  public var filter: FrameFilter?
  public var end: End

  public init(
    nics: WatchOrder.NICs, directions: WatchOrder.Directions = .both, domain: DomainIndex? = nil, tag: VLANID? = nil,
    filter: FrameFilter? = nil, end: End
  ) {
    (self.nics, self.directions, self.domain) = (nics, directions, domain)
    (self.tag, self.filter, self.end) = (tag, filter, end)
  }

  var watch: WatchOrder {
    var order = WatchOrder(nics: nics, directions: directions, domain: domain, filter: filter)
    order.strayDrops = false
    return order
  }

  /// Whether a watch for the one does for the other, but for the NICs.
  func looksLike(_ other: MirrorOrder) -> Bool {
    directions == other.directions && domain == other.domain && filter?.expression == other.filter?.expression
  }
}

/// What a mirror has done.
public struct MirrorReport: Hashable, Sendable {
  /// Frames that its end has taken.
  public var sent: UInt64
  /// Frames that found no room, or that its end did not take.
  public var lost: UInt64
  /// Why its end takes nothing, in words; nil: it does, as far as is known.
  public var fault: String?

  public init(sent: UInt64 = 0, lost: UInt64 = 0, fault: String? = nil) {
    (self.sent, self.lost, self.fault) = (sent, lost, fault)
  }
}

/// The counts of one mirror. Written by the mirror thread, read by any.
final class MirrorCounts: Sendable {
  private let sent = Atomic<UInt64>(0)
  private let lost = Atomic<UInt64>(0)
  /// Why its end takes nothing.
  let fault = Mutex<String?>(nil)

  func count(isSent: Bool) {
    if isSent {
      sent.wrappingAdd(1, ordering: .relaxed)
    } else {
      lost.wrappingAdd(1, ordering: .relaxed)
    }
  }

  /// Frames for which a watch had no room, which is over.
  func add(lost count: UInt64) { lost.wrappingAdd(count, ordering: .relaxed) }

  /// With what the watch that runs has lost.
  func report(_ watch: FrameWatch?) -> MirrorReport {
    MirrorReport(
      sent: sent.load(ordering: .relaxed), lost: lost.load(ordering: .relaxed) &+ (watch?.lost ?? 0),
      fault: fault.withLock(\.self))
  }
}
