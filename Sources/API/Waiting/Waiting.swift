// One caller who waits.
//
// What Control says as events (changes of the rack, NICs that were lost, a machine that phones home) wakes it at once.
// Links, LACP, neighbours and answers to pings have no events: they are asked of the daemon's own memory each tenth of a
// second, for as long as somebody waits for them (`SharedLooks`), and never by the client.

import AsyncAlgorithms
import Checks
import Control
import MachineHost
import Rack
import Synchronization

struct Waiting: Sendable {
  /// Those of one token or user.
  static let limit = 64
  /// Events of a server that are read to find out whether it has phoned home.
  private static let pageSize = 200, pageLimit = 50
  /// Between two questions of the gateway whether a server is there.
  private static let seekPause = Duration.seconds(1)

  let call: Call
  let request: WaitRequest
  let looks: SharedLooks
  let probes: Probes

  private enum Item: Sendable { case event(Event), tick, end }

  /// What is missing, by server; nothing when all is true.
  struct Outcome: Sendable {
    struct Row: Sendable {
      var server: Server
      var missing: Missing
    }
    var rows: [Row] = []
    /// Why it was given up before its time.
    var ended: String?
    var milliseconds = 0
  }

  /// Returns when all conditions are true, when the time is over, or when it is cancelled.
  func run() async -> Outcome {
    let began = ContinuousClock.now
    let deadline = began + .milliseconds(request.milliseconds)
    // From before the first look, so that nothing falls in between.
    let events = await call.watchEvents()
    var home = await phonedHome()
    let pings = Pings()
    let pinging = ping(pings)
    defer { pinging?.cancel() }
    var (since, sought) = (began, Optional<ContinuousClock.Instant>.none)
    var outcome = Outcome()

    func look() async -> Bool {
      outcome.rows = await missing(home, pings, from: since)
      if outcome.rows.contains(where: { $0.missing.condition == .address }),
        sought.map({ $0.duration(to: .now) >= Self.seekPause }) ?? true
      {
        sought = .now
        for server in Set(outcome.rows.map(\.server)) { await call.seekNeighbours(of: server) }
      }
      return outcome.rows.isEmpty || ContinuousClock.now >= deadline
    }

    var isOver = await look()
    if !isOver {
      let items = merge(
        chain(events.map { Item.event($0) }, [Item.end].async),
        AsyncTimerSequence(interval: SharedLooks.pause, clock: .continuous).map { _ in Item.tick })
      loop: for await item in items {
        switch item {
        case .event(let event):
          guard let server = event.server, request.servers.contains(where: { $0.id == server }) else { continue }
          since = .now
          note(event, &home)
          if event.type == "device.delete", let server = request.servers.first(where: { $0.id == event.server }) {
            outcome.ended = "\(server.hostname) was deleted"
            break loop
          }
        case .tick: break
        case .end:
          outcome.ended = "the daemon stops, or the token was revoked"
          break loop
        }
        isOver = await look()
        if isOver { break }
      }
      if !isOver, outcome.ended == nil { outcome.ended = "toprackd is stopping" }
    }
    outcome.milliseconds = Int(began.duration(to: .now) / .milliseconds(1))
    if !outcome.rows.isEmpty { await advise(&outcome) }
    return outcome
  }

  private func missing(
    _ home: Set<ServerID>, _ pings: Pings, from instant: ContinuousClock.Instant
  ) async -> [Outcome.Row] {
    let view = await call.view()
    let conditions = request.conditions
    let members = conditions.contains(.lacp) ? await looks.members(call, from: instant) : []
    let neighbours = conditions.contains(.address) ? await looks.neighbours(call, from: instant) : []
    let wantsLinks = conditions.contains { if case .link = $0 { true } else { false } }
    var rows: [Outcome.Row] = []
    for old in request.servers {
      guard let server = view[old.id] else { continue }
      var facts = WaitFacts(server: server)
      facts.attached = Set(PortName.nics.filter { view.location(of: $0, server) != nil })
      if wantsLinks { facts.linksUp = Set(await call.counters(of: server).filter(\.value.linkUp).keys) }
      for member in members where member.server == server.id { facts.members[member.port] = member }
      facts.neighbours = neighbours.filter { $0.place == .server(server.id, hostname: server.hostname) }
      facts.hasPhonedHome = home.contains(server.id)
      facts.ping = pings[server.id]
      facts.problems = view.problems(of: server)
      rows += conditions.flatMap { $0.missing(in: facts) }.map { Outcome.Row(server: server, missing: $0) }
    }
    return rows
  }

