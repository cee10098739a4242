public import Net

/// Forwarding database: behind which port was a station last heard, in which broadcast domain.
///
/// ## How it works
/// A flat array of buckets, four slots each, twice as many slots as stations may be kept. A station lives in one of two
/// buckets that its hash selects, the emptier one at the time, so that lookup and learning read at most 128 bytes,
/// however full the table is. With two choices practically every station finds a place until the limit is reached
/// (measured: none of 131 072 refused). A secret of the process enters the hash, so that forged sources cannot be aimed
/// at a bucket.
///
/// A slot that was silent for longer than the aging time counts as free everywhere; `expire` gives it back for real.
///
/// ## When it is full
/// Fairness is a security property: a port that forges sources must not make the switch forget the others, because
/// frames to forgotten stations are flooded. So a newcomer displaces only a station of a port that has more stations
/// than its own port, or one of its own port; the one silent longest goes. Where no such station is near, it is not
/// learned, and frames to it are flooded. A port at its own limit displaces its own stations only.
///
/// ## With several workers
/// Each has a table, with all stations in it: those that it has heard itself, and those that another has told it of
/// (`StationTable+News.swift`). Only the worker that hears a station refreshes it, lists it and counts it.
///
/// ## Invariants
/// 1. A key occurs at most once, and only in one of its two buckets.
/// 2. Key 0 marks a free slot; no station has it, because domain 0 does not exist.
/// 3. Group addresses and the zero address are never stored.
/// 4. Memory is fixed by `init`; nothing else allocates.
/// 5. What `speaker` says is in the table, unless its key is 0: whatever removes or moves a station sets it to that.
/// 6. `count` is the number of used slots, and the sum of all per-port counts.
///
/// ## Threads
/// One owner, a worker. Noncopyable: a second owner does not compile.
@safe public struct StationTable: ~Copyable {
  @usableFromInline struct Slot: BitwiseCopyable {
    /// Domain in bits 63-48, address in 47-0.
    @usableFromInline var key: UInt64 = 0
    /// Second of the caller's clock at which the station was last heard.
    @usableFromInline var heard: UInt32 = 0
    /// Port in bits 15-0; bit 16: another worker has told of it; bits 31-17: how often the station has moved, as far as
    /// they hold it. One word, so that learning compares port and bit 16 at once.
    @usableFromInline var place: UInt32 = 0
    @inlinable init() {}

    @inlinable var port: UInt16 { UInt16(truncatingIfNeeded: place) }
    @inlinable var isTold: Bool { place & Self.told != 0 }
    /// Port and bit 16: where the station is, without its moves.
    @inlinable var here: UInt32 { place & 0x1_FFFF }
    @inlinable static var told: UInt32 { 1 << 16 }
    static let movesShift: UInt32 = 17
    static let movesLimit: UInt32 = 1 << 15 - 1
    var moves: UInt32 { place >> Self.movesShift }
  }

  public static let slotsPerBucket = 4
  /// Ports are 16 bits: `PortIndex`.
  static let portLimit = 65_536
  /// How far a newcomer to a full table looks for a station that may go.
  static let evictionReach = 64

  @usableFromInline let slots: UnsafeMutablePointer<Slot>
  @usableFromInline let slotCount: Int
  @usableFromInline let bucketMask: UInt64
  let perPort: UnsafeMutablePointer<UInt32>
  @usableFromInline let secret: (UInt64, UInt64)

  /// Most stations that are kept, and most of one port.
  public let limit: Int
  public let limitPerPort: Int
  /// Seconds of silence after which a station is forgotten.
  @usableFromInline var aging: UInt32
  /// Stations kept now, those included whose time is over but which `expire` has not met yet.
  public private(set) var count = 0
  /// Those of them that another worker has told of.
  var toldCount = 0
  /// Stations that were heard here, like `count`.
  public var heardCount: Int { count - toldCount }
  /// Stations displaced by others, and newcomers that found no place, since the start.
  public internal(set) var evicted: UInt64 = 0
  public internal(set) var refused: UInt64 = 0
  /// Moves of stations that were heard here, since the start.
  public internal(set) var moved: UInt64 = 0
  private var cursor = 0
  /// Who was heard last, and is in the table just so. Key 0: nobody is known to be.
  @usableFromInline var speaker = Speaker()
  @usableFromInline struct Speaker: BitwiseCopyable {
    @usableFromInline var key: UInt64 = 0
    @usableFromInline var place: UInt32 = 0
    @usableFromInline var heard: UInt32 = 0
    @inlinable init(key: UInt64 = 0, place: UInt32 = 0, heard: UInt32 = 0) {
      (self.key, self.place, self.heard) = (key, place, heard)
    }
  }
  /// What the other workers have to be told; nobody listens when there is one worker.
  var news: NewsBuffer
  /// Who moves again and again.
  var watch = MoveWatch()

