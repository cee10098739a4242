import Foundation
import Testing

/// What tests ask a lab's daemon, and events that they wait for by asking again.
extension Lab {
  /// Counters by reason of the frames that `nic`'s port dropped.
  func drops(_ nic: NIC) throws -> [String: Int] {
    let port = try toprack.json("port", "show", nic.machine, nic.port)
    return (port["drops"].object ?? [:]).compactMapValues(\.int)
  }

  /// Does `action`, then waits until exactly `count` more frames are counted as dropped for `reason` at `nic`, and
  /// checks that no other reason counted.
  func expectDrops(
    _ reason: String, count: Int = 1, at nic: NIC, _ comment: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation, by action: () throws -> Void
  ) throws {
    var expected = try drops(nic)
    expected[reason, default: 0] += count
    try action()
    var counted: [String: Int] = [:]
    try poll {
      counted = try drops(nic)
      return counted[reason, default: 0] >= expected[reason, default: 0]
    }
    #expect(counted == expected, "drops at \(nic.name) \(comment())", sourceLocation: sourceLocation)
  }

  /// The newest events, fifty at most.
  func events() throws -> [JSON] {
    let finished = try toprack.attempt(["events", "--json", "--limit", "50"])
    guard finished.status == 0 else { throw CommandRefused(finished) }
    return try finished.text.split(separator: "\n").map { try JSON(Data($0.utf8)) }
  }

  /// `toprack verify` where the daemon runs, with its database or that in the directory `state`.
  func verify(state: String? = nil, _ options: [String] = []) throws -> Finished {
    let place = host.map { ["nsenter", "--net=/run/netns/\($0.name)"] } ?? []
    return try run(
      place + ["\(Daemon.binaries)/toprack", "--socket", daemon.socket, "verify", "--state", state ?? daemon.state]
        + options, limit: .seconds(120))
  }

  /// The stations that the switch knows, as `VLAN MAC` to `server port`.
  func stations(_ options: [String] = []) throws -> [String: String] {
    let finished = try toprack.attempt(["--json", "fdb", "show"] + options)
    guard finished.status == 0 else { throw CommandRefused(finished) }
    let entries = try JSON(finished.output).array ?? []
    return Dictionary(
      entries.map { entry in
        (
          "\(entry["facility"].string ?? "?") \(entry["vxlan"].int ?? 0) \(entry["mac"].string ?? "?")",
          "\(entry["server"].string ?? "?") \(entry["port"].string ?? "?")"
        )
      }, uniquingKeysWith: { "\($0) and \($1)" })
  }

  /// Asks until `condition` holds or `limit` is over; returns whether it held.
  @discardableResult
  func poll(for limit: Duration = .seconds(30), until condition: () throws -> Bool) throws -> Bool {
    let deadline = Deadline.after(limit)
    while true {
      if try condition() { return true }
      if deadline.hasPassed { return false }
    }
  }

  /// Everything that a user can see of the configuration, to compare before and after.
  func configuration() throws -> [String: JSON] {
    let servers = try toprack.json("server", "list")
    var all = ["servers": servers, "networks": try toprack.json("network", "list")]
    for name in Self.names(servers) { all[name] = try toprack.json("server", "show", name) }
    return all
  }
}
