import Cabling
import Host
import Net
import Rack
import Store
import Switching

/// What Control knows of the host: where servers' NICs belong, which are lost, and what is still to be done about it.
///
/// ## Threads
/// Belongs to `Control`.
struct HostState {
  /// The NICs that are attached, and where they are.
  var locations: [ServerID: [PortName: NICLocation]] = [:]
  /// Each server's own namespace, which does not change with its name; none where it is gone.
  var homes: [ServerID: NamespaceIdentity] = [:]
  /// Servers whose namespace Toprack made.
  var ownNamespaces: Set<ServerID> = []
  /// Where a NIC that is lost was, and the reason that the last attempt failed for.
  var lost: [NICKey: Loss] = [:]
  struct Loss {
    var last: NICLocation?
    var reason: String
    /// Something on the host is in its place, which somebody has to take away.
    var isTaken = false
    /// Where the database says it is: something may be there that is busy for a moment.
    var record: NICPlace?
  }

  /// Which `HostWatch.watch` of a NIC counts: one that was removed or made again has another.
  var tickets: [NICIndex: Int] = [:]
  private var nextTicket = 0
  mutating func ticket(for nic: NICIndex) -> Int {
    nextTicket += 1
    tickets[nic] = nextTicket
    return nextTicket
  }

  /// What the watch has told and nobody has looked at.
  var report = HostWatch.Report()
  /// NICs that are to be tried again.
  var toHeal: Set<NICKey> = []
  var repairs: [Repair] = []
  struct Repair {
    let server: ServerID
    let requester: Requester?
    let continuation: CheckedContinuation<[String], any Error>
  }

  var healing: [NICKey: HealingPace] = [:]
  var eventPace: [NICKey: EventPace] = [:]
  /// Places that the database has not yet; written once a second at most.
  var unwritten: Set<NICKey> = []
  var writtenAt: Instant = 0
  var isWriteDue = false

  /// Servers whose NICs the group under way has made anew elsewhere: those that go, and where they are.
  var former: [ServerID: Former] = [:]
  struct Former {
    let server: Server
    let slot: Int
    let locations: [PortName: NICLocation]
    let home: NamespaceIdentity?
    let isOwn: Bool
  }

  /// What the MTUs were that the group under way has changed.
  var mtusBefore: [ServerID: [PortName: Int]] = [:]

  var hasWork: Bool { !report.isEmpty || !toHeal.isEmpty || !repairs.isEmpty || isWriteDue }

  /// The server is gone.
  mutating func forget(_ server: ServerID, slot: Int) {
    locations[server] = nil
    homes[server] = nil
    ownNamespaces.remove(server)
    for nic in PortName.nics {
      let key = NICKey(server, nic)
      (lost[key], healing[key], eventPace[key]) = (nil, nil, nil)
      toHeal.remove(key)
      unwritten.remove(key)
      tickets[Wires.nic(nic, slot: slot)] = nil
    }
  }
}

extension HostWatch.Report {
  /// What came later counts.
  mutating func merge(_ other: HostWatch.Report) {
    nics.merge(other.nics) { $1 }
    names.merge(other.names) { $1 }
  }
}
