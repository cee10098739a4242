import Gateway
import LinkAggregation
import Ports
import Switching
import Wire

/// Ports that are routed interfaces, as the slow path sees them.
struct RoutedPorts {
  var gateway: Gateway
  /// How large packets may be.
  var mtus = RoutedMTUs()
  /// Member of a routed port that is no bond: an uplink's, the metadata service's.
  var plainMember: [PortIndex: NICIndex] = [:]
  /// Every interface, and whether the gateway was told that it can send.
  var isUp: [PortIndex: Bool] = [:]
  /// The queues held more than a turn takes.
  var hasMore = false

  init(seed: UInt64) { gateway = Gateway(seed: seed) }
}

/// What a turn takes of one class: so many packets, or fewer when more frames come of them, so that ARP, LACP and
/// letters of others wait for the time of so many frames, and for the pieces of one packet.
struct SlowShare {
  static let limit = 64
  private var left = Self.limit

  var isOver: Bool { left <= 0 }

  /// A packet was taken, of which so many frames came.
  mutating func take(frames: Int) { left -= max(1, frames) }
}

/// The gateway's half of the slow path: packets in, frames out, and what was learned to the workers.
extension SlowPath {
  mutating func takePackets() {
    routed.hasMore = false
    for queue in SlowClass.allCases {
      for inbox in inboxes {
        var share = SlowShare()
        while !share.isOver, let packet = inbox.packets[queue].pop() {
          routed.gateway.receive(packet, at: Clock.milliseconds())
          share.take(frames: sendOutputs(of: packet))
        }
        takeLACP()
        routed.hasMore = routed.hasMore || !inbox.packets[queue].isEmpty
      }
    }
  }

  mutating func tickGateway(at now: UInt64) {
    guard let deadline = routed.gateway.deadline, deadline <= now else { return }
    routed.gateway.tick(at: now)
    sendOutputs()
  }

  /// Returns how many frames it has written. `packet`: what has just been received.
  @discardableResult
  mutating func sendOutputs(of packet: SlowPacket? = nil) -> Int {
    var frames = 0
    while let output = routed.gateway.nextOutput() {
      switch output {
      case .frame(let bytes, let port):
        send(bytes, by: port)
        frames += 1
      case .neighbour(let neighbour, let mac, let isStale): crew.postToAll(.neighbour(neighbour, mac, watched: isStale))
      case .drop(let nic, let reason):
        outbox.forget(packet.flatMap { $0.nic == nic && !$0.bytes.isEmpty ? $0.bytes : nil }, from: nic, reason)
      }
    }
    return frames
  }

  private mutating func send(_ frame: [UInt8], by port: PortIndex) {
    guard let nic = sender(of: port) else { return }
    if case .linkIsDown = outbox.send(frame, to: nic, isCounted: true) { crew.post(.checkLink(nic), toOwnerOf: nic) }
  }

  /// The member by which the gateway's own frames leave; nil when none can.
  private borrowing func sender(of port: PortIndex) -> NICIndex? {
    if let entry = bonds[port] {
      let member = entry.places.indices.first {
        entry.bond.carriage.distributing.contains(member: $0) && up.contains(entry.places[$0].nic)
      }
      return member.map { entry.places[$0].nic }
    }
    return routed.plainMember[port].flatMap { up.contains($0) ? $0 : nil }
  }

  // MARK: Changes

  mutating func endInterfaces(_ change: RoutingChange, at now: UInt64) {
    for (port, interface) in change.interfaces where interface == nil {
      routed.mtus.interfaces[port] = nil
      routed.gateway.set(nil, as: port, at: now)
      sendOutputs()
      routed.isUp[port] = nil
    }
  }

  mutating func beginInterfaces(_ change: RoutingChange, at now: UInt64) {
    for (port, interface) in change.interfaces {
      guard let interface else { continue }
      routed.mtus.interfaces[port] = interface
      routed.gateway.set(routed.mtus.fitted(port, up: up), as: port, at: now)
      if routed.isUp[port] == nil { routed.isUp[port] = false }
      noteLink(of: port, at: now)
    }
    sendOutputs()
  }

  mutating func noteMembers(_ program: PortProgram, of port: PortIndex) {
    routed.mtus.members[port] = program.role.isRouted ? program.members : nil
    routed.plainMember[port] = program.role.isRouted && program.aggregation == nil ? program.members.first : nil
  }

  /// Tells the gateway when an interface has begun or ceased to be one that frames can leave by.
  mutating func noteLink(of port: PortIndex, at now: UInt64) {
    guard let before = routed.isUp[port] else { return }
    let isUp = sender(of: port) != nil
    guard isUp != before else { return }
    routed.isUp[port] = isUp
    routed.gateway.setLink(port, up: isUp, at: now)
    sendOutputs()
  }

  mutating func noteLink(ofPlain nic: NICIndex, at now: UInt64) {
    guard let port = routed.plainMember.first(where: { $0.value == nic })?.key else { return }
    noteLink(of: port, at: now)
  }
}
