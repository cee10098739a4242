public import Switching

/// Stations of some domains and ports; without any it is all of them.
public struct StationFilter: Hashable, Sendable {
  private let domains: IndexBits?
  private let ports: IndexBits?

  /// `nil`: every domain, every port.
  public init(domains: [DomainIndex]? = nil, ports: [PortIndex]? = nil) {
    self.domains = domains.map { IndexBits($0.lazy.map(\.value)) }
    self.ports = ports.map { IndexBits($0.lazy.map(\.value)) }
  }

  func matches(_ domain: DomainIndex, _ port: PortIndex) -> Bool {
    (domains?.contains(domain.value) ?? true) && (ports?.contains(port.value) ?? true)
  }
}

/// A set of 16-bit numbers as bits: a worker asks it of each station in its table.
private struct IndexBits: Hashable, Sendable {
  private var words = [UInt64](repeating: 0, count: 1024)

  init(_ values: some Sequence<Int>) {
    for value in values { words[value >> 6] |= 1 << UInt64(value & 63) }
  }

  func contains(_ value: Int) -> Bool { words[value >> 6] & (1 << UInt64(value & 63)) != 0 }
}

/// A pass over one worker's table, or a part of one.
struct StationScan: Sendable {
  let filter: StationFilter
  /// The slot to begin at.
  var place = 0
  /// Matching stations that are passed over before any is taken.
  var skip = 0
  let limit: Int
  /// How the pass ends: at the end of the table, so that `matched` is all there are from `place` on, or soon after
  /// `limit`, with a few more than those, so that the next one begins where this has ended.
  let countsAll: Bool
}

/// What a pass has found.
struct StationFind: Hashable, Sendable {
  var records: [StationRecord] = []
  /// Those of the filter, taken or not.
  var matched = 0
  /// Where to go on; `nil`: this was the end.
  var next: Int?
}

/// Where a listing goes on. Stations that stay in the table while it is read are met once; it has no order.
public struct StationCursor: Hashable, Sendable {
  var worker = 0
  var place = 0

  /// From the beginning.
  public init() {}
  init(worker: Int, place: Int) { (self.worker, self.place) = (worker, place) }
}
