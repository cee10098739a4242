import Gateway
import Net
import Observers
import Ports
import Switching
import Synchronization
import Wire

/// A TAP in use. Whoever holds the object keeps the descriptor open.
final class AttachedTAP: Sendable {
  let tap: TAP
  init(_ tap: consuming TAP) { self.tap = tap }
}

/// What a worker is asked to do between two batches.
enum WorkerLetter: Sendable {
  case attach(AttachedTAP, NICIndex, mtu: Int, reply: @Sendable (PortsFault?) -> Void)
  case detach(NICIndex, reply: @Sendable () -> Void)
  case apply(ForwardingChange, RoutingChange, reply: @Sendable () -> Void)
  /// The interface takes packets of so many bytes.
  case setMTU(Int, NICIndex, reply: @Sendable () -> Void)
  case setAging(seconds: UInt32, reply: @Sendable () -> Void)
  case scan(StationScan, reply: StationScans.Reply)
  case flush(StationQuery, reply: @Sendable (Int) -> Void)
  case statistics(reply: @Sendable (StationStatistics) -> Void)
  case carries(NICIndex, reply: @Sendable (Bool) -> Void)
  /// Ports from an index on, some hundred of them, and where to go on.
  case ports(PortIndex, reply: @Sendable ([PortState], PortIndex?) -> Void)
  case interfaces(reply: @Sendable ([PortIndex: InterfaceState]) -> Void)
  /// From the slow path: what LACP has agreed for a bond, in force when answered.
  case carry(BondCarriage, PortIndex, reply: @Sendable () -> Void)
  /// From the slow path: how a neighbour of a routed interface is reached (nil: ask the slow path), and whether its
  /// next use is to be told.
  case neighbour(Neighbour, MACAddress?, watched: Bool)
  /// To the worker that owns the NIC: a write failed, is the link still up?
  case checkLink(NICIndex)
  /// From the worker that owns the NIC: its link has come up or gone down.
  case link(NICIndex, up: Bool)
  /// From the guard: nothing is switched in or out by the port, or it is again.
  case setShut(PortIndex, Bool)
  /// From the worker that owns the NIC: it carries for its bond, which has no partner.
  case carrier(NICIndex)
  /// Somebody looks at the frames of these NICs, as number so and so, or looks no more.
  case watch(FrameWatch?, Int, WatchOrder.NICs, reply: @Sendable () -> Void)
  /// What would become of a frame that the NIC gives: its virtio header first.
  case trace([UInt8], NICIndex, reply: @Sendable (FrameTrace) -> Void)
  case stop(reply: @Sendable () -> Void)
}

/// The only way into one of the forwarding plane's threads: a queue that it empties once a turn.
///
/// A reply is called on that thread and must be quick: it resumes a continuation. Letters come at the rate of changes
/// and questions, not of frames; the thread looks at one atomic flag a turn.
///
/// ## Threads
/// `post`: any. `take`: the one thread.
final class Mailbox<Letter: Sendable>: Sendable {
  private let letters = Mutex<[Letter]>([])
  private let hasMail = Atomic<Bool>(false)
  private let waker: Waker

  init(waker: Waker) { self.waker = waker }

  func post(_ letter: Letter) {
    letters.withLock { $0.append(letter) }
    hasMail.store(true, ordering: .releasing)
    waker.wake()
  }

  /// What has come since the last call, in order; nil at the price of one load when nothing has.
  func take() -> [Letter]? {
    guard hasMail.load(ordering: .acquiring) else { return nil }
    hasMail.store(false, ordering: .relaxed)
    return letters.withLock { letters in
      defer { letters.removeAll() }
      return letters
    }
  }
}
