// Reasons of the gateway: packets on routed ports.

import Net

extension DropCase {
  /// `, which has 198.18.0.1 and 10.0.0.1`.
  private var ownAddresses: String {
    guard let server else { return "" }
    guard !server.addresses.isEmpty else { return ", which has no address" }
    let texts = server.addresses.map { $0.depth == 128 ? "\($0.base)" : "\($0)" }
    return ", which has \(Phrase.list(texts))"
  }

  private var addressList: String? { server.map { "toprack ip list \($0.word)" } }

  var noGateway: DropAdvice {
    DropAdvice(
      "\(server?.portText ?? place) is routed, and there was nothing to route by: nothing to change while the server "
        + "is being changed; if it goes on, ask what differs", "toprack verify")
  }

  // MARK: Sources

  var spoofedSource: DropAdvice {
    DropAdvice(
      "\(source) is not an address of \(server?.name ?? place)\(ownAddresses): send from one of its own, or assign the "
        + "block to it", addressList)
  }

  var martian: DropAdvice {
    let packet =
      if let from = frame.from, let to = frame.to { "from \(from) to \(to)" } else { "with these addresses" }
    return DropAdvice(
      "no packet \(packet) can be on a link (loopback, unspecified, or source equal to destination): give the "
        + "interface on \(place) its own address", configuration)
  }

  var classE: DropAdvice {
    DropAdvice(
      "240.0.0.0/4 is reserved, and \(destination) or \(source) is in it: use an address of \(server?.name ?? place)"
        + ownAddresses, addressList)
  }

  var multicast: DropAdvice {
    DropAdvice(
      "the gateway routes no multicast, and \(destination) is a group: send it in a VLAN, which carries groups to all "
        + "its ports")
  }

  var linkLocal: DropAdvice {
    let isSource = frame.from.map(Self.isLinkLocal) ?? true
    return DropAdvice(
      "link-local \(isSource ? source : destination) never crosses a router: use an address of "
        + "\(server?.name ?? place)\(ownAddresses)", configuration)
  }

  private static func isLinkLocal(_ address: IPAddress) -> Bool {
    address.isV4 ? address.v4 >> 16 == 0xA9FE : address.high >> 54 == 0x3FA
  }

  // MARK: Packets

  var notForGateway: DropAdvice {
    let mac = frame.destination.map { "\($0)" } ?? "its receiver"
    return DropAdvice(
      "\(place) is routed, and \(mac) is not the gateway's MAC address: send by the default route, or put both servers "
        + "into a VLAN", configuration)
  }

  var unknownProtocol: DropAdvice {
    let type = frame.etherType.map { " 0x" + String($0, radix: 16) } ?? ""
    return DropAdvice(
      "EtherType\(type) on \(place), which is routed and takes ARP, IPv4 and IPv6: send it in a VLAN, or not at all")
  }

  var malformedPacket: DropAdvice {
    DropAdvice("an IP header on \(place) contradicts itself or its frame: mend what sends it")
  }

  var badChecksum: DropAdvice {
    let device = server?.interface ?? "the interface"
    return DropAdvice(
      "the IPv4 header checksum of a packet on \(place) is wrong: mend what sends it, or let its system compute it: "
        + "ethtool -K \(device) tx off")
  }

  var sourceRoute: DropAdvice {
    DropAdvice(
      "a packet to \(destination) asks the gateway to be a hop of its source route, which no router does any more: "
        + "send it without")
  }

  var ttlExceeded: DropAdvice {
    DropAdvice(
      "the time to live of a packet to \(destination) ran out at the gateway: nothing to change for a traceroute; else "
        + "look for a routing loop, or a sender that begins too low")
  }

  var noRoute: DropAdvice {
    let facility = server.map { " of \($0.facility)" } ?? ""
    return DropAdvice(
      "nobody has \(destination), or there is no way out\(facility): give it to a server, or set an uplink for the "
        + "facility", "toprack ip list")
  }

  var packetTooBig: DropAdvice {
    DropAdvice(
      "a packet of \(frame.packetSize) bytes to \(destination) is larger than the next link takes, and its sender was "
        + "told: let ICMP through the firewall of \(server?.name ?? place), or raise the receiver's MTU")
  }

  var neighbourUnreachable: DropAdvice {
    DropAdvice(
      "\(destination) answers neither ARP nor neighbour discovery: set its interface up with that address, or the "
        + "route of its block", "toprack neighbour list")
  }

  var gatewayBusy: DropAdvice {
    DropAdvice(
      "\(place) sends the gateway more than it hears from one NIC, or than waits for one neighbour: slow down what "
        + "asks it (ping, ARP, unknown neighbours)", "toprack neighbour list")
  }

  var notAnswered: DropAdvice {
    let target = frame.to.map { " (\($0))" } ?? ""
    return DropAdvice(
      "it is for the gateway itself\(target), which answers ARP, ping, DHCP and neighbour discovery of its own "
        + "addresses: ask a server", addressList)
  }
}
