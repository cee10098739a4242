import Net

/// One direction of a link that something is wrong with: says of each frame what becomes of it.
///
/// ## How it works
/// A frame is first lost or not. It then waits for the rate: the link knows until when it is busy, which is a queue
/// without one, and drops what would wait longer than the queue's bound. What has left the queue is delayed. The caller
/// keeps it meanwhile, in a `DelayLine` for what leaves at a time, or here (`hold`) what leaves behind others.
///
/// Sans-IO: frames are lengths and the time is an argument, in nanoseconds, which never goes back. The caller, for each
/// frame:
///
/// 1. Takes what is due from the `DelayLine` and from `takeDue`, and sends it: so nothing is overtaken.
/// 2. Asks `arrive`. A passage whose `release` has come is sent, a later one is put into the `DelayLine`, one that has
///    `places` is given to `hold`. A duplicate leaves right behind its original, unchanged by `corruption`.
/// 3. Takes what the frame has let go (`takePassed`), and sends it at the time that is given there, behind what has the
///    same.
///
/// ## Rules
/// - The same seed and the same frames give the same losses, from when the seed is set (`RandomStreams`).
/// - A new setting changes nothing for frames that wait. Delay alone keeps the order, also when it becomes shorter;
///   jitter may change it.
/// - Reorder with a delay: such a frame does not wait for the delay. Without: it is held back by one to three places,
///   or for `holdLimit` when nothing follows.
///
/// ## Invariants
/// At most `heldLimit` frames are held: three frames later each of them has been let go. Nothing allocates.
///
/// ## Threads
/// One owner.
public struct ImpairedLink: ~Copyable {
  /// Which way frames go, as seen from the switch.
  public enum Direction: UInt64, Sendable, BitwiseCopyable { case toServer = 0, fromServer = 1 }

  public enum Fate: Equatable, Sendable, BitwiseCopyable {
    /// By the loss that is set.
    case lost
    /// The queue of the rate was full.
    case queueFull
    case passes(Passage)
  }

  public struct Passage: Equatable, Sendable, BitwiseCopyable {
    /// When it leaves. Of a frame with `places`: at the latest.
    public var release: UInt64
    /// How many of the frames that come later go before it.
    public var places: UInt8
    public var isDuplicated: Bool
    public var corruption: Corruption?
  }

  /// A change of one byte.
  public struct Corruption: Equatable, Sendable, BitwiseCopyable {
    /// From the beginning of the frame, behind the Ethernet header.
    public var offset: Int
    /// Never 0.
    public var mask: UInt8
  }

  /// How long a frame is held back for others that do not come.
  public static let holdLimit: UInt64 = 20_000_000
  public static let heldLimit = 4

  public private(set) var settings: Impairment
  private let direction: Direction
  private var streams: RandomStreams
  /// Until when the rate keeps the link busy, and what is left of a nanosecond, in parts of the rate.
  private var busyUntil: UInt64 = 0
  private var remainder: UInt64 = 0
  /// When the last one that has passed leaves the queue.
  private var lastSent: UInt64 = 0
  /// The latest release so far.
  private var lastRelease: UInt64 = 0
  /// Frames that have passed.
  private var count: UInt64 = 0
  private var held = HeldFrames()

  /// - Parameter seed: what decides while the settings have no seed.
  public init(_ settings: Impairment, _ direction: Direction, seed: UInt64) {
    (self.settings, self.direction) = (settings, direction)
    streams = RandomStreams(seed: settings.seed ?? seed, direction: direction.rawValue)
  }

  /// Another setting. The random numbers go on, unless the seed is another one or was set once more.
  public mutating func set(_ new: Impairment, seed: UInt64) {
    if new.seed != settings.seed || new.series != settings.series {
      streams = RandomStreams(seed: new.seed ?? seed, direction: direction.rawValue)
    }
    if new.rate != settings.rate { remainder = 0 }
    settings = new
  }

