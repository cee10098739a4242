// Fuzz target of the forwarding core: any bytes as virtio header and frame, through decode, decide, tag edits and images.
// Built and run by scripts/fuzz, with libFuzzer and AddressSanitizer; what it finds becomes a vector in Tests/.
//
// Byte 0 of an input selects the ingress port, the next 12 are the virtio header, the rest is the frame.

import Switching
import Wire

/// One switch for the whole run: state that one input leaves behind is part of what the next one meets.
@safe final class FuzzedSwitch {
  var plane: Switch
  let room: UnsafeMutableRawPointer
  let scratch: UnsafeMutableRawPointer
  static let limit = 70_000

  init() {
    var limits = Switch.Limits()
    limits.nics = 16
    limits.ports = 16
    limits.domains = 16
    plane = Switch(
      limits: limits, stations: StationTable(limit: 64, limitPerPort: 32, aging: 10, secret: (1, 2)))
    var change = ForwardingChange()
    change.domains[DomainIndex(1)] = VLANID(1001)!
    change.domains[DomainIndex(2)] = VLANID(1002)!
    let roles: [PortProgram.Role] = [
      .switched(untagged: DomainIndex(1), tagged: []),
      .switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)]),
      .switched(untagged: DomainIndex(2), tagged: [DomainIndex(1)]), .dark, .routed(tagged: [DomainIndex(1)]),
      .switched(untagged: DomainIndex(2), tagged: []),
    ]
    for (index, role) in roles.enumerated() {
      change.ports[PortIndex(index + 1)] = PortProgram(members: [NICIndex(index)], role: role, mtu: 1_500)
    }
    plane.apply(change)
    for nic in roles.indices { plane.setLink(NICIndex(nic), up: true) }
    unsafe room = .allocate(byteCount: Self.limit, alignment: 64)
    unsafe scratch = .allocate(byteCount: FrameBuffer.imageHeaderSize, alignment: 8)
  }

  /// The domain that carries a frame must be one of the receiver's: port 6 never hears of VLAN 1001, port 1 never of 1002.
  func check(_ receiver: Int, _ domain: Int) {
    require(!(receiver == 5 && domain == 1) && !(receiver == 0 && domain == 2), "a frame leaked into another domain")
  }

  @unsafe func feed(_ input: UnsafeRawBufferPointer, now: UInt32) {
    guard input.count > 13, input.count < Self.limit - 64 else { return }
    let nic = NICIndex(unsafe Int(input[0]) % 8)
    let start = unsafe room + FrameBuffer.headroom
    unsafe start.copyMemory(from: input.baseAddress! + 1, byteCount: input.count - 1)
    let frame = unsafe FrameBuffer(start: start, count: input.count - 13)
    guard case .header(let header) = frame.decode() else { return }
    let size = frame.packetSize(header)
    require(size >= 0 && size <= frame.count, "a packet is at most its frame")
    switch plane.forward(header, from: nic, at: now) {
    case .drop, .slowProtocol, .balance, .route: break
    case .forward(let target, let tagControl):
      require(target != nic, "a frame went back where it came from")
      let out = frame.withTag(tagControl, header)
      require(abs(out.count - frame.count) <= 4, "a tag is four bytes")
      // What stands behind a tag that was taken out is payload and need not decode: a cut or reserved inner tag.
      if case .header(let after) = out.decode() {
        require(after.destination == header.destination && after.source == header.source, "addresses stay")
      }
    case .flood(let domain, let origin):
      var place = 0
      while let receiver = plane.nextReceiver(of: header, flowHash: 0, in: domain, from: origin, place: place) {
        place = receiver.next
        guard !receiver.isHop else { continue }
        require(receiver.nic != nic, "a frame went back where it came from")
        check(receiver.nic.value, domain.value)
        let tag = receiver.tagControl < 0 ? nil : UInt16(receiver.tagControl)
        let image = unsafe frame.makeImage(tag, of: header, in: scratch)
        require(image.headerCount + image.payloadCount >= 26, "an image has its addresses")
      }
    }
  }
}

/// Says what was wrong also in an optimised build, where a precondition only traps.
func require(_ holds: Bool, _ rule: StaticString) {
  if !holds { fatalError("violated: \(rule)") }
}

nonisolated(unsafe) private let fuzzed = FuzzedSwitch()
nonisolated(unsafe) private var runs: UInt32 = 0

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  unsafe runs &+= 1
  unsafe fuzzed.feed(UnsafeRawBufferPointer(start: bytes, count: count), now: 1 &+ runs / 1_000)
  return 0
}
