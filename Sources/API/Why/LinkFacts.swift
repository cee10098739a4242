// What was done to a server's link on purpose: impairments, and carriers that were taken away.

import Impairments
import Rack

enum LinkFacts {
  /// The command that gives the carrier of a NIC back; nil: it was not taken away.
  static func removed(_ nic: PortName, _ server: Server) -> String? {
    if server.links[nic].isDown { return "toprack link set \(server.hostname):\(nic.rawValue) --up" }
    return server.failedSwitches.contains { $0.nic == nic } ? "toprack facility heal \(server.facility)" : nil
  }

  /// What the link of a NIC does to frames on purpose; nil: nothing.
  static func impairment(_ nic: PortName, _ server: Server) -> String? {
    let link = server.links[nic]
    guard !link.toServer.isNothing || !link.fromServer.isNothing else { return nil }
    let ways = [("to the server", link.toServer), ("from the server", link.fromServer)]
    return ways.filter { !$0.1.isNothing }.map { "\($0.0) \($0.1.words)" }.joined(separator: "; ")
  }
}
