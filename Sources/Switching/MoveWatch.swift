public import Net

/// A station that goes to and fro between ports.
public struct StationMove: Hashable, Sendable, BitwiseCopyable {
  public enum Pace: UInt8, Sendable, BitwiseCopyable {
    /// `MoveWatch.flapping` moves within `MoveWatch.window`: two machines with one address, or one that is not sure
    /// where it is.
    case flapping
    /// `MoveWatch.jumping` moves in one second: it takes a program to do that, or a loop.
    case jumping
  }

  public var domain: DomainIndex
  public var station: MACAddress
  /// The last of its moves.
  public var from: PortIndex
  public var to: PortIndex
  public var pace: Pace

  public init(domain: DomainIndex, station: MACAddress, from: PortIndex, to: PortIndex, pace: Pace) {
    (self.domain, self.station, self.from, self.to, self.pace) = (domain, station, from, to, pace)
  }
}

/// Which stations move again and again: of the moves that a worker has heard itself.
///
/// A few places by the hash of the station; one that moves now keeps its place against those that come. So the memory
/// is fixed, a move costs the same whatever else goes on, and of very many that flap at once some are told of later.
///
/// ## Threads
/// Belongs to the station table.
@safe struct MoveWatch: ~Copyable {
  /// Seconds that `flapping` is counted in.
  static let window: UInt32 = 10
  static let flapping: UInt32 = 4
  static let jumping: UInt32 = 200

  private struct Entry: BitwiseCopyable {
    var key: UInt64 = 0
    var windowStart: UInt32 = 0
    var inWindow: UInt32 = 0
    var second: UInt32 = 0
    var inSecond: UInt32 = 0
  }
  private static let capacity = 256
  private static let reportLimit = 32

  private let entries: UnsafeMutablePointer<Entry>
  private let reports: UnsafeMutablePointer<StationMove>
  private var reportCount = 0

  init() {
    unsafe entries = .allocate(capacity: Self.capacity)
    unsafe entries.initialize(repeating: Entry(), count: Self.capacity)
    unsafe reports = .allocate(capacity: Self.reportLimit)
  }

  deinit {
    unsafe entries.deallocate()
    unsafe reports.deallocate()
  }

  var hasReports: Bool { reportCount > 0 }

  /// `place`: any number that depends on the station alone. A report too many is lost; the station's next one is not.
  mutating func note(_ key: UInt64, place: UInt32, from: UInt16, to: UInt16, at now: UInt32) {
    let index = Int(place) & (Self.capacity - 1)
    var entry = unsafe entries[index]
    let isOver = now &- entry.windowStart >= Self.window
    if entry.key != key {
      guard isOver || entry.key == 0 else { return }
      entry = Entry(key: key, windowStart: now)
    } else if isOver {
      (entry.windowStart, entry.inWindow) = (now, 0)
    }
    if entry.second != now { (entry.second, entry.inSecond) = (now, 0) }
    entry.inWindow &+= 1
    entry.inSecond &+= 1
    unsafe entries[index] = entry
    if entry.inWindow == Self.flapping { report(key, from, to, .flapping) }
    if entry.inSecond == Self.jumping { report(key, from, to, .jumping) }
  }

  private mutating func report(_ key: UInt64, _ from: UInt16, _ to: UInt16, _ pace: StationMove.Pace) {
    guard reportCount < Self.reportLimit else { return }
    unsafe reports[reportCount] = StationMove(
      domain: DomainIndex(Int(key >> 48)), station: MACAddress(key), from: PortIndex(Int(from)),
      to: PortIndex(Int(to)), pace: pace)
    reportCount += 1
  }

  /// In no order.
  mutating func next() -> StationMove? {
    guard reportCount > 0 else { return nil }
    reportCount -= 1
    return unsafe reports[reportCount]
  }
}

extension StationTable {
  /// Whether `nextMove` has something to say.
  public var hasMoves: Bool { watch.hasReports }

  /// A station that moves again and again, once for each time that it was found to.
  public mutating func nextMove() -> StationMove? { watch.next() }
}