  // MARK: Phone home

  private static let homeTypes = ["device.phone_home", "device.active"]
  private static let newTypes = ["device.create", "device.reinstall"]

  /// Servers that have phoned home since they were installed, as the journal has it.
  private func phonedHome() async -> Set<ServerID> {
    guard request.conditions.contains(.phoneHome) else { return [] }
    var found: Set<ServerID> = []
    for server in request.servers {
      if await hasPhonedHome(server) { found.insert(server.id) }
    }
    return found
  }

  private func hasPhonedHome(_ server: Server) async -> Bool {
    for number in 1...Self.pageLimit {
      let place = [("page", number), ("per_page", Self.pageSize)].map { JSON.Member(name: $0, value: .integer($1)) }
      guard let page = try? Page(Arguments(members: place)),
        let events = try? await call.events(of: nil, server, page).events
      else { return false }
      for event in events {
        if Self.homeTypes.contains(event.type) { return true }
        if Self.newTypes.contains(event.type) { return false }
      }
      if events.count < Self.pageSize { return false }
    }
    return false
  }

  private func note(_ event: Event, _ home: inout Set<ServerID>) {
    guard let server = event.server else { return }
    if Self.homeTypes.contains(event.type) { home.insert(server) }
    if event.type == "device.reinstall" { home.remove(server) }
  }

  // MARK: Ping

  /// Asks from each server until it was answered once.
  private func ping(_ pings: Pings) -> Task<Void, Never>? {
    guard let address = request.pinged else { return nil }
    return Task {
      await withTaskGroup { group in
        for server in request.servers {
          group.addTask {
            while !Task.isCancelled, await !ask(address, server, pings) {
              try? await Task.sleep(for: SharedLooks.pause)
            }
          }
        }
      }
    }
  }

  private func ask(_ address: ProbeAddress, _ server: Server, _ pings: Pings) async -> Bool {
    guard let server = await call.view()[server.id] else { return true }
    do throws(ProbeFault) {
      let report = try await probes.ping(
        address, from: try await probes.origin(of: server, call), count: 1, for: call)
      pings[server.id] = (report.answered > 0, report.words)
      return report.answered > 0
    } catch {
      pings[server.id] = (false, error.message)
      return false
    }
  }

  /// What came of the last echo requests of each server.
  private final class Pings: Sendable {
    private let state = Mutex<[ServerID: (isAnswered: Bool, seen: String)]>([:])

    subscript(server: ServerID) -> (isAnswered: Bool, seen: String)? {
      get { state.withLock { $0[server] } }
      set { state.withLock { $0[server] = newValue } }
    }
  }

  // MARK: Advice

  /// Says of servers with a virtual machine what helps there: nothing of what is heard of it by the switch is known here
  /// otherwise.
  private func advise(_ outcome: inout Outcome) async {
    guard let machines = probes.machines else { return }
    for index in outcome.rows.indices {
      let row = outcome.rows[index]
      guard let nic = row.missing.nic, let status = await machines.status(of: row.server.id),
        let hearing = try? await Hearing.all(of: row.server, status, call)[nic], let advice = hearing.advice
      else { continue }
      outcome.rows[index].missing.advice = advice
    }
  }
}

extension Waiting.Outcome {
  var json: JSON {
    [
      "met": .boolean(rows.isEmpty && ended == nil), "ms": .integer(milliseconds), "ended": JSON(ended),
      "missing": .array(
        rows.map { row in
          [
            "server": .string(row.server.hostname), "server_id": row.server.id.json,
            "condition": .string(row.missing.condition.name), "nic": JSON(row.missing.nic?.rawValue),
            "text": .string(row.missing.text.visibleInLine), "advice": JSON(row.missing.advice?.visibleInLine),
          ]
        }),
    ]
  }
}
