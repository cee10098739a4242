import Glibc
package import Ports
package import Rack
package import Switching
import Synchronization

/// Watches what others do to the interfaces of NICs and to the names of their namespaces.
///
/// ## How it works
/// Three sources, each for what the others cannot hear:
///
/// 1. A netlink socket in each namespace where NICs have been attached says which interfaces something happened to. It
///    is only a reason to look: what is true is asked of the TAP's descriptor (`NICPlane.place`), which follows its
///    interface through any renaming and any move. One socket for all namespaces (NETLINK_LISTEN_ALL_NSID) would hear
///    every container of the host, and a tenant that fills it would make us deaf for all others. Such a socket keeps
///    its namespace alive, as the TAP's descriptor does anyway; therefore none is opened where a NIC was moved to: a
///    container there has to be able to end.
/// 2. Every half second one `poll` over all TAPs says which are gone, and a NIC that was moved away is looked at. So is
///    one that is down, a hundred of them in a turn: the kernel tells nobody of the alias of an interface that is down.
/// 3. In the same turn the names of the namespaces are compared with the namespaces that they were.
///
/// A namespace is looked at 100 ms after the last time at the earliest, and for a tenth of the time at most, however
/// much happens in it; then only the interfaces that messages named, or all of that namespace when messages were lost.
///
/// It tells differences alone, and nothing twice. Control decides what they mean.
///
/// ## Threads
/// A thread of its own; everything public may be called from any.
package final class HostWatch: Sendable {
  package enum Sighting: Sendable, Hashable {
    case at(TAPPlace)
    case gone
  }

  package enum NameState: Sendable, Hashable {
    /// The name leads to the namespace.
    case whole
    case missing
    /// It leads to another one, or to none.
    case taken
  }

  package struct Report: Sendable {
    /// With the ticket of the `watch` that it answers.
    package var nics: [NICIndex: (ticket: Int, sighting: Sighting)] = [:]
    package var names: [ServerID: NameState] = [:]
    package var isEmpty: Bool { nics.isEmpty && names.isEmpty }

    package init() {}
  }

  fileprivate enum Letter: Sendable {
    case watch(NICIndex, ticket: Int, TAPPlace)
    case forget(NICIndex)
    case name(ServerID, String, NamespaceIdentity)
    case forgetName(ServerID)
    case stop
  }

  fileprivate let letters = Mutex<[Letter]>([])
  private let waker: Waker
  private let thread: Mutex<pthread_t?>

  package init(_ plane: any NICPlane, tell: @escaping @Sendable (Report) -> Void) throws(PortsFault) {
    let poller = try LinkPoller()
    waker = poller.waker
    thread = Mutex(nil)
    let start = WatchStart(watch: self, plane: plane, poller: poller, tell: tell)
    var id = pthread_t()
    let argument = unsafe Unmanaged.passRetained(start).toOpaque()
    let result = unsafe pthread_create(
      &id, nil,
      { argument in
        let start = unsafe Unmanaged<WatchStart>.fromOpaque(argument!).takeRetainedValue()
        nameThread("toprack-watch")
        var watcher = Watcher(start)
        watcher.run()
        return nil
      }, argument)
    guard result == 0 else {
      unsafe Unmanaged<WatchStart>.fromOpaque(argument).release()
      throw PortsFault(errno: result, message: "starting thread toprack-watch")
    }
    let started = id
    thread.withLock { $0 = started }
  }

  /// Watches an attached NIC, which was at `place` when somebody looked last: what is different by now is told.
  package func watch(_ nic: NICIndex, ticket: Int, at place: TAPPlace) { post(.watch(nic, ticket: ticket, place)) }
  package func forget(_ nic: NICIndex) { post(.forget(nic)) }
  /// Watches that `name` leads to `space`.
  package func watch(name: String, of server: ServerID, leadingTo space: NamespaceIdentity) {
    post(.name(server, name, space))
  }
  package func forgetName(of server: ServerID) { post(.forgetName(server)) }

  /// Returns when the thread has ended.
  package func stop() {
    post(.stop)
    if let thread = thread.withLock({ $0.take() }) { pthread_join(thread, nil) }
  }

  private func post(_ letter: Letter) {
    letters.withLock { $0.append(letter) }
    waker.wake()
  }
}

private final class WatchStart {
  let watch: HostWatch
  let plane: any NICPlane
  var poller: LinkPoller?
  let tell: @Sendable (HostWatch.Report) -> Void

  init(
    watch: HostWatch, plane: any NICPlane, poller: consuming LinkPoller,
    tell: @escaping @Sendable (HostWatch.Report) -> Void
  ) {
    (self.watch, self.plane, self.tell) = (watch, plane, tell)
    self.poller = consume poller
  }
}

/// The thread's own.
private struct Watcher: ~Copyable {
  private static let sweepInterval: UInt64 = 500
  private static let shortestPause: UInt64 = 100
  /// NICs that are looked at in one turn because they are down.
  private static let downLimit = 100

  private struct Entry {
    var ticket: Int
    var place: TAPPlace
    /// The token of the space whose socket hears of it; `nil`: it is looked at in each sweep.
    var token: Int?
    var isGone = false
  }

  /// A namespace with a socket in it.
  private final class Space {
    let file: NamespaceIdentity
    let watch: LinkWatch
    var nics: Set<NICIndex> = []
    /// When it is to be looked at; `nil`: when it says something.
    var due: UInt64?
    var earliest: UInt64 = 0

    init(_ file: NamespaceIdentity, _ watch: consuming LinkWatch) {
      self.file = file
      self.watch = watch
    }
  }