  /// `limit`: 1...16 777 216. `secret`: random in production, constant in tests. `telling`: other workers want to hear
  /// what is learned; somebody takes `nextNews` after every batch.
  public init(limit: Int, limitPerPort: Int, aging: UInt32, secret: (UInt64, UInt64), telling: Bool = false) {
    precondition(limit >= 1 && limit <= 1 << 24 && limitPerPort >= 1, "station limits out of range")
    var buckets = 1
    while buckets * Self.slotsPerBucket < limit * 2 { buckets *= 2 }
    slotCount = buckets * Self.slotsPerBucket
    bucketMask = UInt64(buckets - 1)
    // A bucket is a cache line.
    unsafe slots = UnsafeMutableRawPointer.allocate(
      byteCount: slotCount * MemoryLayout<Slot>.stride, alignment: Self.slotsPerBucket * MemoryLayout<Slot>.stride
    ).bindMemory(to: Slot.self, capacity: slotCount)
    unsafe slots.initialize(repeating: Slot(), count: slotCount)
    unsafe perPort = .allocate(capacity: Self.portLimit)
    unsafe perPort.initialize(repeating: 0, count: Self.portLimit)
    self.limit = limit
    self.limitPerPort = limitPerPort
    self.aging = aging
    // An odd multiplier, so that the product depends on every bit of the key.
    self.secret = (secret.0, secret.1 | 1)
    news = NewsBuffer(isWanted: telling)
  }

  deinit {
    unsafe slots.deallocate()
    unsafe perPort.deallocate()
  }

  // MARK: Per frame

  // Always inline: a table that is passed to a function is copied for it, the bytes of the value.

  @inline(always) @inlinable
  static func key(_ station: MACAddress, _ domain: DomainIndex) -> UInt64 {
    UInt64(truncatingIfNeeded: domain.value) << 48 | station.value
  }

  /// The two buckets where a station is, if it is anywhere: first slots, the same one twice when the hash says so. What
  /// they are is known before they are read, so those of a whole batch can be loaded together.
  public struct Buckets: BitwiseCopyable, Sendable {
    @usableFromInline let first: UInt32
    @usableFromInline let second: UInt32
    @inlinable init(first: UInt32, second: UInt32) { (self.first, self.second) = (first, second) }
    /// Nobody has asked. A value of its own, because an optional in a batch's memory costs more than the hash that it
    /// saves.
    @inlinable public static var unknown: Buckets { Buckets(first: .max, second: .max) }
    @inlinable public var isKnown: Bool { first != .max }
  }

  @inline(always) @inlinable
  borrowing func buckets(of key: UInt64) -> Buckets {
    let product = (key ^ secret.0).multipliedFullWidth(by: secret.1)
    // The high half is mixed once more: low bits of both halves of one product are related.
    let mixed = (product.high ^ product.low) &* 0x9E37_79B9_7F4A_7C15
    let first = UInt32(truncatingIfNeeded: (mixed >> 32) & bucketMask)
    let second = UInt32(truncatingIfNeeded: (mixed ^ (mixed >> 29)) & bucketMask)
    let size = UInt32(truncatingIfNeeded: Self.slotsPerBucket)
    return Buckets(first: first &* size, second: second &* size)
  }

  /// The cache lines of both, 64 bytes each.
  @unsafe @inline(always) @inlinable
  public borrowing func lines(of buckets: Buckets) -> (UnsafeRawPointer, UnsafeRawPointer) {
    unsafe (UnsafeRawPointer(slots + Int(buckets.first)), UnsafeRawPointer(slots + Int(buckets.second)))
  }

  /// `buckets` are those of `key`.
  @inline(always) @inlinable
  borrowing func find(_ key: UInt64, in buckets: Buckets) -> Int? {
    let (first, second) = (Int(buckets.first), Int(buckets.second))
    for index in first..<first &+ Self.slotsPerBucket where unsafe slots[index].key == key { return index }
    for index in second..<second &+ Self.slotsPerBucket where unsafe slots[index].key == key { return index }
    return nil
  }

  @inline(always) @inlinable
  borrowing func isStale(_ index: Int, at now: UInt32) -> Bool {
    let slot = unsafe slots[index]
    let patience = slot.isTold ? aging &+ Self.newsPatience : aging
    return now &- slot.heard > patience
  }

  /// The port behind which `station` was last heard in `domain`; `nil` means flood.
  ///
  /// `buckets`: of the station in this domain, where the caller knows them already.
  @inline(always) @inlinable
  public borrowing func port(
    of station: MACAddress, in domain: DomainIndex, at now: UInt32, buckets: Buckets = .unknown
  ) -> PortIndex? {
    let key = Self.key(station, domain)
    guard let index = find(key, in: buckets.isKnown ? buckets : self.buckets(of: key)), !isStale(index, at: now) else {
      return nil
    }
    return unsafe PortIndex(Int(slots[index].port))
  }

