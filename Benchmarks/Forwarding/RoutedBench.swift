import Gateway
import Net
import Switching
import Wire

/// A switch, a router with servers around it, and a batch of packets in memory, as a worker has them.
@safe final class RoutedBench {
  private static let stride = 192
  private var plane = Switch(
    limits: Switch.Limits(), stations: StationTable(limit: 16, limitPerPort: 16, aging: 300, secret: (1, 2)))
  private var router = Router(portLimit: Switch.Limits().ports)
  private let memory: UnsafeMutableRawPointer
  private static let gateway = MACAddress(0x0600_0000_0001)

  /// Packets from the first of `servers` to the others, at random.
  init(servers: Int) {
    unsafe memory = .allocate(byteCount: Bench.frames * Self.stride, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: Bench.frames * Self.stride)
    var change = ForwardingChange()
    var routing = RoutingChange()
    routing.pools = [IPPrefix(v4: 0xC612_0000, length: 15)]
    for number in 0..<servers {
      let port = PortIndex(number + 1)
      change.ports[port] = PortProgram(members: [NICIndex(number)], role: .routed(tagged: []))
      let base = 0xC612_0000 + UInt32(2 * number)
      let link = RoutedInterface.Link(gateway: IPAddress(v4: base), host: IPAddress(v4: base + 1), isPublic: true)
      routing.interfaces[port] = RoutedInterface(kind: .server, mac: Self.gateway, mtu: 1_500, links: [link])
    }
    plane.apply(change)
    router.apply(routing)
    for number in 0..<servers {
      plane.setLink(NICIndex(number), up: true)
      router.setNeighbour(
        Neighbour(port: PortIndex(number + 1), slot: 0), MACAddress(Bench.address(number)), watched: false)
    }
    var random = SeededGenerator(seed: 7)
    for index in 0..<Bench.frames {
      fill(index, destination: 0xC612_0001 + UInt32(2 * (1 + random.next() % UInt64(servers - 1))))
    }
  }

  deinit { unsafe memory.deallocate() }

  /// A 60-byte frame at `index`, an IPv4 packet of 46 bytes in it.
  private func fill(_ index: Int, destination: UInt32) {
    let frame = unsafe memory + index * Self.stride + 52 + VirtioNetHeader.size
    func put(_ value: UInt64, bytes: Int, at offset: Int) {
      for octet in 0..<bytes {
        unsafe frame.storeBytes(
          of: UInt8(truncatingIfNeeded: value >> UInt64(8 * (bytes - 1 - octet))), toByteOffset: offset + octet,
          as: UInt8.self)
      }
    }
    put(Self.gateway.value, bytes: 6, at: 0)
    put(Bench.address(0), bytes: 6, at: 6)
    put(0x0800_4500_002E_0001, bytes: 8, at: 12)
    put(0x4000_4011, bytes: 4, at: 20)
    put(0xC612_0001, bytes: 4, at: 26)
    put(UInt64(destination), bytes: 4, at: 30)
    let sum = unsafe InternetChecksum.sum(UnsafeRawPointer(frame) + 14, count: 20)
    put(UInt64(InternetChecksum.finish(sum)), bytes: 2, at: 24)
  }

  /// Decode, decide, route, find the way out; then what was edited is put back, so that the next pass finds the same frame.
  func measure() -> Double {
    var forwarded = 0
    let time = Bench.time {
      for index in 0..<Bench.frames {
        var frame = unsafe FrameBuffer(start: memory + index * Self.stride + 52, count: 60)
        guard case .header(let header) = frame.decode() else { continue }
        let size = frame.packetSize(header)
        let bytes = unsafe memory + index * Self.stride + 52 + VirtioNetHeader.size
        let before = unsafe (
          bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self),
          bytes.loadUnaligned(fromByteOffset: 22, as: UInt32.self)
        )
        guard case .route(let port) = plane.forward(header, from: NICIndex(0), at: 1),
          case .forward(let neighbour, isWatched: false) = router.route(
            &frame, header, packetSize: size, from: port),
          case .forward(let nic, tagControl: _) = plane.egress(by: neighbour.port)
        else { continue }
        forwarded &+= nic.value
        unsafe bytes.storeBytes(of: before.0, as: UInt64.self)
        unsafe bytes.storeBytes(of: before.1, toByteOffset: 8, as: UInt32.self)
        unsafe bytes.storeBytes(of: before.2, toByteOffset: 22, as: UInt32.self)
      }
    }
    precondition(forwarded > 0, "packets are forwarded")
    return time
  }
}
