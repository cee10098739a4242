import Cabling
import Dataplane
import Glibc
import Host
import Observers
public import Rack
public import Switching

/// One frame that went no further, in the rack's words.
public struct Drop: Hashable, Sendable {
  /// Whose NIC it was.
  public enum Owner: Hashable, Sendable {
    /// Also of one that is gone.
    case server(ServerID, hostname: String, project: ProjectID, nic: PortName)
    /// `uplink/NAME`, or the metadata service's.
    case own(String)
    case unknown(index: Int)
  }

  /// Nanoseconds since 1970.
  public var time: UInt64
  public var owner: Owner
  /// The switch's view.
  public var isOutgoing: Bool
  public var reason: DropReason
  /// Bytes of the whole frame; of `bytes` as many as were kept; none where the frame was not at hand.
  public var length: Int
  public var bytes: [UInt8]
  /// Its virtio header.
  public var offload: [UInt8]
  /// Where reading goes on behind it.
  public var cursor: DropCursor

  public init(
    time: UInt64, owner: Owner, isOutgoing: Bool, reason: DropReason, length: Int, bytes: [UInt8],
    offload: [UInt8] = [],
    cursor: DropCursor
  ) {
    (self.time, self.owner, self.isOutgoing, self.reason) = (time, owner, isOutgoing, reason)
    (self.length, self.bytes, self.offload, self.cursor) = (length, bytes, offload, cursor)
  }
}

/// Which drops are meant: those for which everything given holds.
public struct DropSelection: Hashable, Sendable {
  public var server: ServerID?
  public var nics: Set<PortName>?
  public var reason: DropReason?
  public var project: ProjectID?

  public init(
    server: ServerID? = nil, nics: Set<PortName>? = nil, reason: DropReason? = nil, project: ProjectID? = nil
  ) {
    (self.server, self.nics, self.reason, self.project) = (server, nics, reason, project)
  }

  public func has(_ drop: Drop) -> Bool {
    guard reason == nil || reason == drop.reason else { return false }
    guard case .server(let id, hostname: _, project: let project, nic: let nic) = drop.owner else {
      return server == nil && nics == nil && self.project == nil
    }
    return (server ?? id) == id && (self.project ?? project) == project && (nics?.contains(nic) ?? true)
  }
}

/// What was read of the logs of drops.
public struct DropReading: Sendable {
  /// By time.
  public var drops: [Drop]
  public var next: DropCursor
  /// How many of all NICs' have been overwritten: since the cursor, or since the start where there was none.
  public var overwritten: UInt64

  public init(drops: [Drop], next: DropCursor, overwritten: UInt64) {
    (self.drops, self.next, self.overwritten) = (drops, next, overwritten)
  }
}

/// The logs of drops of all threads of the forwarding plane, as one.
///
/// A log knows NICs by their numbers, which are given again when a server is gone. Who had a number at the time of a
/// drop is known by when servers went: `FormerNICs`.
extension Control {
  /// After `cursor` the oldest `limit` that are meant; without one the newest. A cursor of an earlier run of the daemon
  /// begins at the beginning: nothing of this run is missed.
  ///
  /// Reads the logs outside of the actor.
  public nonisolated func drops(
    _ selection: DropSelection, after cursor: DropCursor?, limit: Int
  ) async -> DropReading {
    let logs = dataplane.dropLogs
    let run = dropRun
    var known = [UInt64](repeating: 0, count: logs.count)
    if let cursor, cursor.run == run, cursor.numbers.count == logs.count { known = cursor.numbers }
    var merge = DropMerge(logs, after: known)
    guard let first = merge.next() else {
      return DropReading(
        drops: [], next: DropCursor(run: run, numbers: merge.end), overwritten: merge.overwritten)
    }
    let names = await nicNames()
    var drops: [Drop] = []
    var step: DropMerge.Step? = first
    while let now = step {
      let drop = Self.drop(now, names, run)
      if selection.has(drop) {
        drops.append(drop)
        if cursor != nil, drops.count == limit {
          return DropReading(drops: drops, next: drop.cursor, overwritten: merge.overwritten)
        }
      }
      step = merge.next()
    }
    return DropReading(
      drops: cursor == nil ? Array(drops.suffix(limit)) : drops, next: DropCursor(run: run, numbers: merge.end),
      overwritten: merge.overwritten)
  }

  private static func drop(_ step: DropMerge.Step, _ names: NICOwners, _ run: UInt64) -> Drop {
    let frame = step.record.frame
    return Drop(
      time: frame.time, owner: names.owner(of: frame.nic, at: frame.time), isOutgoing: frame.isOutgoing,
      reason: step.record.reason, length: frame.length, bytes: frame.bytes, offload: frame.offload,
      cursor: DropCursor(run: run, numbers: step.numbers))
  }

  // MARK: Names

  private func nicNames() -> NICOwners {
    var names = NICOwners(former: formerNICs)
    for (slot, id) in wires.slotOf.map({ ($1, $0) }) + wires.formerSlotOf.map({ ($1, $0) }) {
      guard let server = rack.servers[id] else { continue }
      for nic in PortName.nics {
        names.now[Wires.nic(nic, slot: slot)] = .server(
          id, hostname: server.hostname, project: server.project, nic: nic)
      }
    }
    for number in 0..<Wires.ownLimit {
      let own = wires.own(number)
      guard let name = gateway.names[own.port] else { continue }
      names.now[own.nic] = .own(name == MetadataLink.device ? name : "uplink/\(name)")
    }
    return names
  }

  /// To be called before the numbers of a server's NICs are given back.
  func noteFormer(_ server: Server, slot: Int) { formerNICs.add(server, slot: slot, until: Self.nanoseconds()) }

  /// By the clock that drops are dated with.
  static func nanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(clamping: now.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: now.tv_nsec)
  }
}

/// Whose the NICs are, and were.
struct NICOwners: Sendable {
  var now: [NICIndex: Drop.Owner] = [:]
  var former: FormerNICs

  /// Who had the NIC at that time.
  func owner(of nic: NICIndex, at time: UInt64) -> Drop.Owner {
    former.owner(of: nic, at: time) ?? now[nic] ?? .unknown(index: nic.value)
  }
}

/// The servers that had NICs and are gone, as far back as the logs can reach: the last `limit` of them.
struct FormerNICs: Sendable {
  static let limit = 4_096

  private struct Entry: Sendable {
    var server: ServerID, hostname: String, project: ProjectID, until: UInt64
  }

  /// By slot, the earliest end first.
  private var entries: [Int: [Entry]] = [:]
  /// Slots, in the order of the ends.
  private var order: [Int] = []

  mutating func add(_ server: Server, slot: Int, until: UInt64) {
    entries[slot, default: []].append(
      Entry(server: server.id, hostname: server.hostname, project: server.project, until: until))
    order.append(slot)
    guard order.count > Self.limit else { return }
    let oldest = order.removeFirst()
    entries[oldest]?.removeFirst()
    if entries[oldest]?.isEmpty == true { entries[oldest] = nil }
  }

  func owner(of nic: NICIndex, at time: UInt64) -> Drop.Owner? {
    guard let entry = entries[nic.value / 2]?.first(where: { time <= $0.until }) else { return nil }
    return .server(
      entry.server, hostname: entry.hostname, project: entry.project, nic: Wires.name(of: nic))
  }
}
