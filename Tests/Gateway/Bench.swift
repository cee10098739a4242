import Net
import Switching
import Wire

@testable import Gateway

func v4(_ a: Int, _ b: Int, _ c: Int, _ d: Int) -> IPAddress {
  IPAddress(v4: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d))
}
/// 2001:db8:: with these last 64 bits.
func v6(_ low: UInt64) -> IPAddress { IPAddress(high: 0x2001_0DB8_0000_0000, low: low) }

/// A gateway with two servers, the uplink and the metadata service, all links up, at time 0; and hands to play the others with.
struct Bench {
  static let server = PortIndex(1)
  static let other = PortIndex(2)
  static let uplink = PortIndex(3)
  static let metadata = PortIndex(4)
  static let nic = NICIndex(10)
  static let uplinkNIC = NICIndex(30)

  static let serverMAC = MACAddress(0x0200_0000_0011)
  static let otherMAC = MACAddress(0x0200_0000_0022)
  static let uplinkMAC = MACAddress(0x0200_0000_0033)

  /// Of the first server, by place.
  static let (publicGateway, publicHost) = (v4(147, 75, 0, 0), v4(147, 75, 0, 1))
  static let (privateGateway, privateHost) = (v4(10, 0, 0, 0), v4(10, 0, 0, 1))
  static let (gateway6, host6) = (v6(0x10), v6(0x11))
  static let elastic = v4(147, 75, 200, 5)

  static let serverInterface = RoutedInterface(
    kind: .server, mac: MACAddress(0x0200_0000_0001), mtu: 1_500,
    links: [
      .init(gateway: publicGateway, host: publicHost, isPublic: true),
      .init(gateway: privateGateway, host: privateHost, isPublic: false),
      .init(gateway: gateway6, host: host6, isPublic: true),
    ],
    blocks: [.init(prefix: IPPrefix(v4: v4(147, 75, 200, 0).v4, length: 29), link: 0)], exit: uplink,
    boot: .init(hostname: "one"))
  static let otherInterface = RoutedInterface(
    kind: .server, mac: MACAddress(0x0200_0000_0002), mtu: 1_400,
    links: [
      .init(gateway: v4(147, 75, 0, 2), host: v4(147, 75, 0, 3), isPublic: true),
      .init(gateway: v4(10, 0, 0, 2), host: v4(10, 0, 0, 3), isPublic: false),
      .init(gateway: v6(0x20), host: v6(0x21), isPublic: true),
    ], exit: uplink)
  static let uplinkInterface = RoutedInterface(
    kind: .uplink, mac: MACAddress(0x0200_0000_0003), mtu: 1_500,
    links: [
      .init(gateway: v4(192, 0, 2, 0), host: v4(192, 0, 2, 1), isPublic: true),
      .init(gateway: v6(0x30), host: v6(0x31), isPublic: true),
    ])
  static let metadataInterface = RoutedInterface(
    kind: .metadata, mac: MACAddress(0x0200_0000_0004), mtu: 1_500,
    links: [.init(gateway: v4(169, 254, 169, 253), host: v4(169, 254, 169, 254), isPublic: false)])

  var gateway: Gateway
  var now: UInt64 = 0

  /// The first advertisements of the servers have been sent and forgotten.
  init(seed: UInt64 = 1) {
    gateway = Gateway(seed: seed)
    for (interface, port) in [
      (Self.serverInterface, Self.server), (Self.otherInterface, Self.other), (Self.uplinkInterface, Self.uplink),
      (Self.metadataInterface, Self.metadata),
    ] {
      gateway.set(interface, as: port, at: now)
      gateway.setLink(port, up: true, at: now)
    }
    advance(40_000)
  }

  // MARK: Time and outputs

  mutating func outputs() -> [Gateway.Output] {
    var outputs: [Gateway.Output] = []
    while let output = gateway.nextOutput() { outputs.append(output) }
    return outputs
  }

  mutating func frames() -> [FrameView] { outputs().compactMap(\.frame) }

  /// Lets the time pass from deadline to deadline, and returns what came of it.
  @discardableResult
  mutating func advance(_ milliseconds: UInt64) -> [Gateway.Output] {
    let end = now + milliseconds
    var outputs: [Gateway.Output] = []
    while let due = gateway.deadline, due <= end {
      now = max(now, due)
      gateway.tick(at: now)
      outputs += self.outputs()
    }
    now = end
    return outputs
  }

  /// The same, with when each came.
  mutating func timeline(_ milliseconds: UInt64) -> [(at: UInt64, frame: FrameView)] {
    let end = now + milliseconds
    var frames: [(at: UInt64, frame: FrameView)] = []
    while let due = gateway.deadline, due <= end {
      now = max(now, due)
      gateway.tick(at: now)
      frames += self.frames().map { (now, $0) }
    }
    now = end
    return frames
  }

  // MARK: Packets in

  /// Gives the packet to the gateway and returns what came of it.
  @discardableResult
  mutating func receive(
    _ kind: SlowPacket.Kind = .local, _ bytes: [UInt8] = [], from port: PortIndex = server, nic: NICIndex = nic,
    for neighbour: Neighbour = Neighbour(port: other, slot: 0)
  ) -> [Gateway.Output] {
    gateway.receive(
      SlowPacket(kind: kind, ingress: port, nic: nic, neighbour: neighbour, bytes: bytes), at: now)
    return outputs()
  }

