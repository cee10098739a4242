// What was done to a server's link on purpose: impairments, and carriers that were taken away.

import Rack

enum LinkFacts {
  /// The command that gives the carrier of a NIC back; nil: it was not taken away.
  static func removed(_ nic: PortName, _ server: Server) -> String? { nil }

  /// What the link of a NIC does to frames on purpose; nil: nothing.
  static func impairment(_ nic: PortName, _ server: Server) -> String? { nil }
}
