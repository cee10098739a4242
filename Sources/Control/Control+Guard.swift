import Cabling
import Dataplane
import FoundationEssentials
import Host
import Logging
public import Rack
import Switching
import Wire

/// Storms, loops and stations that move: what the forwarding plane's guard says, as events and problems of servers.
extension Control {
  /// Follows the guard until the forwarding plane stops.
  func watchGuard() {
    let events = dataplane.guardEvents
    begin { [weak self] in for await event in events { await self?.happened(event) } }
  }

  /// Opens a port that the guard has shut. If it still loops, it is shut again, for longer. False: it was not shut.
  public func reopen(_ port: PortName, of server: ServerID, by requester: Requester? = nil) async -> Bool {
    let ports = wires.ports(of: server)
    guard let place = PortName.allCases.firstIndex(of: port), ports.indices.contains(place) else { return false }
    guard await dataplane.reopen(ports[place]) else { return false }
    // Before its event has come this far: whoever asks next finds it open.
    marks.shut[ports[place]] = nil
    problems.clear(kind: "loop", server: server, port: port)
    logChange(
      "\(port.rawValue) of \(rack.servers[server]?.hostname ?? "\(server)") reopened", "port.reopen", of: server,
      rack.servers[server]?.project, by: requester)
    return true
  }

  private func happened(_ event: GuardEvent) async {
    switch event {
    case .storm(let nic): await begins(stormOf: nic)
    case .calm(let nic): await ends(stormOf: nic)
    case .slow(let receiver): await begins(receiver)
    case .quick(let nic): await ends(slownessOf: nic)
    case .shut(let port, let shutting): await shut(port, shutting)
    case .opened(let port, let opening): await opened(port, opening)
    case .moves(let move): await moves(move)
    }
  }

  // MARK: Storms

  private func begins(stormOf nic: NICIndex) async {
    marks.storms.insert(nic)
    guard let (server, name) = owner(of: nic) else { return }
    let rule = "\(dataplane.stormLimit) broadcasts, multicasts and frames to unknown stations a second"
    let said = "\(name.rawValue) of \(server.hostname) sends more than \(rule)"
    problems.raise(
      Problem(
        kind: "storm", server: server.id, port: name,
        text: "\(said); what is more is dropped. Look for a loop in \(server.hostname), or a program that floods; if "
          + "it is meant, raise storm-limit in the settings"))
    await note("port.storm", "\(said); what is more is dropped", of: server.id, port: name)
  }

  private func ends(stormOf nic: NICIndex) async {
    marks.storms.remove(nic)
    guard let (server, name) = owner(of: nic) else { return }
    problems.clear(kind: "storm", server: server.id, port: name)
    await note(
      "port.clear", "\(name.rawValue) of \(server.hostname) sends no storm any more", of: server.id, port: name)
  }

  // MARK: Slow receivers

  private func begins(_ receiver: SlowReceiver) async {
    guard let (server, name) = owner(of: receiver.nic) else { return }
    let said =
      "\(name.rawValue) of \(server.hostname) takes \(Self.duration(receiver.spent)) for a frame: its own system works "
      + "within the switch's write"
    problems.raise(
      Problem(
        kind: "receiver-slow", server: server.id, port: name,
        text: "\(said). It gets little or nothing meanwhile (receiver-slow). Look at the firewall in \(server.hostname)"
      ))
    await note(
      "port.slow", "\(said), and it gets nothing for \(Self.duration(receiver.silence))", of: server.id, port: name)
  }

  private func ends(slownessOf nic: NICIndex) async {
    guard let (server, name) = owner(of: nic) else { return }
    problems.clear(kind: "receiver-slow", server: server.id, port: name)
    await note(
      "port.clear", "\(name.rawValue) of \(server.hostname) takes frames quickly again", of: server.id, port: name)
  }

  /// "0.3 ms", "12 ms", "3.5 s".
  private static func duration(_ nanoseconds: UInt64) -> String {
    let tenths = nanoseconds / 100_000
    if tenths < 100 { return "\(tenths / 10).\(tenths % 10) ms" }
    if tenths < 10_000 { return "\(tenths / 10) ms" }
    return "\(tenths / 10_000).\(tenths / 1_000 % 10) s"
  }

