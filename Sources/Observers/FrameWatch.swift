import Rings
public import Switching
import Synchronization
import Wire

/// What somebody wants to see of the frames that cross the switch.
public struct WatchOrder: Sendable {
  public enum NICs: Sendable, Equatable {
    /// Those that come later, too.
    case all
    case these(Set<NICIndex>)
  }

  public struct Directions: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// From servers into the switch.
    public static let incoming = Directions(rawValue: 1)
    public static let outgoing = Directions(rawValue: 2)
    public static let both: Directions = [.incoming, .outgoing]
  }

  public var nics: NICs
  public var directions: Directions
  /// Frames of this broadcast domain, and drops that were in none; nil: whatever they are in.
  public var domain: DomainIndex?
  /// Reasons of drops, and the frames that were dropped on their way out. Without it what came in is seen all the
  /// same, and nobody says what became of it.
  public var drops: Bool
  /// With a domain: drops that were in none are seen all the same.
  public var strayDrops = true
  /// Nil: every frame.
  public var filter: FrameFilter?
  /// Bytes of a frame that are kept.
  public var snapLength: Int

  public init(
    nics: NICs = .all, directions: Directions = .both, domain: DomainIndex? = nil, drops: Bool = false,
    filter: FrameFilter? = nil, snapLength: Int = FrameWatch.snapLimit
  ) {
    (self.nics, self.directions, self.domain) = (nics, directions, domain)
    (self.drops, self.filter, self.snapLength) = (drops, filter, snapLength)
  }
}

/// One watch over frames, for one reader.
///
/// ## How it works
/// Each thread that sees frames has a ring here. It writes those that are wanted into it, and never waits: what finds no
/// room is counted. The reader takes the oldest of all rings. It looks again by itself: nobody wakes it.
///
/// ## Threads
/// Each ring has one writer. One reader.
public final class FrameWatch: Sendable {
  /// The longest frame that a TAP gives.
  public static let snapLimit = 65_550
  /// Watches at once that are captures.
  public static let limit = 8
  /// Watches at once that are mirrors.
  public static let mirrorLimit = 8
  public static let places = limit + mirrorLimit
  /// Bytes of the ring of a thread that forwards; of another one.
  public static let ringSize = 4 << 20
  public static let smallRingSize = 256 << 10

  public let order: WatchOrder
  let rings: [ByteRing]

  /// A ring for each thread; the last `slow` of them see few frames.
  public init(_ order: WatchOrder, threads: Int, slow: Int) {
    self.order = order
    rings = (0..<threads).map { ByteRing(capacity: $0 < threads - slow ? Self.ringSize : Self.smallRingSize) }
  }

  /// Frames for which there was no room.
  public var lost: UInt64 { rings.reduce(0) { $0 + $1.lost } }

  /// The oldest frame that waits; nil: none does now. Frames of different threads come in the order of their times as
  /// far as they wait at the same time.
  public func next() -> SeenFrame? {
    guard let ring = oldest() else { return nil }
    defer { ring.drop() }
    return unsafe ring.peek { unsafe SeenLayout.load($0.baseAddress!) }
  }

  /// Gives `body` the oldest frame that waits, where it lies: its virtio header, and the bytes that were kept behind it.
  /// False: none waits now.
  @unsafe public func take(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
    guard let ring = oldest() else { return false }
    unsafe ring.peek { record in
      let kept = unsafe Int(record.load(fromByteOffset: 12, as: UInt32.self))
      let start = SeenLayout.head - VirtioNetHeader.size
      unsafe body(UnsafeRawBufferPointer(rebasing: record[start..<SeenLayout.head + kept]))
    }
    ring.drop()
    return true
  }

  /// The ring with the oldest frame.
  private func oldest() -> ByteRing? {
    var oldest: (ring: ByteRing, time: UInt64)?
    for ring in rings {
      guard let time = unsafe ring.peek({ unsafe SeenLayout.time($0.baseAddress!) }) else { continue }
      if oldest.map({ time < $0.time }) ?? true { oldest = (ring, time) }
    }
    return oldest?.ring
  }
}
