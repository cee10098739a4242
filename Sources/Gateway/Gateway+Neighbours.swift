public import Net
public import Switching
import Wire

// Neighbours: the machine's effects, and the packets that wait for it.

extension Gateway {
  /// Gives the event to the neighbour's machine and does what follows: frames that waited go before anything that the
  /// worker may forward once it knows the address.
  mutating func handle(_ event: NeighbourMachine.Event, of neighbour: Neighbour, at now: Instant) {
    guard interfaces[neighbour.port]?.slots.indices.contains(neighbour.slot) ?? false else { return }
    let reachableTime = Instant.random(in: NeighbourMachine.reachableTime, using: &random)
    guard
      let effects = interfaces[neighbour.port]?.slots[neighbour.slot].machine.handle(
        event, at: now, reachableTime: reachableTime)
    else { return }
    if effects.contains(.solicit) { solicit(neighbour) }
    let waiting = effects.isEmpty || effects == .solicit ? [] : takeWaiting(for: neighbour)
    if effects.contains(.resolved) {
      for packet in waiting { release(packet, to: neighbour) }
    }
    tell(neighbour)
    reschedule(neighbour.port)
    if effects.contains(.failed) { giveUp(waiting, at: now) }
  }

  /// They wait no longer.
  mutating func takeWaiting(for neighbour: Neighbour) -> [Interface.Waiting] {
    let waiting = interfaces[neighbour.port]?.slots[neighbour.slot].waiting ?? []
    interfaces[neighbour.port]?.slots[neighbour.slot].waiting = []
    for packet in waiting { count(packet, by: -1) }
    return waiting
  }

  private mutating func count(_ packet: Interface.Waiting, by sign: Int) {
    waitingBytes += sign * packet.bytes.count
    let left = waitingBytesFrom[packet.ingress, default: 0] + sign * packet.bytes.count
    waitingBytesFrom[packet.ingress] = left > 0 ? left : nil
  }

  /// Tells the worker what it has to know, when that is not what it knows.
  mutating func tell(_ neighbour: Neighbour) {
    guard let slot = interfaces[neighbour.port]?.slots[neighbour.slot], slot.told != slot.toTell else { return }
    interfaces[neighbour.port]?.slots[neighbour.slot].told = slot.toTell
    put(.neighbour(neighbour, slot.toTell?.mac, isStale: slot.toTell?.isStale ?? false))
  }

  // MARK: Packets

  /// Sends the packet to the neighbour, now or when it has answered.
  mutating func send(_ packet: Interface.Waiting, to neighbour: Neighbour, at now: Instant) {
    guard interfaces[neighbour.port]?.slots.indices.contains(neighbour.slot) ?? false, isUp(neighbour.port) else {
      giveUp(packet, at: now)
      return
    }
    handle(.packet, of: neighbour, at: now)
    switch interfaces[neighbour.port]?.slots[neighbour.slot].machine.state {
    case .incomplete: enqueue(packet, for: neighbour)
    case .reachable, .stale, .delay, .probe: release(packet, to: neighbour)
    case .absent, .failed, nil: giveUp(packet, at: now)
    }
  }

  /// The newest displaces the oldest: RFC 4861 7.2.2.
  private mutating func enqueue(_ packet: Interface.Waiting, for neighbour: Neighbour) {
    if let slot = interfaces[neighbour.port]?.slots[neighbour.slot], slot.waiting.count == Self.waitingLimit {
      let place = Self.displaced(by: packet, from: slot.waiting)
      let oldest = slot.waiting[place]
      interfaces[neighbour.port]?.slots[neighbour.slot].waiting.remove(at: place)
      count(oldest, by: -1)
      drop(oldest.nic, .gatewayBusy)
    }
    guard waitingBytes + packet.bytes.count <= Self.waitingBytesLimit,
      waitingBytesFrom[packet.ingress, default: 0] + packet.bytes.count <= Self.waitingBytesShare
    else {
      drop(packet.nic, .gatewayBusy)
      return
    }
    count(packet, by: 1)
    interfaces[neighbour.port]?.slots[neighbour.slot].waiting.append(packet)
  }

