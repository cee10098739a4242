package import Gateway
package import Impairments
package import Net
package import Rack

/// What the wire has to be for a rack, as a value: of each server its two NICs and its ports, each network's domain, and
/// what holds for all. Nothing else of the records is here, so two racks that look the same on the wire have the same
/// image.
///
/// Whatever changes a rack, the wire follows by the difference of two images (`WireChange`): a command, a start (from
/// nothing), a restored state, a whole lab; and an undo is the difference back.
package struct WireImage: Hashable, Sendable {
  package var servers: [ServerID: ServerImage] = [:]
  /// By which VID each network's frames are tagged.
  package var networks: [NetworkID: VLANID] = [:]
  /// Nil: nobody has said yet.
  package var aging: Int?
  package var lacpFast: Bool?

  /// A wire that nothing is on.
  package init() {}

  package init(of rack: Rack, _ plan: RoutingPlan) {
    servers = rack.servers.mapValues { ServerImage(of: $0, plan) }
    networks = rack.networks.mapValues(\.vid)
    (aging, lacpFast) = (rack.aging, rack.lacpFast)
  }
}

/// What the wire has to be for one server.
package struct ServerImage: Hashable, Sendable {
  /// Where its NICs are.
  package var place: Place
  /// Bytes of payload in a frame, on both NICs.
  package var mtu: Int
  /// What its interfaces are called in its namespace.
  package var names: NICNames
  /// The NICs whose cable is plugged.
  package var carriers: Set<PortName>
  package var links: Links
  package var ports: Ports

  /// What a transaction of the forwarding plane says of it.
  package struct Ports: Hashable, Sendable {
    package var bond: Bond
    package var wiring: [PortWiring]
    /// bond0's; nil: it is not routed. Its MTU is that of the image.
    package var interface: RoutedInterface?
  }

  /// What is wrong with the links of its NICs, each way.
  package struct Links: Hashable, Sendable {
    package var eth0 = Link(), eth1 = Link()

    package init() {}

    package subscript(nic: PortName) -> Link { nic == .eth1 ? eth1 : eth0 }
  }

  package struct Link: Hashable, Sendable {
    package var toServer = Impairment(), fromServer = Impairment()

    package init() {}

    init(_ link: NICLink) { (toServer, fromServer) = (link.toServer, link.fromServer) }
  }

  /// How LACP knows its bond.
  package struct Bond: Hashable, Sendable {
    package var key: UInt16
    /// Of eth0 and eth1.
    package var eth0: UInt16, eth1: UInt16
    /// It needs no LACP.
    package var isStatic: Bool
  }

  package init(of server: Server, _ plan: RoutingPlan) {
    (place, mtu, names, carriers) = (server.place, server.mtu, server.nicNames, server.plugged)
    links = Links()
    (links.eth0, links.eth1) = (Link(server.links.eth0), Link(server.links.eth1))
    let wiring = server.wiring
    var interface = wiring.contains(where: \.role.isRouted) ? plan.interface(of: server) : nil
    interface?.mtu = 0
    ports = Ports(
      bond: Bond(
        key: UInt16(server.lacpKey), eth0: UInt16(server.lacpPort(.eth0)), eth1: UInt16(server.lacpPort(.eth1)),
        isStatic: server.bondingMode != .lacp),
      wiring: wiring, interface: interface)
  }
}

extension VirtualNetwork {
  /// The number as a tag carries it. Networks are numbered 2...3999, which all are VIDs.
  package var vid: VLANID { VLANID(vxlan)! }
}
