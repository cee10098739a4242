import Switching
import Synchronization

/// What a NIC has counted since it was attached, seen from the switch: received is what the server sent.
public struct NICCounters: Hashable, Sendable {
  /// Frames and their bytes without FCS, as they cross the TAP: a super-frame of an offloading sender is one frame.
  public var rxPackets: UInt64 = 0
  public var rxBytes: UInt64 = 0
  public var txPackets: UInt64 = 0
  public var txBytes: UInt64 = 0
  /// Name of the reason (`DropReason.name`) to frames, without zeros.
  public var drops: [String: UInt64] = [:]
  public init() {}

  static func += (sum: inout NICCounters, more: NICCounters) {
    sum.rxPackets += more.rxPackets
    sum.rxBytes += more.rxBytes
    sum.txPackets += more.txPackets
    sum.txBytes += more.txBytes
    sum.drops.merge(more.drops) { $0 + $1 }
  }
}

/// Counters of all NICs by one thread, in one piece of memory, 512 bytes a NIC.
///
/// ## Threads
/// One writer, the worker or the slow path: a relaxed load, an addition and a relaxed store, which compile to one plain `inc`. Any number
/// of readers, which see each counter whole, and different counters of a NIC at slightly different moments.
@safe final class CounterTable: Sendable {
  /// Four traffic counters, then one for each drop reason.
  private static let perNIC = 4 + DropReason.limit
  nonisolated(unsafe) private let cells: UnsafeMutablePointer<Atomic<UInt64>>
  private let nicLimit: Int

  init(nicLimit: Int) {
    self.nicLimit = nicLimit
    unsafe cells = .allocate(capacity: nicLimit * Self.perNIC)
    for index in 0..<nicLimit * Self.perNIC { unsafe (cells + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe cells.deinitialize(count: nicLimit * Self.perNIC)
    unsafe cells.deallocate()
  }

  @inline(__always) private func add(_ nic: Int, _ field: Int, _ amount: Int) {
    let cell = nic &* Self.perNIC &+ field
    let before = unsafe cells[cell].load(ordering: .relaxed)
    unsafe cells[cell].store(before &+ UInt64(truncatingIfNeeded: amount), ordering: .relaxed)
  }

  // MARK: The worker's side

  @inline(__always) func received(_ nic: NICIndex, frames: Int, bytes: Int) {
    add(nic.value, 0, frames)
    add(nic.value, 1, bytes)
  }

  @inline(__always) func sent(_ nic: NICIndex, bytes: Int) {
    add(nic.value, 2, 1)
    add(nic.value, 3, bytes)
  }

  @inline(__always) func dropped(_ nic: NICIndex, _ reason: DropReason) {
    add(nic.value, 4 &+ Int(reason.rawValue), 1)
  }

  func reset(_ nic: NICIndex) {
    for field in 0..<Self.perNIC { unsafe cells[nic.value * Self.perNIC + field].store(0, ordering: .relaxed) }
  }

  // MARK: The readers' side

  private func field(_ nic: NICIndex, _ index: Int) -> UInt64 {
    unsafe cells[nic.value * Self.perNIC + index].load(ordering: .relaxed)
  }

  /// For who asks about all NICs again and again.
  func readBytes(_ nic: NICIndex) -> (received: UInt64, sent: UInt64) { (field(nic, 1), field(nic, 3)) }

  func read(_ nic: NICIndex) -> NICCounters {
    func field(_ index: Int) -> UInt64 { self.field(nic, index) }
    var counters = NICCounters()
    counters.rxPackets = field(0)
    counters.rxBytes = field(1)
    counters.txPackets = field(2)
    counters.txBytes = field(3)
    for reason in DropReason.allCases {
      let frames = field(4 + Int(reason.rawValue))
      if frames > 0 { counters.drops[reason.name] = frames }
    }
    return counters
  }
}