  /// The oldest of those that have most in the full queue, the new one counted with its own: who floods displaces
  /// himself first.
  private static func displaced(by packet: Interface.Waiting, from waiting: [Interface.Waiting]) -> Int {
    func number(_ ingress: PortIndex) -> Int {
      waiting.count { $0.ingress == ingress } + (ingress == packet.ingress ? 1 : 0)
    }
    let most = waiting.map { number($0.ingress) }.max() ?? 0
    return waiting.firstIndex { number($0.ingress) == most } ?? 0
  }

  /// Puts the neighbour's MAC address into the packet and lets it go.
  private mutating func release(_ packet: Interface.Waiting, to neighbour: Neighbour) {
    guard let interface = interfaces[neighbour.port], let mac = interface.slots[neighbour.slot].machine.mac else {
      return
    }
    guard packet.isToBeCut else {
      put(.frame(Self.addressed(packet.bytes, to: mac), neighbour.port))
      return
    }
    let mtu = interface.configuration.mtu
    // The worker has asked the same before; its answer may be a moment old.
    guard mtu >= PacketCutter.leastMTU else {
      drop(packet.nic, .packetTooBig)
      return
    }
    let pieces = PacketCutter.cut(packet.bytes, mtu: mtu)
    if pieces.isEmpty { drop(packet.nic, .malformedPacket) }
    for piece in pieces { put(.frame(Self.addressed(piece, to: mac), neighbour.port)) }
  }

  private static func addressed(_ bytes: [UInt8], to mac: MACAddress) -> [UInt8] {
    var bytes = bytes
    bytes.setNumber16(UInt16(truncatingIfNeeded: mac.value >> 32), at: VirtioNetHeader.size)
    bytes.setNumber32(UInt32(truncatingIfNeeded: mac.value), at: VirtioNetHeader.size + 2)
    return bytes
  }

  /// They have waited for nothing: their senders hear of it. Source: RFC 1812 3.3.2, RFC 4861 7.2.2.
  mutating func giveUp(_ waiting: [Interface.Waiting], at now: Instant) {
    for packet in waiting { giveUp(packet, at: now) }
  }

  private mutating func giveUp(_ packet: Interface.Waiting, at now: Instant) {
    guard !packet.isOurs,
      let arrival = Arrival(packet.bytes, ingress: packet.ingress, nic: packet.nic, isReady: true)
    else {
      drop(packet.nic, .neighbourUnreachable)
      return
    }
    refuse(arrival, .unreachable, counting: .neighbourUnreachable, at: now)
  }

  // MARK: Questions

  /// Finds out whether the hosts at the other ends of an interface's links are there, as before a packet to each.
  public mutating func seek(_ port: PortIndex, at now: Instant) {
    guard isUp(port), let slots = interfaces[port]?.slots else { return }
    for slot in slots.indices { handle(.packet, of: Neighbour(port: port, slot: slot), at: now) }
  }

  /// Asks where the neighbour is: everybody while it is not known, itself afterwards.
  private mutating func solicit(_ neighbour: Neighbour) {
    guard let interface = interfaces[neighbour.port], isUp(neighbour.port) else { return }
    let link = interface.configuration.links[neighbour.slot]
    let mac = interface.slots[neighbour.slot].machine.mac
    if link.host.isV4 {
      let request = ARPPacket(
        .request, senderMAC: interface.configuration.mac, sender: link.gateway, targetMAC: MACAddress(0),
        target: link.host)
      sendARP(request, to: mac ?? .broadcast, on: neighbour.port)
    } else {
      let message = NDMessage.neighbourSolicitation(target: link.host, source: interface.configuration.mac)
      sendND(
        message, from: link.gateway, to: mac == nil ? link.host.solicitedNode : link.host, mac: mac, on: neighbour.port)
    }
  }

  /// Makes a frame of our own, with an empty virtio header, from the interface's MAC address.
  mutating func put(_ packet: [UInt8], _ etherType: UInt16, to mac: MACAddress, on port: PortIndex) {
    guard let source = interfaces[port]?.configuration.mac else { return }
    put(.frame(Self.frame(packet, etherType, from: source, to: mac), port))
  }

  static func frame(_ packet: [UInt8], _ etherType: UInt16, from source: MACAddress, to mac: MACAddress) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: VirtioNetHeader.size)
    bytes.reserveCapacity(VirtioNetHeader.size + FrameHeader.size + packet.count)
    bytes.append(mac)
    bytes.append(source)
    bytes.appendNumber16(etherType)
    bytes += packet
    return bytes
  }
}
