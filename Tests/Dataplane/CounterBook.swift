import Dataplane
import Switching
import Testing

/// Every counter of every NIC at one moment. A test says which of them it expects to move, and by how much; that no
/// other moves is a part of what it says.
struct CounterBook: Equatable {
  /// `NIC rx`, `NIC tx`, `NIC REASON` to frames, without zeros.
  private(set) var counts: [String: Int] = [:]

  init(_ plane: Dataplane, nics: Int) {
    for nic in 0..<nics {
      let read = plane.counters(of: NICIndex(nic))
      set("\(nic) rx", read.rxPackets)
      set("\(nic) tx", read.txPackets)
      for (reason, count) in read.drops { set("\(nic) \(reason)", count) }
    }
  }

  private mutating func set(_ name: String, _ count: UInt64) { if count > 0 { counts[name] = Int(count) } }

  /// What has moved since `before`.
  func moved(since before: CounterBook) -> [String: Int] {
    var moved: [String: Int] = [:]
    for (name, count) in counts where count != before.counts[name, default: 0] {
      moved[name] = count - before.counts[name, default: 0]
    }
    return moved
  }
}