  /// Notes that a frame from `station` came in by `port`: learns it, refreshes it, or moves it.
  ///
  /// `station` is a valid source. A station that is refreshed within the same second costs no write, and no look-up
  /// when it is the one that spoke last, as in a batch of one machine's frames.
  @inline(always) @inlinable
  public mutating func learn(
    _ station: MACAddress, in domain: DomainIndex, on port: PortIndex, at now: UInt32, buckets: Buckets = .unknown
  ) {
    let key = Self.key(station, domain)
    let place = UInt32(truncatingIfNeeded: port.value)
    guard key != speaker.key || place != speaker.place || now != speaker.heard else { return }
    if let index = find(key, in: buckets.isKnown ? buckets : self.buckets(of: key)) {
      if unsafe slots[index].here != place { move(index, to: place, at: now) }
      if unsafe slots[index].heard != now { unsafe slots[index].heard = now }
      speaker = Speaker(key: key, place: place, heard: now)
      return
    }
    meet(key, place, at: now)
  }

  // MARK: Slow side of learning

  /// A station is heard elsewhere than it was, or here what was told.
  @usableFromInline
  mutating func move(_ index: Int, to place: UInt32, at now: UInt32) {
    let before = unsafe slots[index]
    setPlace(index, place)
    let port = UInt16(truncatingIfNeeded: place)
    guard before.port != port else { return }
    moved &+= 1
    news.note(before.key, place, now, isEvent: true)
    watch.note(before.key, place: buckets(of: before.key).first, from: before.port, to: port, at: now)
  }

  /// `place`: port and bit 16. A move is counted, whoever has told of it.
  mutating func setPlace(_ index: Int, _ place: UInt32) {
    let before = unsafe slots[index]
    speaker.key = 0
    let hasMoved = before.port != UInt16(truncatingIfNeeded: place)
    let moves = min(before.moves + (hasMoved ? 1 : 0), Slot.movesLimit)
    unsafe slots[index].place = place | moves << Slot.movesShift
    let after = unsafe slots[index]
    unsafe perPort[Int(before.port)] -= 1
    unsafe perPort[Int(after.port)] += 1
    toldCount += (after.isTold ? 1 : 0) - (before.isTold ? 1 : 0)
  }

  @usableFromInline
  mutating func meet(_ key: UInt64, _ place: UInt32, at now: UInt32) {
    guard insert(key, place, heard: now, at: now) else { return }
    speaker = Speaker(key: key, place: place, heard: now)
    news.note(key, place, now, isEvent: true)
  }

  /// False when it found no place.
  mutating func insert(_ key: UInt64, _ place: UInt32, heard: UInt32, at now: UInt32) -> Bool {
    let port = UInt16(truncatingIfNeeded: place)
    let buckets = buckets(of: key)
    let (first, second) = (Int(buckets.first), Int(buckets.second))
    let own = unsafe perPort[Int(port)]
    if Int(own) >= limitPerPort {
      guard let victim = oldest(in: first, second, for: port, ownOnly: true, at: now) else {
        refused &+= 1
        return false
      }
      remove(victim)
      evicted &+= 1
    } else if count >= limit {
      guard let victim = victim(first, second, for: port, at: now) else {
        refused &+= 1
        return false
      }
      remove(victim)
      evicted &+= 1
    }
    guard let index = findPlace(first, second, for: port, at: now) else {
      refused &+= 1
      return false
    }
    unsafe slots[index].key = key
    unsafe slots[index].place = place
    unsafe slots[index].heard = heard
    unsafe perPort[Int(port)] += 1
    count += 1
    if unsafe slots[index].isTold { toldCount += 1 }
    return true
  }

  /// A slot of the two buckets for a new station: a free one in the emptier bucket, or one whose owner may be
  /// displaced.
  private mutating func findPlace(_ first: Int, _ second: Int, for port: UInt16, at now: UInt32) -> Int? {
    let a = freeSlot(in: first, at: now)
    let b = freeSlot(in: second, at: now)
    let index = a.free >= b.free ? a.index : b.index
    if let index {
      if unsafe slots[index].key != 0 { remove(index) }
      return index
    }
    guard let victim = oldest(in: first, second, for: port, ownOnly: false, at: now) else { return nil }
    remove(victim)
    evicted &+= 1
    return victim
  }

  private borrowing func freeSlot(in bucket: Int, at now: UInt32) -> (free: Int, index: Int?) {
    var free = 0
    var found: Int?
    for index in bucket..<bucket + Self.slotsPerBucket where unsafe slots[index].key == 0 || isStale(index, at: now) {
      free += 1
      let isFree = unsafe slots[index].key == 0
      if found == nil || isFree { found = index }
    }
    return (free, found)
  }

