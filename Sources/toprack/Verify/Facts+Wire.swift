// What the wire says: the tables of the forwarding plane as the API reads them out, and the interfaces as the kernel
// has them.

import Foundation
import Host
import Net
import Rack

/// The answer of `/toprack/forwarding`.
struct ForwardingTables: Decodable {
  struct Domain: Decodable { let id: String?, vxlan: Int }
  struct Port: Decodable {
    /// `nil`: a port of the rack's own, or one that nobody should have (`port 17`).
    let server: String?
    let port: String, role: String, members: [String], untagged: Domain?, tagged: [Domain], mtu: Int
    let routes: [String], faults: [String]
  }
  struct NIC: Decodable { let server: String, name: String, interface: String, namespace: String?, carrier: Bool }

  let ports: [Port]
  let nics: [NIC]
}

extension Facts {
  static func wire(_ tables: ForwardingTables, names: Names) -> Facts {
    var facts = Facts()
    func words(_ domain: ForwardingTables.Domain) -> String {
      DomainWords(network: names.network(domain.id), vid: domain.vxlan).text
    }
    for port in tables.ports {
      guard let server = port.server else {
        // The rack's own have no place in the database.
        if port.port.contains(" ") || !port.faults.isEmpty { facts.add(port.port, ["role": port.role]) }
        continue
      }
      facts.add(
        "\(names.server(server)) \(port.port)",
        [
          "role": port.role, "members": port.members.sortedList, "untagged": port.untagged.map(words) ?? "",
          "tagged": port.tagged.map(words).sortedList, "routes": port.routes.sortedList,
          "contradictions": port.faults.joined(separator: "; "),
        ])
    }
    for nic in tables.nics {
      facts.add("\(names.server(nic.server)) \(nic.name)", ["carrier": nic.carrier ? "on" : "off"])
    }
    return facts
  }

  /// `Switch.mtuLimit`, which this program does not link.
  private static let mtuLimit = 9_216
  /// What is said of a port whose MTU at the switch is that of its interfaces.
  static let sameMTU = "as the interface"

  /// The interfaces that the daemon uses (their MTU is the server's own), and those that carry the mark of the rack
  /// without being any of them.
  static func kernel(_ tables: ForwardingTables, rack: String, names: Names) throws -> Facts {
    var facts = Facts()
    let marks = UUID(uuidString: rack).map(OwnershipMarks.init)
    var used: [Location: ForwardingTables.NIC] = [:]
    var mtus: [String: (mtu: Int, isUp: Bool)] = [:]
    for nic in tables.nics { used[Location(namespace: nic.namespace, name: nic.interface)] = nic }
    for namespace in [nil] + NetworkNamespaces.list().map(Optional.some) {
      // A namespace may go away at any moment, and not every file in /run/netns is one.
      guard let links = try? Links.list(in: namespace) else { continue }
      for link in links {
        if let nic = used[Location(namespace: namespace, name: link.name)] {
          // In a bond of the server's own it has the bond's MAC address.
          mtus["\(nic.server) \(nic.name)"] = (link.mtu, link.isUp)
          let mac = link.hasMaster ? names.mac(nic.server, nic.name) : link.mac
          facts.add(
            "\(names.server(nic.server)) \(nic.name)",
            [
              "kind": link.isTAP ? "TAP" : "no TAP", "MAC": mac?.description ?? "",
              "mark": link.alias ?? "", "carrier": link.hasCarrier ? "on" : "off",
            ])
        } else if case .nic? = marks?.owned(link.alias) {
          facts.add(
            "interface \(link.name) " + (namespace.map { "in netns \($0)" } ?? "on the host"),
            ["mark": link.alias ?? ""])
        }
      }
    }
    for port in tables.ports {
      guard let server = port.server else { continue }
      let members = port.members.compactMap { mtus["\(server) \($0)"] }
      let up = members.filter(\.isUp)
      guard let least = (up.isEmpty ? members : up).map(\.mtu).min() else { continue }
      // The switch goes by what the interfaces are set to, up to its own limit.
      let isRight = port.mtu == min(least, mtuLimit)
      facts.add(
        "\(names.server(server)) \(port.port)",
        ["MTU": isRight ? sameMTU : "\(port.mtu) at the switch, \(least) at the interface"])
    }
    return facts
  }

  private struct Location: Hashable { let namespace: String?, name: String }
}
