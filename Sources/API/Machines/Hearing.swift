// What the switch hears of a server's machine, NIC by NIC, and what to do when it hears nothing.

import Control
import FoundationEssentials
import MachineHost
import Net
import Rack

/// What is known of the other end of a NIC's cable.
struct Hearing {
  /// LACPDUs are sent every 30 s or every second; three are missed before a partner is gone (IEEE 802.1AX-2014 6.4.4).
  private static let silence: UInt64 = 90_000
  /// Stations of a port that are told.
  private static let limit = 64

  var macs: [String]
  /// `nil`: the NIC is in no bond.
  var hasLACP: Bool?
  var advice: String?

  /// Of each NIC of `server`.
  static func all(of server: Server, _ machine: MachineStatus?, _ call: Call) async throws -> [PortName: Hearing] {
    let members = Dictionary(uniqueKeysWithValues: await call.lacp(of: server).map { ($0.port, $0) })
    let counters = await call.counters(of: server)
    let neighbours = await call.neighbours(of: server).compactMap(\.mac)
    var result: [PortName: Hearing] = [:]
    for nic in PortName.nics {
      // What comes by a NIC of the bond is the bond's.
      let port = server[nic].bonded ? PortName.bond0 : nic
      var macs = Set(
        try await call.stations(of: server, port: port, vxlan: nil, Page(first: limit)).stations.map(\.mac))
      if server.isRouted(port) { macs.formUnion(neighbours) }
      result[nic] = Hearing(
        nic, of: server, machine, macs: macs.sorted().map(\.description), members[nic], counters[nic])
    }
    return result
  }

  private init(
    _ nic: PortName, of server: Server, _ machine: MachineStatus?, macs: [String], _ member: LACPMember?,
    _ status: NICStatus?
  ) {
    self.macs = macs
    hasLACP = member.map { member in member.sinceLastLACPDU.map { $0 < Self.silence } ?? false }
    advice = nil
    guard let machine, machine.state == .running || machine.state == .attached else { return }
    let end = machine.nics.first { $0.name == nic }
    guard let status, let end else {
      advice = "\(nic.rawValue) of \(server.hostname) is lost: 'toprack server show \(server.hostname)' says why"
      return
    }
    if let fault = end.fault {
      advice = "no frame gets to the machine: \(fault)"
    } else if let member, hasLACP == false {
      advice =
        member.problem
        ?? "no LACPDU heard: is \(nic.rawValue) in a bond in the guest, in mode 802.3ad? A virtio NIC needs "
        + "speed=10000,duplex=full, or in the guest 'ethtool -s \(nic.rawValue) speed 10000 duplex full'"
    } else if macs.isEmpty, hasLACP != true {
      let isSilent = status.rxPackets == 0 ? "nothing has been heard yet" : "nothing is heard at the moment"
      advice =
        machine.state == .attached
        ? "\(isSilent): is the guest up, and its NIC \(end.mac) on \(end.tap)?"
        : "\(isSilent): is the guest up, and its NIC \(end.mac) set up? 'toprack console \(server.hostname)' shows it"
    }
  }
}