  /// Somebody who may go when the whole table is full: near the newcomer, or else from where the hand of a clock
  /// stands.
  private mutating func victim(_ first: Int, _ second: Int, for port: UInt16, at now: UInt32) -> Int? {
    let near = oldest(in: first, second, for: port, ownOnly: false, at: now)
    if let near { return near }
    for _ in 0..<Self.evictionReach {
      cursor = (cursor + 1) & (slotCount - 1)
      guard unsafe slots[cursor].key != 0 else { continue }
      if isStale(cursor, at: now) || mayDisplace(cursor, for: port, ownOnly: false) { return cursor }
    }
    return nil
  }

  /// Whether a newcomer of `port` may displace the station in the used slot `index`.
  private borrowing func mayDisplace(_ index: Int, for port: UInt16, ownOnly: Bool) -> Bool {
    let owner = unsafe slots[index].port
    guard owner != port else { return true }
    return unsafe !ownOnly && perPort[Int(owner)] > perPort[Int(port)]
  }

  /// The slot of the two buckets that was silent longest, among those that `port` may displace.
  private borrowing func oldest(
    in first: Int, _ second: Int, for port: UInt16, ownOnly: Bool, at now: UInt32
  ) -> Int? {
    var found: Int?
    var age: UInt32 = 0
    for offset in 0..<2 * Self.slotsPerBucket {
      let index = offset < Self.slotsPerBucket ? first + offset : second + offset - Self.slotsPerBucket
      let slot = unsafe slots[index]
      guard slot.key != 0, mayDisplace(index, for: port, ownOnly: ownOnly), found == nil || now &- slot.heard > age
      else { continue }
      found = index
      age = now &- slot.heard
    }
    return found
  }

  private mutating func remove(_ index: Int) {
    speaker.key = 0
    unsafe perPort[Int(slots[index].port)] -= 1
    if unsafe slots[index].isTold { toldCount -= 1 }
    unsafe slots[index] = Slot()
    count -= 1
  }

  // MARK: Aging, flushing, listing

  /// Changes the aging time; holds at once for the stations that are there.
  public mutating func setAging(seconds: UInt32) { aging = seconds }

  /// Gives back the slots of stations whose time is over, looking at `budget` slots from where the last call stopped,
  /// and makes news of those that were heard here, for as long as there is room for news. Returns how many slots it
  /// looked at.
  @discardableResult
  public mutating func expire(budget: Int, at now: UInt32) -> Int {
    for done in 0..<min(budget, slotCount) {
      guard news.hasRoom else { return done }
      cursor = (cursor + 1) & (slotCount - 1)
      let slot = unsafe slots[cursor]
      guard slot.key != 0 else { continue }
      if isStale(cursor, at: now) {
        remove(cursor)
      } else if !slot.isTold {
        news.note(slot.key, slot.place, slot.heard, isEvent: false)
      }
    }
    return min(budget, slotCount)
  }

  /// All slots, for `expire(budget:at:)` and `forEach`.
  public var capacity: Int { slotCount }

  /// Stations of `port`.
  public borrowing func count(of port: PortIndex) -> Int { unsafe Int(perPort[port.value]) }

  /// Forgets the stations of `port` (nil: of every port) in `domain` (nil: in every domain), told ones too. Returns how
  /// many were heard here. Costs nothing for a port that has none, a pass over the table otherwise.
  @discardableResult
  public mutating func flush(_ port: PortIndex?, in domain: DomainIndex?) -> Int {
    var left = port.map { unsafe Int(perPort[$0.value]) } ?? count
    var removed = 0
    var index = 0
    while left > 0, index < slotCount {
      let slot = unsafe slots[index]
      if slot.key != 0, port == nil || Int(slot.port) == port?.value {
        left -= 1
        if domain == nil || Int(slot.key >> 48) == domain?.value {
          remove(index)
          if !slot.isTold { removed += 1 }
        }
      }
      index += 1
    }
    return removed
  }

  /// Calls `body` with each station that was heard here, is not over its time and lies in the slots `range`. `moves`:
  /// how often it has gone to another port since it is in the table, 32 767 at most.
  public borrowing func forEach(
    in range: Range<Int>, at now: UInt32,
    _ body: (_ domain: DomainIndex, _ station: MACAddress, _ port: PortIndex, _ age: Int, _ moves: Int) -> Void
  ) {
    for index in range.clamped(to: 0..<slotCount) {
      let slot = unsafe slots[index]
      guard slot.key != 0, !slot.isTold, !isStale(index, at: now) else { continue }
      body(
        DomainIndex(Int(slot.key >> 48)), MACAddress(slot.key), PortIndex(Int(slot.port)), Int(now &- slot.heard),
        Int(slot.moves))
    }
  }
}