  private let watch: HostWatch
  private let plane: any NICPlane
  private let poller: LinkPoller
  private let tell: @Sendable (HostWatch.Report) -> Void
  private var entries: [NICIndex: Entry] = [:]
  private var spaces: [Int: Space] = [:]
  private var tokens: [NamespaceIdentity: Int] = [:]
  private var nextToken = 0
  private var names: [ServerID: (name: String, space: NamespaceIdentity, state: HostWatch.NameState)] = [:]
  private var report = HostWatch.Report()
  /// NICs that the next turns ask whether they are down.
  private var round: [NICIndex] = []

  init(_ start: WatchStart) {
    (watch, plane, tell) = (start.watch, start.plane, start.tell)
    poller = start.poller.take()!
  }

  mutating func run() {
    var nextSweep = Clock.milliseconds() + Self.sweepInterval
    while true {
      var now = Clock.milliseconds()
      let due = min(nextSweep, spaces.values.lazy.compactMap(\.due).min() ?? .max)
      let heard = poller.wait(milliseconds: due > now ? Int(due - now) : 0)
      let letters = watch.letters.withLock { letters in
        defer { letters = [] }
        return letters
      }
      for letter in letters {
        if case .stop = letter { return }
        take(letter)
      }
      now = Clock.milliseconds()
      for token in heard {
        guard let space = spaces[token], space.due == nil else { continue }
        poller.set(space.watch, token: token, isHeard: false)
        space.due = max(now, space.earliest)
      }
      for (token, space) in spaces where space.due.map({ $0 <= now }) == true { look(at: space, token) }
      if now >= nextSweep {
        sweep()
        nextSweep = Clock.milliseconds() + Self.sweepInterval
      }
      if !report.isEmpty {
        tell(report)
        report = HostWatch.Report()
      }
    }
  }

  private mutating func take(_ letter: HostWatch.Letter) {
    switch letter {
    case .watch(let nic, let ticket, let place):
      leave(nic)
      entries[nic] = Entry(ticket: ticket, place: place, token: nil)
      settle(nic)
      look(at: nic)
    case .forget(let nic):
      leave(nic)
      entries[nic] = nil
      report.nics[nic] = nil
    case .name(let server, let name, let space):
      names[server] = (name, space, .whole)
    case .forgetName(let server):
      names[server] = nil
      report.names[server] = nil
    case .stop: break
    }
  }

  // MARK: Namespaces

  /// Finds the socket that hears of a NIC, or opens one in the namespace where it was attached.
  private mutating func settle(_ nic: NICIndex) {
    guard let entry = entries[nic], let home = plane.home(of: nic), home.identity.isSame(as: entry.place.namespace)
    else { return }
    if let token = tokens[home.identity] {
      spaces[token]!.nics.insert(nic)
      entries[nic]!.token = token
      return
    }
    // Without, for want of descriptors, it is looked at in each sweep.
    guard let watch = try? LinkWatch(in: home) else { return }
    let space = Space(home.identity, watch)
    let token = nextToken
    nextToken += 1
    space.nics = [nic]
    poller.set(space.watch, token: token, isHeard: true)
    spaces[token] = space
    tokens[home.identity] = token
    entries[nic]!.token = token
  }

  /// The last NIC to leave a namespace closes its socket.
  private mutating func leave(_ nic: NICIndex) {
    guard let token = entries[nic]?.token, let space = spaces[token] else { return }
    entries[nic]!.token = nil
    space.nics.remove(nic)
    guard space.nics.isEmpty else { return }
    poller.remove(space.watch)
    tokens[space.file] = nil
    spaces[token] = nil
  }

  private mutating func look(at space: Space, _ token: Int) {
    let begin = Clock.milliseconds()
    space.due = nil
    let nics: [NICIndex]
    switch space.watch.take() {
    case .lost: nics = Array(space.nics)
    case .some(let indexes): nics = space.nics.filter { entries[$0].map { indexes.contains($0.place.index) } ?? false }
    }
    for nic in nics { look(at: nic) }
    let end = Clock.milliseconds()
    space.earliest = end + max(Self.shortestPause, 9 * (end - begin))
    if spaces[token] != nil { poller.set(space.watch, token: token, isHeard: true) }
  }

  private mutating func sweep() {
    for nic in plane.gone() { look(at: nic) }
    for (nic, entry) in entries where entry.token == nil && !entry.isGone { look(at: nic) }
    if round.isEmpty { round = Array(entries.keys) }
    var looks = 0
    while looks < Self.downLimit, let nic = round.popLast() {
      guard let entry = entries[nic], entry.token != nil, !entry.isGone, !plane.isUp(nic) else { continue }
      look(at: nic)
      looks += 1
    }
    for (server, known) in names {
      let file = NetworkNamespaces.file(of: known.name)
      let state: HostWatch.NameState = file.map { $0.isSame(as: known.space) ? .whole : .taken } ?? .missing
      guard state != known.state else { continue }
      names[server]!.state = state
      report.names[server] = state
    }
  }

  // MARK: NICs

  private mutating func look(at nic: NICIndex) {
    guard var entry = entries[nic], !entry.isGone else { return }
    let seen: TAPPlace?
    // A fault is of the moment: whatever changes next, or the next sweep, brings another look.
    do { seen = try plane.place(of: nic) } catch { return }
    guard let seen else {
      // Given up meanwhile: the letter is on its way.
      guard plane.isAttached(nic) else { return }
      entry.isGone = true
      entries[nic] = entry
      report.nics[nic] = (entry.ticket, .gone)
      return
    }
    guard seen != entry.place else { return }
    let hasMoved = !seen.namespace.isSame(as: entry.place.namespace)
    entries[nic]!.place = seen
    report.nics[nic] = (entry.ticket, .at(seen))
    guard hasMoved else { return }
    leave(nic)
    settle(nic)
  }
}
