import Dataplane
import Net
import Ports
import Switching
import Wire

/// A switch and frames in memory, in batches as a worker has them. No class: a loop over the properties of one checks each access.
@safe struct Bench: ~Copyable {
  static let frames = 4_096
  private static let batch = TAPDriver.batchLimit
  private var batch = Batch()
  private static let stride = 192
  private var plane: Switch
  private let memory: UnsafeMutableRawPointer
  private let isTagged: Bool
  private static let now: UInt32 = 1

  static func address(_ number: Int) -> UInt64 { 0x0200_0000_0000 + UInt64(number) }

  /// `stations` of domain 1 stand on port 2; frames come in by port 1.
  init(stations: Int, egressTagged: Bool, ingressTagged: Bool, ports: Int = 2) {
    plane = Switch(
      limits: Switch.Limits(),
      stations: StationTable(
        limit: 131_072, limitPerPort: 131_072, aging: 300, secret: (0x5DEE_CE66_D1CE_4E5B, 0x1234_5678_9ABC_DEF1)))
    isTagged = ingressTagged
    unsafe memory = .allocate(byteCount: Self.frames * Self.stride, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.frames * Self.stride)
    var change = ForwardingChange()
    change.domains[DomainIndex(1)] = VLANID(1001)!
    change.domains[DomainIndex(2)] = VLANID(1002)!
    let untagged = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])
    let trunk = PortProgram.Role.switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])
    for port in 1...ports {
      let role = port == 1 ? (ingressTagged ? trunk : untagged) : (egressTagged ? trunk : untagged)
      change.ports[PortIndex(port)] = PortProgram(members: [NICIndex(port)], role: role)
    }
    plane.apply(change)
    for port in 1...ports { plane.setLink(NICIndex(port), up: true) }
    for number in 0..<stations {
      plane.stations.learn(MACAddress(Self.address(number)), in: DomainIndex(1), on: PortIndex(2), at: Self.now)
    }
    var random = SeededGenerator(seed: 7)
    for index in 0..<Self.frames {
      fill(index, destination: Self.address(Int(random.next() % UInt64(stations))))
    }
  }

  deinit { unsafe memory.deallocate() }

  /// A 60-byte frame (64 with a tag) at `index`.
  private func fill(_ index: Int, destination: UInt64) {
    let start = unsafe memory + index * Self.stride + 52
    let frame = unsafe start + VirtioNetHeader.size
    func put(_ address: UInt64, at offset: Int) {
      for octet in 0..<6 {
        unsafe frame.storeBytes(
          of: UInt8(truncatingIfNeeded: address >> UInt64(40 - 8 * octet)), toByteOffset: offset + octet, as: UInt8.self
        )
      }
    }
    put(destination, at: 0)
    put(0x02AA_0000_0001, at: 6)
    unsafe frame.storeBigEndian16(isTagged ? FrameHeader.tagProtocol : 0x0800, at: 12)
    if isTagged {
      unsafe frame.storeBigEndian16(1001, at: 14)
      unsafe frame.storeBigEndian16(0x0800, at: 16)
    }
  }

  private func frame(_ index: Int) -> FrameBuffer {
    unsafe FrameBuffer(start: memory + index * Self.stride + 52, count: isTagged ? 64 : 60)
  }

  // MARK: Loops

  /// Nanoseconds an element of a pass over `frames` elements, over about a tenth of a second.
  static func time(_ pass: () -> Void) -> Double {
    let clock = ContinuousClock()
    pass()
    var passes = 0
    let start = clock.now
    var elapsed = Duration.zero
    while elapsed < .milliseconds(100) {
      for _ in 0..<16 { pass() }
      passes += 16
      elapsed = clock.now - start
    }
    let nanoseconds = Double(elapsed.components.seconds) * 1e9 + Double(elapsed.components.attoseconds) / 1e9
    return nanoseconds / Double(passes * Self.frames)
  }

  /// Decode, decide, edit, and undo the edit where there was one, so that the next pass finds the same frame.
  mutating func measure() -> Double {
    var forwarded = 0
    let time = Self.time {
      var first = 0
      while first < Self.frames {
        for index in 0..<Self.batch { batch.note(frame(first &+ index), at: index, from: NICIndex(1), plane) }
        batch.prefetch()
        for index in 0..<Self.batch { forwarded &+= forward(batch[index]) }
        first &+= Self.batch
      }
    }
    precondition(forwarded > 0, "frames are forwarded")
    return time
  }

  @inline(__always)
  private mutating func forward(_ entry: Batch.Entry) -> Int {
    guard let frame = entry.frame, case .header(let header) = entry.decoded else { return 0 }
    let size = frame.packetSize(header)
    guard
      case .forward(let nic, let tag) = plane.forward(
        header, from: NICIndex(1), at: Self.now, as: entry.passage),
      size <= plane.mtu(of: nic)
    else { return 0 }
    let out = frame.withTag(tag, header)
    if out.count > frame.count {
      var back = out
      back.popTag()
    } else if out.count < frame.count {
      var back = out
      back.pushTag(header.tagControl)
    }
    return out.count
  }

  mutating func measureLearning() -> Double {
    var source: UInt64 = 0x0300_0000_0000
    var learned = 0
    return Self.time {
      for index in 0..<Self.frames {
        let frame = frame(index)
        guard case .header(var header) = frame.decode() else { continue }
        source &+= 1
        header.source = MACAddress(source & ~0x0100_0000_0000)
        if case .drop = plane.forward(header, from: NICIndex(1), at: Self.now) { learned &+= 1 }
      }
    }
  }

  mutating func measureFlood() -> Double {
    var receivers = 0
    let time = Self.time {
      for index in 0..<Self.frames {
        let frame = frame(index)
        guard case .header(var header) = frame.decode() else { continue }
        header.destination = MACAddress(0xFFFF_FFFF_FFFF)
        guard
          case .flood(let domain, let origin) = plane.forward(header, from: NICIndex(1), at: Self.now)
        else { continue }
        var place = 0
        while let receiver = plane.nextReceiver(of: header, flowHash: 0, in: domain, from: origin, place: place) {
          place = receiver.next
          receivers &+= receiver.nic.value
        }
      }
    }
    precondition(receivers > 0, "frames are flooded")
    return time
  }

  borrowing func measurePushPop() -> Double {
    Self.time {
      for index in 0..<Self.frames {
        var frame = frame(index)
        frame.pushTag(0x2000 | 1001)
        frame.popTag()
      }
    }
  }
}
