import Rack

/// A copy of the rack on which commands are tried out, and what came of them.
///
/// ## How it works
/// Each command is decided and applied, so every rule of the rack holds. A server that several commands change has one
/// change in the end, in the place of the last; that is half of the writes and more. It would be wrong where something
/// is given back and taken again: the database has each name, namespace and address once at any moment. So whoever
/// works here first does what gives back, says `begin`, and nothing from before moves behind what comes then.
///
/// ## Cost
/// The first command copies the tables of the rack, the others change them in place.
struct LabWorkbench<Source: Entropy> {
  private(set) var rack: Rack
  var source: Source
  /// Whose plan this is; nil before it is made.
  var lab: LabID?
  private var changes: [Change?] = []
  private var events: [Event] = []
  /// Where the change of a server or a pool stands that a later one replaces.
  private var servers: [ServerID: Int] = [:]
  private var pools: [AddressPool.Key: Int] = [:]

  init(_ rack: Rack, lab: LabID?, _ source: Source) {
    (self.rack, self.lab, self.source) = (rack, lab, source)
  }

  @discardableResult
  mutating func run(_ command: Command) throws(Refusal) -> Outcome.Subject {
    let outcome = try rack.decide(command, partOf: lab, with: &source)
    rack.apply(outcome.changes)
    for change in outcome.changes { add(change) }
    events += outcome.events
    return outcome.subject
  }

  /// What was done so far stays before what comes now. `commands` that have to stay apart are each on their own.
  mutating func begin() { (servers, pools) = ([:], [:]) }

  private mutating func add(_ change: Change) {
    switch change {
    case .server(let new, replacing: let old):
      if let index = servers[new.id], case .server(_, replacing: let first) = changes[index] {
        changes[index] = nil
        changes.append(.server(new, replacing: first))
      } else {
        changes.append(.server(new, replacing: old))
      }
      servers[new.id] = changes.count - 1
    case .pool(let pool):
      if let index = pools[pool.key] { changes[index] = nil }
      changes.append(change)
      pools[pool.key] = changes.count - 1
    default: changes.append(change)
    }
  }

  var hasChanged: Bool { !changes.isEmpty }

  /// All of it as one. The record of the lab comes first, since others name it.
  func outcome(_ subject: Outcome.Subject) -> Outcome {
    var made: [Change] = []
    var rest: [Change] = []
    for case let change? in changes {
      if case .lab = change { made.append(change) } else { rest.append(change) }
    }
    return Outcome(subject: subject, changes: made + rest, events: events)
  }
}