  /// What becomes of a frame of `length` bytes, whose Ethernet header, with its tags, has `header`. `wireBytes`: what it
  /// takes of the rate, see `WireLength`.
  public mutating func arrive(at now: UInt64, length: Int, header: Int, wireBytes: Int) -> Fate {
    let draw = streams.next()
    if settings.loss.has(draw.loss) { return .lost }
    guard let sent = queue(at: now, bytes: wireBytes) else { return .queueFull }
    count &+= 1
    lastSent = sent
    var passage = Passage(
      release: sent, places: 0, isDuplicated: settings.duplicate.has(draw.duplicate),
      corruption: corruption(draw.corrupt, length: length, header: header))
    if settings.reorder.has(draw.reorder) {
      guard settings.delay == 0, settings.jitter == 0 else { return .passes(passage) }
      passage.places = UInt8(1 &+ (((draw.reorder & 0xFFFF_FFFF) &* 3) >> 32))
      passage.release = sent &+ Self.holdLimit
      return .passes(passage)
    }
    passage.release = sent &+ delay(draw.jitter)
    if settings.jitter == 0 { passage.release = max(passage.release, lastRelease) }
    lastRelease = max(lastRelease, passage.release)
    return .passes(passage)
  }

  /// When a frame that arrives now has been sent; `nil`: the queue is full.
  private mutating func queue(at now: UInt64, bytes: Int) -> UInt64? {
    guard settings.rate > 0 else { return now }
    if busyUntil <= now { (busyUntil, remainder) = (now, 0) }
    guard busyUntil &- now <= settings.queue else { return nil }
    // The sum is below 2^64 for frames of 2^31 bytes.
    let need = UInt64(bytes) &* 8_000_000_000 &+ remainder
    busyUntil &+= need / settings.rate
    remainder = need % settings.rate
    return busyUntil
  }

  /// Uniformly within the jitter around the delay, and never negative.
  private func delay(_ random: UInt64) -> UInt64 {
    guard settings.jitter > 0 else { return settings.delay }
    let shift = random.multipliedFullWidth(by: 2 &* settings.jitter &+ 1).high
    let sum = settings.delay &+ shift
    return sum > settings.jitter ? sum &- settings.jitter : 0
  }

  private func corruption(_ random: UInt64, length: Int, header: Int) -> Corruption? {
    guard settings.corrupt.has(random), length > header else { return nil }
    // The upper bits have decided already, and are not random any more.
    let place = ((random & 0xFF_FFFF) &* UInt64(length &- header)) >> 24
    let mask = (((random >> 24) & 0xFFFF) &* 255) >> 16
    return Corruption(offset: header &+ Int(place), mask: UInt8(mask &+ 1))
  }

  // MARK: Frames that are held back

  /// Keeps `frame`, whatever number that is to the caller, which has just been answered with `places`.
  public mutating func hold(_ frame: Int32, _ passage: Passage) {
    held.add(HeldFrames.Entry(frame: frame, after: count &+ UInt64(passage.places), release: passage.release))
  }

  /// A held frame before which now enough others go, and when it leaves; ask until there is none.
  public mutating func takePassed() -> (frame: Int32, release: UInt64)? {
    let count = count
    guard let frame = held.take({ $0.after <= count }) else { return nil }
    lastRelease = max(lastRelease, lastSent)
    return (frame, lastRelease)
  }

  /// A held frame that waits for others in vain; ask until there is none.
  public mutating func takeDue(at now: UInt64) -> Int32? { held.take { $0.release <= now } }

  /// A held frame, whatever it waits for: the link ends.
  public mutating func takeAny() -> Int32? { held.take { _ in true } }

  /// When `takeDue` has something; `nil`: nothing is held.
  public var deadline: UInt64? { held.deadline }
}

/// The frames that are held back, in the order of their arrival.
private struct HeldFrames {
  struct Entry: BitwiseCopyable {
    var frame: Int32
    /// It leaves when so many frames have passed.
    var after: UInt64
    var release: UInt64
  }

  private var entries = InlineArray<4, Entry>(repeating: Entry(frame: 0, after: 0, release: 0))
  private var count = 0

  var deadline: UInt64? {
    var first: UInt64?
    for place in 0..<count { first = min(first ?? .max, entries[place].release) }
    return first
  }

  mutating func add(_ entry: Entry) {
    precondition(count < ImpairedLink.heldLimit, "take what has passed before the next frame")
    entries[count] = entry
    count &+= 1
  }

  /// Of those that may leave, the one that was to leave first.
  mutating func take(_ isWanted: (Entry) -> Bool) -> Int32? {
    var found: Int?
    for place in 0..<count where isWanted(entries[place]) {
      if found.map({ entries[place].after < entries[$0].after }) ?? true { found = place }
    }
    guard let found else { return nil }
    let frame = entries[found].frame
    count &-= 1
    for place in found..<count { entries[place] = entries[place &+ 1] }
    return frame
  }
}