  private func owner(of nic: NICIndex) -> (Server, PortName)? {
    guard let key = wires.key(of: nic), let server = rack.servers[key.server] else { return nil }
    return (server, key.nic)
  }

  // MARK: Loops

  private func shut(_ port: PortIndex, _ shutting: GuardEvent.Shutting) async {
    guard let (server, name) = owner(of: port) else { return }
    let until = entropy.now.addingTimeInterval(Double(shutting.milliseconds) / 1_000)
    let (reason, cause) = words(for: shutting.cause, of: port, server)
    let place = "\(name.rawValue) of \(server.hostname)"
    let inARow = shutting.times > 1 ? " (\(shutting.times) times in a row)" : ""
    let said = "\(place) is shut for \(shutting.milliseconds / 1_000) s\(inARow): \(cause)"
    let text =
      "\(place) is shut until \(until.ISO8601Format())\(inARow): \(cause). Take away what forwards it, a bridge for "
      + "example; 'toprack port reopen \(server.hostname) \(name.rawValue)' opens it at once"
    marks.shut[port] = ShutPort(port: name, reason: reason, until: until, times: shutting.times, text: text)
    problems.raise(Problem(kind: "loop", server: server.id, port: name, text: text))
    await note("port.loop", said, of: server.id, port: name)
  }

  private func words(
    for cause: GuardEvent.Cause, of port: PortIndex, _ server: Server
  ) -> (ShutPort.Reason, String) {
    switch cause {
    case .probe(let other):
      // Who is of another project has no name here.
      let partner = owner(of: other).flatMap { $0.0.project == server.project ? $0 : nil }
      let place = partner.map { "\($0.1.rawValue) of \($0.0.hostname)" } ?? "another port"
      return (
        .loop,
        other == port
          ? "what the switch sends to it comes back by it"
          : "it and \(place) make a loop: what the switch sends to the one comes back by the other"
      )
    case .jumping(let station, let other):
      let place = owner(of: other).map { "\($0.1.rawValue) of \($0.0.hostname)" } ?? "another port"
      return (.moves, "station \(station) jumps between \(place) and it hundreds of times a second, with a flood")
    }
  }

  private func opened(_ port: PortIndex, _ opening: GuardEvent.Opening) async {
    marks.shut[port] = nil
    guard let (server, name) = owner(of: port) else { return }
    problems.clear(kind: "loop", server: server.id, port: name)
    let why =
      switch opening {
      case .timePassed: "nothing comes back by it any more"
      case .byHand: "it was reopened"
      case .changed: "what it carries has changed"
      }
    await note("port.clear", "\(name.rawValue) of \(server.hostname) is open again: \(why)", of: server.id, port: name)
  }

  private func owner(of port: PortIndex) -> (Server, PortName)? {
    guard let (id, name) = wires.owner(of: port), let server = rack.servers[id] else { return nil }
    return (server, name)
  }

  // MARK: Moves

  private func moves(_ move: StationMove) async {
    guard let network = wires.network(of: move.domain).flatMap({ rack.networks[$0] }), let from = owner(of: move.from),
      let to = owner(of: move.to)
    else { return }
    await note(
      "station.moves",
      "station \(move.station) moves between \(from.1.rawValue) of \(from.0.hostname) and \(to.1.rawValue) of "
        + "\(to.0.hostname) in virtual network \(network.vxlan): two machines have this MAC address, or it is a loop",
      of: to.0.id, port: to.1)
  }

  // MARK: Marks

  /// What is to be shown beside the counters of a NIC: the port that it belongs to is shut; it storms.
  func marks(of nic: PortName, _ server: ServerID, slot: Int) -> (shut: ShutPort?, storms: Bool) {
    let isBonded = rack.servers[server]?[nic].bonded ?? false
    let ports = wires.ports(of: server)
    let name: PortName = isBonded ? .bond0 : nic
    let place = PortName.allCases.firstIndex(of: name).flatMap { ports.indices.contains($0) ? ports[$0] : nil }
    return (place.flatMap { marks.shut[$0] }, marks.storms.contains(Wires.nic(nic, slot: slot)))
  }
}
