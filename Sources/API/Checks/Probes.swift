// Questions from inside servers, as a caller may ask them: from where a server's own programs would ask, why that cannot
// be, and how many at a time.

import Checks
import Host
import MachineHost
import Rack

/// What all who wait and check share. Each question is a process: so many of them are a caller's at a time, whatever
/// they have under way, so that nobody waits for the whole of another's.
struct Probes: Sendable {
  /// Of a caller, of `Prober.limit`.
  static let share = 16

  /// `nil`: this daemon has none.
  let machines: MachineHub?
  private let prober = Prober()
  private let turns = CallerTurns()

  init(machines: MachineHub?) { self.machines = machines }

  func ping(
    _ address: ProbeAddress, from origin: ProbeOrigin, count: Int, for call: Call
  ) async throws(ProbeFault) -> PingReport {
    await turns.take(call.access.caller.name, of: Self.share)
    defer { turns.giveBack(call.access.caller.name) }
    return try await prober.ping(address, from: origin, count: count)
  }

  func connect(
    _ place: ProbePort, from origin: ProbeOrigin, milliseconds: Int, for call: Call
  ) async throws(ProbeFault) -> Prober.Answer {
    await turns.take(call.access.caller.name, of: Self.share)
    defer { turns.giveBack(call.access.caller.name) }
    return try await prober.connect(place, from: origin, milliseconds: milliseconds)
  }

  func get(
    _ url: ProbeURL, from origin: ProbeOrigin, milliseconds: Int, for call: Call
  ) async throws(ProbeFault) -> Prober.Answer {
    await turns.take(call.access.caller.name, of: Self.share)
    defer { turns.giveBack(call.access.caller.name) }
    return try await prober.get(url, from: origin, milliseconds: milliseconds)
  }

  func way(
    to address: ProbeAddress, from origin: ProbeOrigin, for call: Call
  ) async throws(ProbeFault) -> Way {
    await turns.take(call.access.caller.name, of: Self.share)
    defer { turns.giveBack(call.access.caller.name) }
    return try await prober.way(to: address, from: origin)
  }

  /// Of a server that a view has given out. Throws a sentence for one from which nothing can be sent by the daemon, or not
  /// for this caller: whoever does not choose where servers are put has nothing to do with the host's own network.
  func origin(of server: Server, _ call: Call) async throws(ProbeFault) -> ProbeOrigin {
    let name = server.hostname
    if let status = await machines?.status(of: server.id), Self.isGuest(status.state) {
      throw ProbeFault(
        "\(name) is a virtual machine, in which the daemon runs nothing: ask from another server of its network, or from "
          + "inside, by 'toprack console \(name)'")
    }
    let view = await call.view()
    if let namespace = server.place.namespace {
      if let problem = view.problems(of: server).first(where: { $0.kind == "namespace-lost" }) {
        throw ProbeFault(problem.text)
      }
      return ProbeOrigin(namespace: namespace)
    }
    guard call.access.placesFreely else {
      throw ProbeFault("\(name) is on the host, and the token is not for the host's network: use the daemon's socket")
    }
    return ProbeOrigin(namespace: nil, device: Self.device(of: server, view))
  }

  private static func isGuest(_ state: MachineStatus.State) -> Bool {
    switch state {
    case .starting, .running, .stopping, .attached: true
    case .stopped, .failed: false
    }
  }

  /// The one of its interfaces on the host that has an address of its own. With none (they are in a bond or have VLANs),
  /// or two, the host's routes say where things go.
  private static func device(of server: Server, _ view: View) -> String? {
    guard let addresses = try? Addresses.list(in: nil) else { return nil }
    let devices = PortName.nics.compactMap { view.location(of: $0, server) }.filter { location in
      addresses.contains { $0.interface == location.index && !$0.isLinkLocal }
    }
    return devices.count == 1 ? devices[0].device : nil
  }
}
