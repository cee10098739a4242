import AllocationCounter
import Dataplane
import Gateway
import Glibc
import Host
import Net
import Ports
import Switching
import Wire

/// Counts heap allocations of the assembled forwarding loop, driver included, while frames cross it: there must be
/// none.
///
/// `HotPathProof.swift` has the compiler's word for the parts below the driver; this covers the whole, input and output
/// too, because a proof covers only what it is pointed at.
@safe struct Allocations {
  private let frame: UnsafeMutableRawPointer
  private let room: UnsafeMutableRawPointer
  private let counts: [Int32]

  /// Frames of each kind that cross between two looks at the counter.
  static let frames = 50_000

  /// What a worker may allocate meanwhile: a letter to the loop guard about a NIC that floods, two a second at most.
  static let letters: UInt64 = 8

  /// Allocations while unicast frames, floods, tag changes and drops cross; by name.
  static func measure() async throws -> [(name: String, allocations: UInt64)] {
    var ends: [Int32] = []
    var configuration = Dataplane.Configuration()
    configuration.stormLimit = 0
    let plane = try Dataplane(configuration)
    let roles: [PortProgram.Role] = [
      .switched(untagged: DomainIndex(1), tagged: []),
      .switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)]),
      .switched(untagged: DomainIndex(1), tagged: []), .routed(tagged: []), .routed(tagged: []),
    ]
    var change = ForwardingChange()
    change.domains[DomainIndex(1)] = VLANID(1001)!
    change.domains[DomainIndex(2)] = VLANID(1002)!
    for (index, role) in roles.enumerated() {
      var pair: [Int32] = [-1, -1]
      let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
      guard unsafe socketpair(AF_UNIX, kind, 0, &pair) == 0 else { preconditionFailure("socketpair") }
      ends.append(pair[1])
      try await plane.attach(TAP(adopting: pair[0], name: "cable"), as: NICIndex(index))
      change.ports[PortIndex(index + 1)] = PortProgram(members: [NICIndex(index)], role: role)
    }
    var routing = RoutingChange()
    for (port, base) in [(4, 0xC612_0000), (5, 0xC612_0002)] as [(Int, UInt32)] {
      let link = RoutedInterface.Link(gateway: IPAddress(v4: base), host: IPAddress(v4: base + 1), isPublic: true)
      routing.interfaces[PortIndex(port)] = RoutedInterface(kind: .server, mac: gateway, mtu: 1_500, links: [link])
    }
    await plane.apply(change, routing)
    for index in roles.indices { while !(await plane.carries(NICIndex(index))) {} }
    // Both threads have done all that the start gave them to do when they have answered.
    _ = (await plane.bonds(), await plane.stationStatistics())
    let crossing = Allocations(counts: ends)
    defer { unsafe crossing.free() }
    // Stations 1 and 2 are known before anything is counted.
    crossing.cross(2, from: 1, to: 0xFFFF_FFFF_FFFF, source: 2, tag: 1001, receivers: 2)
    crossing.cross(2, from: 0, to: 0xFFFF_FFFF_FFFF, source: 1, tag: nil, receivers: 2)
    // The counter itself has to count, or nothing is shown.
    let empty = allocation_count()
    unsafe UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 8).deallocate()
    precondition(allocation_count() > empty, "allocations are counted")
    var found: [(String, UInt64)] = []
    for (name, from, to, source, tag, receivers) in [
      ("unicast, tag pushed", 0, 0x0200_0000_0002, 1, nil, 1), ("unicast, tag popped", 1, 0x0200_0000_0001, 2, 1001, 1),
      ("flood in two forms", 0, 0xFFFF_FFFF_FFFF, 1, nil, 2),
      ("dropped, VLAN not on the port", 0, 0xFFFF_FFFF_FFFF, 1, 1002, 0),
    ] as [(String, Int, UInt64, UInt64, UInt16?, Int)] {
      crossing.cross(1_000, from: from, to: to, source: source, tag: tag, receivers: receivers)
      let before = allocation_count()
      crossing.cross(frames, from: from, to: to, source: source, tag: tag, receivers: receivers)
      found.append((name, allocation_count() - before))
    }
    await crossing.introduce(to: plane)
    crossing.cross(1_000, of: Self.packet, from: 3, receivers: 1)
    let before = allocation_count()
    crossing.cross(frames, of: Self.packet, from: 3, receivers: 1)
    found.append(("routed", allocation_count() - before))
    await plane.stop()
    return found
  }

  private init(counts: [Int32]) {
    self.counts = counts
    unsafe frame = .allocate(byteCount: 128, alignment: 8)
    unsafe room = .allocate(byteCount: 2_048, alignment: 8)
  }

  @unsafe private func free() {
    unsafe frame.deallocate()
    unsafe room.deallocate()
  }

  // MARK: Routed packets

  private static let gateway = MACAddress(0x0600_0000_0001)
  /// From 198.18.0.1 to 198.18.0.3, by the gateway.
  private static let packet: [UInt8] =
    [6, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 4, 8, 0]
    + [0x45, 0, 0, 50, 0, 1, 0x40, 0, 64, 17, 0xAE, 0x91, 198, 18, 0, 1, 198, 18, 0, 3] + .init(repeating: 7, count: 30)

  /// The machine at the last end says who it is: an ARP request to the gateway, RFC 826, and the answer to the
  /// gateway's own.
  private func introduce(to plane: Dataplane) async {
    let me: [UInt8] = [2, 0, 0, 0, 0, 5]
    let router: [UInt8] = [6, 0, 0, 0, 0, 1]
    let hello = [198, 18, 0, 3] + router + [198, 18, 0, 2] as [UInt8]
    cross(1, of: Self.packet, from: 3, receivers: 0)
    while !(await plane.neighbours().contains { $0.state == .reachable }) {
      cross(1, of: router + me + [8, 6, 0, 1, 8, 0, 6, 4, 0, 2] + me + hello, from: 4, receivers: 0)
      _ = drain()
    }
  }

  private func cross(_ count: Int, of bytes: [UInt8], from: Int, receivers: Int) {
    unsafe frame.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
    for (index, byte) in bytes.enumerated() {
      unsafe frame.storeBytes(of: byte, toByteOffset: VirtioNetHeader.size + index, as: UInt8.self)
    }
    send(count, size: bytes.count, from: from, receivers: receivers)
  }

  /// Sends `count` frames in bursts and takes what comes out at the other ends, without allocating.
  private func cross(
    _ count: Int, from: Int, to: UInt64, source: UInt64, tag: UInt16?, receivers: Int
  ) {
    unsafe frame.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
    let start = unsafe frame + VirtioNetHeader.size
    for octet in 0..<6 {
      unsafe start.storeBytes(
        of: UInt8(truncatingIfNeeded: to >> UInt64(40 - 8 * octet)), toByteOffset: octet, as: UInt8.self)
    }
    unsafe start.storeBytes(of: 2, toByteOffset: 6, as: UInt8.self)
    unsafe start.storeBytes(of: UInt8(source), toByteOffset: 11, as: UInt8.self)
    unsafe start.storeBigEndian16(tag == nil ? 0x88B5 : EtherType.customerTag, at: 12)
    if let tag { unsafe start.storeBigEndian16(tag, at: 14) }
    send(count, size: 64, from: from, receivers: receivers)
  }

  private func send(_ count: Int, size: Int, from: Int, receivers: Int) {
    var sent = 0
    var received = 0
    while sent < count {
      if unsafe write(counts[from], frame, VirtioNetHeader.size + size) > 0 { sent &+= 1 }
      // A socket that is full looks like a link that is down: no more than a burst is ever under way.
      if sent % 32 == 0 || sent == count {
        while received < sent &* receivers { received &+= drain() }
      }
    }
  }

  /// Takes what has come out, and returns how many frames that was.
  private func drain() -> Int {
    var taken = 0
    var index = 0
    while index < counts.count {
      while unsafe read(counts[index], room, 2_048) > 0 { taken &+= 1 }
      index &+= 1
    }
    return taken
  }
}
