import Net
import Observers
import Ports
import Switching
import Wire

/// The way out of a thread that makes its frames itself, one at a time: the slow path's, and the guard's.
///
/// A write goes straight to the TAP: one write is one frame, whoever writes. Those who look see it, and what it has to
/// drop; receivers that take long are left out for a while, as at a worker.
///
/// ## Threads
/// The thread whose it is.
struct Outbox: ~Copyable {
  private(set) var taps: [NICIndex: AttachedTAP] = [:]
  /// Nil: what this thread sends is counted nowhere.
  private let counters: CounterTable?
  var observers: Observers
  private var receivers: ReceiverWatch
  /// Who hears of slow receivers.
  private let guardMailbox: Mailbox<GuardLetter>

  init(
    counters: CounterTable?, observers: consuming Observers, nics: Int, guardMailbox: Mailbox<GuardLetter>
  ) {
    self.counters = counters
    self.observers = observers
    receivers = ReceiverWatch(nics: nics)
    self.guardMailbox = guardMailbox
  }

  mutating func attach(_ tap: AttachedTAP, as nic: NICIndex) {
    counters?.reset(nic)
    receivers.forget(nic)
    taps[nic] = tap
  }

  mutating func detach(_ nic: NICIndex) { taps[nic] = nil }

  enum Outcome { case sent, lost, linkIsDown }

  /// Writes `frame`, behind its virtio header, to `nic`. `isCounted`: LACPDUs and probes are counted elsewhere.
  /// `linkIsDown`: the owner of the NIC should have a look. `domain`: that of a probe.
  mutating func send(
    _ frame: [UInt8], to nic: NICIndex, isCounted: Bool, in domain: DomainIndex? = nil
  ) -> Outcome {
    guard let attached = taps[nic] else { return .lost }
    let guardMailbox = guardMailbox
    observers.newBatch()
    switch receivers.write(frame, to: attached.tap, as: nic, { guardMailbox.post(.slow($0)) }) {
    case .sent:
      if isCounted { counters?.sent(nic, bytes: frame.count - VirtioNetHeader.size) }
      if observers.isWatching { Self.look(frame) { observers.left($0, by: nic, domain: domain) } }
      return .sent
    case .silent:
      drop(frame, for: nic, .receiverSlow, isCounted: isCounted)
      return .lost
    case .failed:
      drop(frame, for: nic, .transmitFailed, isCounted: isCounted)
      return .linkIsDown
    }
  }

  private mutating func drop(_ frame: [UInt8], for nic: NICIndex, _ reason: DropReason, isCounted: Bool) {
    guard isCounted else { return }
    counters?.dropped(nic, reason)
    Self.look(frame) { observers.droppedOutgoing($0, by: nic, reason) }
  }

  /// A packet that came in by `nic` some time ago, and was seen then, goes no further. `frame`: with its virtio header,
  /// where it is at hand.
  mutating func forget(_ frame: [UInt8]?, from nic: NICIndex, _ reason: DropReason) {
    counters?.dropped(nic, reason)
    observers.newBatch()
    guard let frame else { return observers.logOnly(nil, nic, isOutgoing: false, reason) }
    Self.look(frame) { observers.logOnly($0, nic, isOutgoing: false, reason) }
  }

  private static func look(_ frame: [UInt8], _ body: (FrameBytes) -> Void) {
    unsafe frame.withUnsafeBytes { unsafe body(FrameBytes($0, then: nil)) }
  }
}