  /// A frame from the server to the gateway.
  static func frame(
    _ packet: [UInt8], _ type: UInt16 = 0x0800, from source: MACAddress = serverMAC,
    to destination: MACAddress = serverInterface.mac, virtio: [UInt8] = [UInt8](repeating: 0, count: 12)
  ) -> [UInt8] {
    var bytes = virtio
    bytes.append(destination)
    bytes.append(source)
    bytes.appendNumber16(type)
    return bytes + packet
  }

  static func arp(
    _ operation: ARPPacket.Operation, _ sender: IPAddress, asks target: IPAddress,
    mac: MACAddress = serverMAC, to destination: MACAddress = .broadcast
  ) -> [UInt8] {
    let packet = ARPPacket(operation, senderMAC: mac, sender: sender, targetMAC: MACAddress(0), target: target)
    return frame(packet.bytes, 0x0806, from: mac, to: destination)
  }

  static func arp(_ sender: IPAddress, asks target: IPAddress, mac: MACAddress = serverMAC) -> [UInt8] {
    arp(.request, sender, asks: target, mac: mac)
  }

  static func nd(
    _ message: NDMessage, from source: IPAddress, to destination: IPAddress, hopLimit: UInt8 = 255,
    mac: MACAddress = serverMAC
  ) -> [UInt8] {
    let header = IPv6Header(nextHeader: 58, hopLimit: hopLimit, source: source, destination: destination)
    return frame(
      header.packet(message.bytes(from: source, to: destination)[...]), 0x86DD, from: mac,
      to: destination.isMulticast ? MACAddress(group: destination) : serverInterface.mac)
  }

  static func packet(
    _ protocolNumber: UInt8, _ payload: [UInt8], from source: IPAddress, to destination: IPAddress, ttl: UInt8 = 64,
    tos: UInt8 = 0, dontFragment: Bool = false
  ) -> [UInt8] {
    if source.isV4 {
      return IPv4Header(
        typeOfService: tos, identification: 1, dontFragment: dontFragment, ttl: ttl, protocolNumber: protocolNumber,
        source: source, destination: destination
      ).packet(payload[...])
    }
    return IPv6Header(
      trafficClass: tos, nextHeader: protocolNumber, hopLimit: ttl, source: source, destination: destination
    ).packet(payload[...])
  }

  static func type(_ address: IPAddress) -> UInt16 { address.isV4 ? 0x0800 : 0x86DD }

  static func echo(
    from source: IPAddress, to destination: IPAddress, size: Int = 56, tos: UInt8 = 0, dontFragment: Bool = false,
    ttl: UInt8 = 64
  ) -> [UInt8] {
    let data = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    let message =
      source.isV4
      ? ICMPMessage.bytes(type: 8, code: 0, rest: 0x1234_0001, data: data)
      : ICMPMessage.bytes(type: 128, code: 0, rest: 0x1234_0001, data: data, from: source, to: destination)
    return packet(
      source.isV4 ? 1 : 58, message, from: source, to: destination, ttl: ttl, tos: tos, dontFragment: dontFragment)
  }

  static func udp(
    from source: IPAddress, to destination: IPAddress, port: UInt16 = 33_434, size: Int = 32, ttl: UInt8 = 64,
    dontFragment: Bool = false
  ) -> [UInt8] {
    let datagram = UDPHeader(sourcePort: 40_000, destinationPort: port).datagram(
      [UInt8](repeating: 0x55, count: size), from: source, to: destination)
    return packet(17, datagram, from: source, to: destination, ttl: ttl, dontFragment: dontFragment)
  }

  static func syn(from source: IPAddress, to destination: IPAddress, port: UInt16 = 80) -> [UInt8] {
    let segment = TCPHeader(sourcePort: 40_000, destinationPort: port, sequence: 7, acknowledgment: 0, flags: [.syn])
      .segment(from: source, to: destination)
    return packet(6, segment, from: source, to: destination)
  }

  /// A packet of the first server to the second, as the worker hands it over when it does not know the second's MAC address.
  static func onItsWay(_ packet: [UInt8], virtio: [UInt8] = [UInt8](repeating: 0, count: 12)) -> [UInt8] {
    frame(
      packet, packet[0] >> 4 == 4 ? 0x0800 : 0x86DD, from: otherInterface.mac, to: MACAddress(0), virtio: virtio)
  }

  /// The neighbour answers an ARP request for its first address.
  @discardableResult
  mutating func answerARP(from port: PortIndex = other, slot: Int = 0, mac: MACAddress = otherMAC) -> [Gateway.Output] {
    guard let interface = gateway.interfaces[port]?.configuration else { return [] }
    let link = interface.links[slot]
    return receive(
      .local, Self.arp(.reply, link.host, asks: link.gateway, mac: mac, to: interface.mac), from: port,
      nic: NICIndex(20))
  }

  func state(of neighbour: Neighbour) -> NeighbourReport? {
    gateway.neighbours(of: neighbour.port, at: now).first {
      $0.address == gateway.interfaces[neighbour.port]?.configuration.links[neighbour.slot].host
    }
  }
}

extension Gateway.Output {
  var frame: FrameView? { if case .frame(let bytes, let port) = self { FrameView(bytes, port) } else { nil } }
  var dropReason: DropReason? { if case .drop(_, let reason) = self { reason } else { nil } }
}

extension [Gateway.Output] {
  var frames: [FrameView] { compactMap(\.frame) }
  var drops: [DropReason] { compactMap(\.dropReason) }
  /// What the worker was told.
  var told: [Gateway.Output] { filter { if case .neighbour = $0 { true } else { false } } }
}
