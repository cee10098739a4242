/// How many frames each NIC has had flooded in this second: the storm control of a worker.
///
/// A flood is what costs: one broadcast, multicast or unknown unicast is a write for each port of its domain. A frame
/// that has one receiver is never counted, so it pays nothing. A super-frame is one frame, as it is in all counters.
///
/// ## Threads
/// One owner, the worker that reads from the NIC.
@safe public struct FloodMeter: ~Copyable {
  public enum Reading: Sendable, BitwiseCopyable {
    /// It may be flooded.
    case passes
    /// It may, and with it the NIC has sent `loud` floods in this second.
    case isLoud
    /// It may not, and is the first of this second.
    case breaksLimit
    /// It may not.
    case isBeyond
  }

  /// Floods in a second from which on it is worth a look whether there is a loop. A loop reaches it within
  /// milliseconds.
  public static let loud: UInt32 = 2_000

  struct Cell: BitwiseCopyable {
    var second: UInt32 = 0
    var count: UInt32 = 0
  }

  private let cells: UnsafeMutablePointer<Cell>
  private let limit: UInt32

  /// `limit`: floods a second that a NIC may send; 0: as many as it likes.
  public init(nics: Int, limit: Int) {
    self.limit = limit == 0 ? .max : UInt32(clamping: limit)
    unsafe cells = .allocate(capacity: nics)
    unsafe cells.initialize(repeating: Cell(), count: nics)
  }

  deinit { unsafe cells.deallocate() }

  /// Counts a flood that came in by `nic` in the second `now`.
  public mutating func count(_ nic: NICIndex, at now: UInt32) -> Reading {
    var cell = unsafe cells[nic.value]
    if cell.second != now { cell = Cell(second: now) }
    if cell.count < .max { cell.count += 1 }
    unsafe cells[nic.value] = cell
    if cell.count > limit { return cell.count == limit + 1 ? .breaksLimit : .isBeyond }
    return cell.count == Self.loud ? .isLoud : .passes
  }
}
