import Net
import Switching
import Wire

// Neighbour discovery on a link between two, and router advertisements to servers. As with ARP: answered for our own addresses only,
// learned of the hosts only. A server's link-local address is a valid asker, but no neighbour: it is answered at the MAC address that
// it sent from.
//
// Source: RFC 4861 6.1.1, 6.2.6, 7.2.3 to 7.2.5; duplicate address detection RFC 4862 5.4.

extension Gateway {
  mutating func receiveND(
    _ message: ArraySlice<UInt8>, _ header: IPv6Header, _ arrival: Arrival, on interface: RoutedInterface,
    at now: Instant
  ) {
    // RFC 6980: nobody has a reason to send it in fragments.
    guard !arrival.isReassembled, let message = NDMessage(message, header) else {
      drop(arrival.nic, .notAnswered)
      return
    }
    let isAnswered: Bool
    switch message {
    case .neighbourSolicitation(let target, let mac):
      isAnswered = answer(target, asker: mac, header, arrival, on: interface, at: now)
    case .neighbourAdvertisement(let target, let flags, let mac):
      isAnswered = take(target, flags, mac, arrival, on: interface, at: now)
    case .routerSolicitation(let mac):
      isAnswered = answerSolicitation(mac, header, arrival, on: interface, at: now)
    // We are the router.
    case .routerAdvertisement: isAnswered = false
    }
    if !isAnswered { drop(arrival.nic, .notAnswered) }
  }

  /// Whether the address is one that the other end of the link may speak from.
  private func isPeer(_ address: IPAddress, on interface: RoutedInterface) -> Bool {
    interface.isHosts(address) || (address.isLinkLocal6 && address != interface.linkLocal)
  }

  /// RFC 4861 7.2.3, 7.2.4.
  private mutating func answer(
    _ target: IPAddress, asker: MACAddress?, _ header: IPv6Header, _ arrival: Arrival, on interface: RoutedInterface,
    at now: Instant
  ) -> Bool {
    guard target == interface.linkLocal || interface.slot(ofGateway: target) != nil else { return false }
    if header.source.isUnspecified {
      sendND(
        .neighbourAdvertisement(target: target, flags: [.router, .override], link: interface.mac), from: target,
        to: .allNodes, mac: nil, on: arrival.ingress)
      return true
    }
    guard isPeer(header.source, on: interface), let mac = asker ?? arrival.sourceMAC else { return false }
    learn(asker, of: header.source, arrival.ingress, on: interface, at: now)
    sendND(
      .neighbourAdvertisement(target: target, flags: [.router, .solicited, .override], link: interface.mac),
      from: target, to: header.source, mac: mac, on: arrival.ingress)
    return true
  }

  private mutating func learn(
    _ mac: MACAddress?, of source: IPAddress, _ port: PortIndex, on interface: RoutedInterface, at now: Instant
  ) {
    guard let mac, let slot = interface.slot(ofHost: source) else { return }
    handle(.heard(mac), of: Neighbour(port: port, slot: slot), at: now)
  }

  /// RFC 4861 7.2.5. One that claims an address of ours is not believed.
  private mutating func take(
    _ target: IPAddress, _ flags: NDMessage.Flags, _ mac: MACAddress?, _ arrival: Arrival,
    on interface: RoutedInterface,
    at now: Instant
  ) -> Bool {
    guard let slot = interface.slot(ofHost: target) else { return false }
    handle(
      .advertised(mac, solicited: flags.contains(.solicited), override: flags.contains(.override)),
      of: Neighbour(port: arrival.ingress, slot: slot), at: now)
    return true
  }

  // MARK: Router advertisements

  /// RFC 4861 6.2.6. The delay of up to half a second that it asks for spreads the answers of many routers; here is one.
  private mutating func answerSolicitation(
    _ mac: MACAddress?, _ header: IPv6Header, _ arrival: Arrival, on interface: RoutedInterface, at now: Instant
  ) -> Bool {
    guard interface.advertises else { return false }
    if header.source.isUnspecified {
      interfaces[arrival.ingress]?.advertiser.solicited(at: now, &random)
      reschedule(arrival.ingress)
      return true
    }
    guard isPeer(header.source, on: interface), let link = mac ?? arrival.sourceMAC else { return false }
    guard interfaces[arrival.ingress]?.requests.take(at: now) ?? false else {
      drop(arrival.nic, .gatewayBusy)
      return true
    }
    learn(mac, of: header.source, arrival.ingress, on: interface, at: now)
    sendND(
      Self.advertisement(of: interface, lifetime: RouterAdvertiser.lifetime), from: interface.linkLocal,
      to: header.source,
      mac: link, on: arrival.ingress)
    return true
  }

  /// To all nodes.
  mutating func sendAdvertisement(on port: PortIndex, lifetime: UInt16) {
    guard let interface = interfaces[port]?.configuration else { return }
    sendND(
      Self.advertisement(of: interface, lifetime: lifetime), from: interface.linkLocal, to: .allNodes, mac: nil,
      on: port)
  }

  /// The interface is about to go: servers are to look for another router at once.
  mutating func sendFinalAdvertisement(on port: PortIndex) {
    guard interfaces[port]?.advertiser.isAdvertising ?? false else { return }
    sendAdvertisement(on: port, lifetime: 0)
    interfaces[port]?.advertiser.stop()
  }

  private static func advertisement(of interface: RoutedInterface, lifetime: UInt16) -> NDMessage {
    .routerAdvertisement(
      .init(lifetime: lifetime, source: interface.mac, mtu: UInt32(truncatingIfNeeded: interface.mtu)))
  }

  // MARK: Sending

  /// `mac` nil: to the group that `destination` is.
  mutating func sendND(
    _ message: NDMessage, from source: IPAddress, to destination: IPAddress, mac: MACAddress?, on port: PortIndex
  ) {
    let header = IPv6Header(
      nextHeader: ProtocolNumber.icmp6, hopLimit: NDMessage.hopLimit, source: source, destination: destination)
    put(
      header.packet(message.bytes(from: source, to: destination)[...]), EtherType.ipv6,
      to: mac ?? MACAddress(group: destination), on: port)
  }
}
