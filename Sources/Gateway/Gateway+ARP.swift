import Net
import Switching
import Wire

// ARP on a link between two. Answered is who asks for our address and may ask: the host of a link, or somebody who probes whether the
// address is free. Nobody is answered for others, and nothing is learned but where the hosts are.
//
// Source: RFC 826; RFC 5227 2.1.1 (probes), 2.3 (announcements), 2.4 (defence); RFC 3021 (/31).

extension Gateway {
  /// RFC 5227 2.4 (c): DEFEND_INTERVAL.
  static let defendInterval: Instant = 10_000

  mutating func receiveARP(_ arrival: Arrival, on interface: RoutedInterface, at now: Instant) {
    guard let packet = ARPPacket(arrival.packet) else {
      drop(arrival.nic, .notAnswered)
      return
    }
    if interface.slot(ofGateway: packet.sender) != nil {
      defend(packet.sender, on: arrival.ingress, at: now)
      drop(arrival.nic, .notAnswered)
      return
    }
    let isForUs =
      interface.slot(ofGateway: packet.target) != nil
      || (interface.kind == .server && packet.target == RoutedInterface.metadataAddress)
    let slot = interface.slot(ofHost: packet.sender)
    if packet.operation == .request, isForUs, packet.sender.isUnspecified || interface.isHosts(packet.sender) {
      if let slot { handle(.heard(packet.senderMAC), of: Neighbour(port: arrival.ingress, slot: slot), at: now) }
      let reply = ARPPacket(
        .reply, senderMAC: interface.mac, sender: packet.target, targetMAC: packet.senderMAC, target: packet.sender)
      sendARP(reply, to: packet.senderMAC, on: arrival.ingress)
    } else if let slot, packet.sender == packet.target {
      handle(.announced(packet.senderMAC), of: Neighbour(port: arrival.ingress, slot: slot), at: now)
    } else if let slot, packet.operation == .reply, isForUs, arrival.link?.destination == interface.mac {
      handle(
        .advertised(packet.senderMAC, solicited: true, override: true),
        of: Neighbour(port: arrival.ingress, slot: slot),
        at: now)
    } else {
      drop(arrival.nic, .notAnswered)
    }
  }

  /// Somebody says that our address is theirs. One announcement, and no more for a while, lest two of us go on for ever.
  private mutating func defend(_ address: IPAddress, on port: PortIndex, at now: Instant) {
    guard let interface = interfaces[port], let slot = interface.configuration.slot(ofGateway: address) else { return }
    if let last = interface.slots[slot].defended, now < last + Self.defendInterval { return }
    interfaces[port]?.slots[slot].defended = now
    let announcement = ARPPacket(
      .request, senderMAC: interface.configuration.mac, sender: address, targetMAC: MACAddress(0), target: address)
    sendARP(announcement, to: .broadcast, on: port)
  }

  mutating func sendARP(_ packet: ARPPacket, to mac: MACAddress, on port: PortIndex) {
    put(packet.bytes, EtherType.arp, to: mac, on: port)
  }
}
