// What the operating system of a server has to be told so that it fits the wire: its bond, addresses, routes and VLANs.
// A pure function of the rack; each format has a file that writes it.

import Net
import Rack

/// The network configuration of one server for its mode now, on the server's side.
struct NetworkConfig: Hashable, Sendable {
  enum Format: String, CaseIterable, Sendable {
    /// Commands of iproute2 for sh.
    case ip
    /// A file for netplan 0.106.
    case netplan
    /// A file for ifupdown with ifenslave and vlan.
    case ifupdown
    /// Commands for sh that write files for systemd-networkd 252.
    case networkd
    /// `network-config` of cloud-init, version 2.
    case cloudInit = "cloud-init"
  }

  struct NIC: Hashable, Sendable {
    var name: String
    var mac: String
  }

  /// An interface that is a port of the switch: bond0, or a NIC.
  struct Port: Hashable, Sendable {
    var name: String
    /// What the interfaces of its VLANs are called after.
    var stem: String
    /// The server's own, with the lengths of their blocks.
    var addresses: [Address] = []
    /// Elastic blocks, each address as a block of one.
    var elastic: [IPPrefix] = []
    var routes: [GuestRoute] = []
    /// Numbers of VLANs.
    var untagged: Int?
    var tagged: [Int] = []
    var isRouted = false

    /// Where frames without a tag are of no use.
    var isTaggedOnly: Bool { !isRouted && untagged == nil }

    func interface(of vlan: Int) -> String { "\(stem).\(vlan)" }
  }

  let hostname: String
  let mode: String
  let mtu: Int
  /// eth0 and eth1.
  let nics: [NIC]
  /// Whether the names of the NICs are ours; those in a virtual machine are its own matter.
  let hasFixedNames: Bool
  /// The NICs in bond0; empty without a bond.
  var bond: [String] = []
  /// The plan's, as the metadata has it.
  let bondingMode: BondingMode
  /// Every interface to be set up, in the order bond0, eth0, eth1.
  var ports: [Port] = []

  /// - Parameter withBond: false: what bond0 would have is on its first NIC, for a kernel that has no bonds. As it then
  ///   speaks no LACP, the switch carries by that NIC alone; the other one stays down.
  init(of server: Server, in rack: Rack, withBond: Bool) {
    hostname = server.hostname
    mode = server.mode.rawValue
    mtu = server.mtu
    bondingMode = server.bondingMode
    hasFixedNames = server.place.namespace != nil
    nics = PortName.nics.map { name in
      NIC(name: server.nicNames[name], mac: server[name].mac?.description ?? "")
    }
    for wiring in server.wiring {
      var port = Port(name: server.nicNames[wiring.name], stem: server.nicNames.stem(of: wiring.name))
      if wiring.name == .bond0 {
        if withBond {
          bond = wiring.members.map { server.nicNames[$0] }
        } else {
          port.name = server.nicNames[wiring.members[0]]
          port.stem = server.nicNames.stem(of: wiring.members[0])
        }
      }
      func number(_ id: NetworkID) -> Int? { rack.networks[id]?.vxlan }
      switch wiring.role {
      case .dark: break
      case .routed(let tagged):
        port.isRouted = true
        port.tagged = tagged.compactMap(number).sorted()
        port.addresses = server.addresses
        port.elastic = server.blocks.flatMap { Array($0.block.parts(32)) }
        port.routes = rack.guestRoutes(of: server)
      case .switched(let untagged, let tagged):
        port.untagged = untagged.flatMap(number)
        port.tagged = tagged.compactMap(number).sorted()
      }
      ports.append(port)
    }
  }

  func text(_ format: Format) -> String {
    let lines =
      switch format {
      case .ip: ip
      case .netplan: netplan
      case .ifupdown: ifupdown
      case .networkd: networkd
      case .cloudInit: cloudInit
      }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// What the formats share.
extension NetworkConfig {
  func mac(of nic: String) -> String? { hasFixedNames ? nil : nics.first { $0.name == nic }?.mac }

  /// Names of the NICs that are in the bond, or are ports of their own; not those that stay down.
  var nicsInUse: [String] {
    nics.map(\.name).filter { nic in bond.contains(nic) || ports.contains { $0.name == nic } }
  }

  /// What the NICs are called: `nil` when there is nothing to say.
  var naming: String? {
    guard !hasFixedNames else { return nil }
    return "# \(nics[0].name) is the NIC with MAC address \(nics[0].mac), \(nics[1].name) that with \(nics[1].mac)."
  }

  /// By what LACP spreads conversations; balance-tlb spreads them by load.
  var hashPolicy: String? { bondingMode == .lacp ? "layer3+4" : nil }

  /// What a port carries, as a comment.
  func remark(on port: Port) -> String {
    let yours = "; addresses inside VLANs are yours to choose"
    func numbers(_ vlans: [Int]) -> String {
      (vlans.count == 1 ? "VLAN " : "VLANs ") + vlans.map(String.init).joined(separator: ", ")
    }
    switch (port.isRouted, port.untagged, port.tagged.isEmpty) {
    case (true, _, true): return "# \(port.name): routed"
    case (true, _, false): return "# \(port.name): routed, and \(numbers(port.tagged)), tagged\(yours)"
    case (_, let vlan?, true): return "# \(port.name): VLAN \(vlan), untagged\(yours)"
    case (_, let vlan?, false):
      return "# \(port.name): VLAN \(vlan), native and so untagged, and \(numbers(port.tagged)), tagged\(yours)"
    case (_, nil, false): return "# \(port.name): \(numbers(port.tagged)), tagged\(yours)"
    case (_, nil, true): return "# \(port.name): no VLAN is attached, so it carries nothing"
    }
  }

  /// Takes away what an earlier mode left, for sh.
  var cleanUp: [String] {
    let names = nics.map(\.name).joined(separator: " ")
    return [
      "ip link delete bond0 2>/dev/null",
      "for nic in \(names); do",
      #"  for vlan in $(ip -o link show type vlan | sed -n "s/^[0-9]*: \([^@]*\)@$nic:.*/\1/p"); do ip link delete "$vlan"; done"#,
      "  ip address flush dev $nic",
      "  ip link set $nic down",
      "done",
    ]
  }
}
