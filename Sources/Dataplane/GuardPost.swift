import Observers
import Switching
import Wire

/// What the guard is told and asked.
enum GuardLetter: Sendable {
  case attach(AttachedTAP, NICIndex)
  case detach(NICIndex, reply: @Sendable () -> Void)
  /// The same change that the workers have done.
  case apply(ForwardingChange, reply: @Sendable () -> Void)
  case reopen(PortIndex, reply: @Sendable (Bool) -> Void)
  /// From a worker: a NIC has reached `FloodMeter.loud`, or the storm limit, in this second.
  case loud(NICIndex)
  case storm(NICIndex)
  /// From whoever writes: a receiver gets nothing for a while.
  case slow(SlowReceiver)
  /// From a worker: a probe has come in.
  case returned(number: UInt64, Switch.Arrival)
  /// From a worker.
  case moved(StationMove)
  /// As the workers' letter.
  case watch(FrameWatch?, Int, WatchOrder.NICs, reply: @Sendable () -> Void)
  case stop(reply: @Sendable () -> Void)
}

/// The guard's half at a worker: it counts floods, and recognizes the probes that come back.
///
/// ## Threads
/// The worker's. Letters go at most twice a second for a NIC, and `probesPerSecond` times for probes.
struct GuardPost: ~Copyable {
  /// A server can send a probe back as often as it likes; one is enough.
  static let probesPerSecond: UInt16 = 200
  private var meter: FloodMeter
  private var probeLimit: SlowLimit
  private let key: SipKey
  private let mailbox: Mailbox<GuardLetter>

  init(nics: Int, stormLimit: Int, key: SipKey, mailbox: Mailbox<GuardLetter>) {
    meter = FloodMeter(nics: nics, limit: stormLimit)
    probeLimit = SlowLimit(nics: nics, perSecond: Self.probesPerSecond)
    (self.key, self.mailbox) = (key, mailbox)
  }

  /// Whether a frame that came in by `nic` may be flooded.
  @inline(__always)
  mutating func admitsFlood(from nic: NICIndex, at now: UInt32) -> Bool {
    switch meter.count(nic, at: now) {
    case .passes: return true
    case .isLoud:
      mailbox.post(.loud(nic))
      return true
    case .breaksLimit:
      mailbox.post(.storm(nic))
      return false
    case .isBeyond: return false
    }
  }

  /// What becomes of a frame that looks like a probe. Nil: it is none of ours, or came in where nothing is switched: a
  /// frame like any other.
  mutating func takes(
    _ frame: FrameBuffer, _ header: FrameHeader, from nic: NICIndex, _ plane: borrowing Switch, at now: UInt32
  ) -> Taken? {
    guard let number = frame.loopProbe(header, key: key), let arrival = plane.arrival(of: header, from: nic) else {
      return nil
    }
    guard probeLimit.allows(nic, at: now) else { return .tooMany }
    mailbox.post(.returned(number: number, arrival))
    return .heard
  }

  enum Taken { case heard, tooMany }

  func tell(_ move: StationMove) { mailbox.post(.moved(move)) }
}
