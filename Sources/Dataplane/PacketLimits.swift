import Gateway
import Switching

/// What one NIC may give the slow path, in frames that the slow path will write: so many a second of each class, and as
/// many at once after a rest. More is `gateway-busy`: a server that floods the gateway hurts itself alone, and what it
/// has left comes evenly, so that it is never cut off for the rest of a second.
///
/// ## Threads
/// The worker's.
struct PacketLimits: ~Copyable {
  private var link: PacketBuckets
  private var local: PacketBuckets
  private var error: PacketBuckets
  private var transit: PacketBuckets

  init(nics: Int) {
    link = PacketBuckets(nics: nics, perSecond: 200)
    local = PacketBuckets(nics: nics, perSecond: 3_000)
    error = PacketBuckets(nics: nics, perSecond: 500)
    transit = PacketBuckets(nics: nics, perSecond: 10_000)
  }

  /// `now`: milliseconds. `cost`: how many frames come of the packet; a packet that is cut makes one for each piece.
  mutating func allows(_ nic: NICIndex, _ queue: SlowClass, at now: UInt64, cost: Int = 1) -> Bool {
    switch queue {
    case .link: link.take(cost, of: nic, at: now)
    case .local: local.take(cost, of: nic, at: now)
    case .error: error.take(cost, of: nic, at: now)
    case .transit: transit.take(cost, of: nic, at: now)
    }
  }
}

/// A token bucket for each NIC, full at first. Its credit is in thousandths of a token: what a millisecond earns is
/// `perSecond`.
@safe private struct PacketBuckets: ~Copyable {
  struct Bucket: BitwiseCopyable {
    var counted: UInt64 = 0
    var credit: Int
  }

  private let perSecond: Int
  private let buckets: UnsafeMutablePointer<Bucket>

  init(nics: Int, perSecond: Int) {
    self.perSecond = perSecond
    unsafe buckets = .allocate(capacity: nics)
    unsafe buckets.initialize(repeating: Bucket(credit: perSecond * 1_000), count: nics)
  }

  deinit { unsafe buckets.deallocate() }

  /// Takes so many tokens if they are there; what does not fit is refused, and costs nothing.
  mutating func take(_ count: Int, of nic: NICIndex, at now: UInt64) -> Bool {
    var bucket = unsafe buckets[nic.value]
    if now > bucket.counted {
      // A second fills it: no more of the time counts, so nothing overflows.
      let earned = Int(min(now - bucket.counted, 1_000)) * perSecond
      bucket.credit = min(bucket.credit + earned, perSecond * 1_000)
      bucket.counted = now
    }
    let isThere = count <= perSecond && bucket.credit >= count * 1_000
    if isThere { bucket.credit -= count * 1_000 }
    unsafe buckets[nic.value] = bucket
    return isThere
  }
}
