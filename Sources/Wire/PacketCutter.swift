/// Makes of what crosses the switch whole (a super-frame, a frame without its checksum, a packet larger than the next
/// link) what any link carries.
///
/// ## How it works
/// Three steps, each only when it is due:
/// 1. Segmentation. A TCP or UDP super-frame becomes segments of `gso_size` bytes of payload, each with its own
///    headers.
/// 2. Checksums. A segment's are computed anew; that of an unsegmented frame is finished as the virtio header says.
/// 3. Fragmentation. An IPv4 packet that is still larger than the MTU is cut by RFC 791 3.2, unless DF forbids it. IPv6
///    packets are fragmented by nobody but their sender (RFC 8200 4.5): `fragment6` is for those of the gateway itself.
///
/// A frame here is 12 bytes of virtio header and an untagged Ethernet frame; frames that come out have an empty virtio
/// header.
///
/// ## Invariants
/// 1. No packet that comes out is larger than the MTU: what cannot be made to fit gives nothing.
/// 2. Malformed input gives nothing, or what was put in; never a trap.
/// 3. A checksum is stored behind the network header only, so that nobody can have us write an address that the source
///    check has not seen.
/// 4. At most `segmentLimit` segments: a server's super-frame with a `gso_size` of 1 does not make 65 000 frames.
///
/// ## Threads
/// Pure functions.
///
/// Source: virtio 1.2 5.1.6; RFC 791 2.3, 3.1, 3.2; RFC 8200 4.5, 8.1; RFC 9293 3.1; RFC 768.
public enum PacketCutter {
  /// The least segments that TCP in Linux makes are 48 bytes (net.ipv4.tcp_min_snd_mss): 65 535 / 48 = 1 366; of UDP it
  /// makes no more than 128.
  public static let segmentLimit = 2_048
  /// Nobody cuts a packet of others for a link that takes less: every host takes so many bytes in one piece (RFC 791
  /// 3.1), and who asks for less asks for work.
  @inlinable public static var leastMTU: Int { 576 }

  /// The frames that `bytes` stands for, each with at most `mtu` bytes behind the Ethernet header; none when that
  /// cannot be, or `bytes` is malformed.
  public static func cut(_ bytes: [UInt8], mtu: Int) -> [[UInt8]] {
    guard bytes.count >= Place.network, mtu > 0 else { return [] }
    let offload = Offload(bytes)
    guard let packet = Packet(bytes) else {
      guard !Packet.isIP(bytes), offload.type == .none, bytes.count - Place.network <= mtu else { return [] }
      return finished(bytes, offload).map { [$0] } ?? []
    }
    switch offload.type {
    case .none, .datagram:
      if offload.type == .datagram { guard packet.upperLayerType == IPProtocol.udp else { return [] } }
      return whole(bytes, packet, offload, mtu: mtu)
    case .tcp4 where packet.isV4 && packet.upperLayerType == IPProtocol.tcp,
      .tcp6 where !packet.isV4 && packet.upperLayerType == IPProtocol.tcp,
      .udp where packet.upperLayerType == IPProtocol.udp:
      guard let segments = Segmentation(bytes, packet, offload) else { return [] }
      return cut(segments, mtu: mtu)
    case .tcp4, .tcp6, .udp, .unknown: return []
    }
  }

  /// Does what is due of `NEEDS_CSUM` and says in the virtio header that it is done; segmentation stays as it is.
  ///
  /// False, and nothing changed, when the virtio header points outside the frame or before the end of its network
  /// header.
  @discardableResult
  public static func finishChecksum(_ bytes: inout [UInt8]) -> Bool {
    guard bytes.count >= Place.network else { return false }
    let offload = Offload(bytes)
    guard offload.needsChecksum else { return true }
    let start = Place.frame + offload.checksumStart
    let field = start + offload.checksumOffset
    let end = Packet(bytes)?.upperLayer ?? Packet.endOfNetworkHeader(bytes)
    guard start >= end, field + 2 <= bytes.count else { return false }
    var checksum = InternetChecksum.finish(sum(bytes[start...]))
    // RFC 768: in UDP, zero says that there is no checksum.
    if checksum == 0, offload.checksumOffset == UDP.checksum { checksum = 0xFFFF }
    bytes.setNumber16(checksum, at: field)
    bytes[0] &= ~VirtioNetHeader.needsChecksum
    for index in 6..<10 { bytes[index] = 0 }
    return true
  }

  /// Fragments of `packet`, a whole IPv6 packet from its version byte that the gateway itself sends; the packet alone
  /// when it fits.
  ///
  /// `identification` must be different for each packet between two addresses in a minute. None when the packet is
  /// malformed, already a fragment, or its headers do not fit in the first fragment (RFC 7112). Source: RFC 8200 4.5.
  public static func fragment6(_ packet: [UInt8], mtu: Int, identification: UInt32) -> [[UInt8]] {
    guard mtu > 0, let chain = IPv6HeaderChain(packet[...]), !chain.isFragment else { return [] }
    if chain.end <= mtu { return [Array(packet[..<chain.end])] }
    let room = mtu - chain.fragmentable - IPv6HeaderChain.fragmentSize
    guard room >= 8, chain.upperLayer < chain.fragmentable + room & ~7 else { return [] }
    var fragments: [[UInt8]] = []
    var position = chain.fragmentable
    while position < chain.end {
      let isLast = chain.end - position <= room
      let next = isLast ? chain.end : position + room & ~7
      var fragment = Array(packet[..<chain.fragmentable])
      fragment[chain.nextHeaderField] = IPv6HeaderChain.fragmentType
      fragment += [packet[chain.nextHeaderField], 0]
      // The offset is in units of 8 bytes in the upper 13 bits: the number of bytes itself.
      fragment.appendNumber16(UInt16(position - chain.fragmentable) | (isLast ? 0 : 1))
      fragment.appendNumber32(identification)
      fragment += packet[position..<next]
      fragment.setNumber16(UInt16(fragment.count - IPv6HeaderChain.size), at: 4)
      fragments.append(fragment)
      position = next
    }
    return fragments
  }

  /// A frame that is one packet.
  private static func whole(_ bytes: [UInt8], _ packet: Packet, _ offload: Offload, mtu: Int) -> [[UInt8]] {
    var bytes = bytes
    // Padding of the link is not part of what a checksum is about.
    if offload.needsChecksum {
      guard !packet.isFragment else { return [] }
      bytes.removeSubrange(packet.end...)
    }
    guard var frame = finished(bytes, offload) else { return [] }
    if packet.end - Place.network <= mtu {
      if frame.count - Place.network > mtu { frame.removeSubrange(packet.end...) }
      return [frame]
    }
    return packet.isV4 ? fragments(frame, end: packet.end, mtu: mtu) : []
  }

  private static func cut(_ segments: Segmentation, mtu: Int) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    for index in 0..<segments.count {
      let frame = segments[index]
      if frame.count - Place.network <= mtu {
        frames.append(frame)
        continue
      }
      let pieces = segments.packet.isV4 ? fragments(frame, end: frame.count, mtu: mtu) : []
      guard !pieces.isEmpty else { return [] }
      frames += pieces
    }
    return frames
  }

  /// `bytes` with its checksum finished and an empty virtio header; nil when that is impossible.
  private static func finished(_ bytes: [UInt8], _ offload: Offload) -> [UInt8]? {
    var bytes = bytes
    if offload.needsChecksum { guard finishChecksum(&bytes) else { return nil } }
    for index in 0..<Place.frame { bytes[index] = 0 }
    return bytes
  }

  /// Sum of a slice, eight bytes at a time.
  fileprivate static func sum(_ bytes: ArraySlice<UInt8>, adding sum: UInt32 = 0) -> UInt32 {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return sum }
      return unsafe InternetChecksum.sum(base, count: buffer.count, adding: sum)
    }
  }
}

// MARK: - IPv4 fragmentation

extension FrameBuffer {
  /// How many frames `PacketCutter.cut` makes of this untagged IPv4 frame at most where `mtu` bytes fit, without the
  /// cutting. `packetSize`: the frame's own, larger than `mtu`.
  public func pieceCount(packetSize: Int, mtu: Int) -> Int {
    let network = FrameHeader.size
    guard count > network else { return 1 }
    let headerSize = unsafe Int(frame.load(fromByteOffset: network, as: UInt8.self) & 15) &* 4
    let room = (mtu &- headerSize) & ~7
    let size = unsafe Int(UInt16(littleEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
    guard room > 0, packetSize > headerSize else { return 1 }
    let pieces = (packetSize &- headerSize &+ room &- 1) / room
    guard unsafe VirtioNetHeader.isSegmented(UnsafeRawPointer(start)), size > 0 else { return pieces }
    return pieces &* ((count &- network &+ size &- 1) / size)
  }
}

extension PacketCutter {
  /// Fragments of the IPv4 packet that ends at `end` of `frame`, whose virtio header is empty. Its form has been
  /// checked by `Packet`.
  private static func fragments(_ frame: [UInt8], end: Int, mtu: Int) -> [[UInt8]] {
    let payload = Place.network + IPv4.headerLength(frame)
    let field = frame.number16(at: Place.network + IPv4.fragment)
    let start = Int(field & IPv4.offsetMask) * 8
    let isLast = field & IPv4.moreFragments == 0
    guard field & IPv4.dontFragment == 0, start + end - payload <= 65_535, isLast || (end - payload) % 8 == 0,
      let laterHeader = IPv4.headerOfLaterFragments(frame[Place.network..<payload])
    else { return [] }

    var fragments: [[UInt8]] = []
    var header = Array(frame[Place.network..<payload])
    var position = payload
    while position < end {
      let room = mtu - header.count
      let isRest = end - position <= room
      let next = isRest ? end : position + room & ~7
      guard next > position else { return [] }
      header.setNumber16(UInt16(header.count + next - position), at: IPv4.totalLength)
      header.setNumber16(
        field & ~(IPv4.offsetMask | IPv4.moreFragments) | UInt16((start + position - payload) / 8)
          | (isRest && isLast ? 0 : IPv4.moreFragments), at: IPv4.fragment)
      IPv4.setChecksum(of: &header, at: 0)
      var fragment = Array(frame[..<Place.network])
      fragment.reserveCapacity(Place.network + header.count + next - position)
      fragment += header
      fragment += frame[position..<next]
      fragments.append(fragment)
      position = next
      header = laterHeader
    }
    return fragments
  }
}

// MARK: - Segmentation

/// A super-frame on its way to segments.
private struct Segmentation {
  let bytes: [UInt8]
  let packet: Packet
  let size: Int
  /// From the virtio header to the end of the TCP or UDP header.
  let headers: Int
  let count: Int

  init?(_ bytes: [UInt8], _ packet: Packet, _ offload: Offload) {
    let isUDP = offload.type == .udp
    guard offload.segmentSize > 0, !packet.isFragment, !packet.hasSegmentsLeft,
      packet.end - packet.upperLayer >= (isUDP ? UDP.size : TCP.size)
    else { return nil }
    let length = isUDP ? UDP.size : Int(bytes[packet.upperLayer + TCP.dataOffset] >> 4) * 4
    guard length >= (isUDP ? UDP.size : TCP.size), length <= packet.end - packet.upperLayer else { return nil }
    if offload.needsChecksum {
      guard Place.frame + offload.checksumStart == packet.upperLayer,
        offload.checksumOffset == (isUDP ? UDP.checksum : TCP.checksum)
      else { return nil }
    }
    headers = packet.upperLayer + length
    size = offload.segmentSize
    count = max(1, (packet.end - headers + size - 1) / size)
    guard count <= PacketCutter.segmentLimit else { return nil }
    self.bytes = bytes
    self.packet = packet
  }

  /// Segment `index` as a frame with an empty virtio header and right checksums.
  subscript(_ index: Int) -> [UInt8] {
    let from = headers + index * size
    let to = min(from + size, packet.end)
    var frame = [UInt8](repeating: 0, count: Place.frame)
    frame.reserveCapacity(headers + to - from)
    frame += bytes[Place.frame..<headers]
    frame += bytes[from..<to]

    let network = Place.network
    if packet.isV4 {
      frame.setNumber16(UInt16(frame.count - network), at: network + IPv4.totalLength)
      let identification = frame.number16(at: network + IPv4.identification)
      frame.setNumber16(identification &+ UInt16(index), at: network + IPv4.identification)
      IPv4.setChecksum(of: &frame, at: network)
    } else {
      frame.setNumber16(UInt16(frame.count - network - IPv6HeaderChain.size), at: network + 4)
    }
    if packet.upperLayerType == IPProtocol.udp {
      frame.setNumber16(UInt16(frame.count - packet.upperLayer), at: packet.upperLayer + UDP.length)
      setChecksum(of: &frame, at: packet.upperLayer + UDP.checksum)
    } else {
      setSequence(of: &frame, index)
      setChecksum(of: &frame, at: packet.upperLayer + TCP.checksum)
    }
    return frame
  }

  /// CWR is said once, and FIN and PSH are about the last byte.
  private func setSequence(of frame: inout [UInt8], _ index: Int) {
    let sequence = packet.upperLayer + TCP.sequence
    frame.setNumber32(frame.number32(at: sequence) &+ UInt32(index * size), at: sequence)
    if index > 0 { frame[packet.upperLayer + TCP.flags] &= ~TCP.cwr }
    if index < count - 1 { frame[packet.upperLayer + TCP.flags] &= ~(TCP.fin | TCP.psh) }
  }

  private func setChecksum(of frame: inout [UInt8], at field: Int) {
    frame.setNumber16(0, at: field)
    let network = Place.network
    let addresses = packet.isV4 ? network + 12..<network + 20 : network + 8..<network + 40
    let length = frame.count - packet.upperLayer
    let pseudoHeader = PacketCutter.sum(frame[addresses], adding: UInt32(packet.upperLayerType) + UInt32(length))
    let checksum = InternetChecksum.finish(PacketCutter.sum(frame[packet.upperLayer...], adding: pseudoHeader))
    frame.setNumber16(checksum == 0 && packet.upperLayerType == IPProtocol.udp ? 0xFFFF : checksum, at: field)
  }
}

// MARK: - Formats

/// Where things begin, counted from the virtio header.
private enum Place {
  static let frame = VirtioNetHeader.size
  static let etherType = frame + 12
  static let network = frame + FrameHeader.size
}

private enum IPProtocol {
  static let tcp: UInt8 = 6
  static let udp: UInt8 = 17
}

/// Offsets and bits of RFC 9293 3.1.
private enum TCP {
  static let size = 20
  static let sequence = 4
  static let dataOffset = 12
  static let flags = 13
  static let checksum = 16
  static let fin: UInt8 = 0x01
  static let psh: UInt8 = 0x08
  static let cwr: UInt8 = 0x80
}

/// Offsets of RFC 768.
private enum UDP {
  static let size = 8
  static let length = 4
  static let checksum = 6
}

/// Offsets and bits of RFC 791 3.1.
private enum IPv4 {
  static let size = 20
  static let totalLength = 2
  static let identification = 4
  static let fragment = 6
  static let checksum = 10
  static let dontFragment: UInt16 = 0x4000
  static let moreFragments: UInt16 = 0x2000
  static let offsetMask: UInt16 = 0x1FFF

  static func headerLength(_ frame: [UInt8]) -> Int { Int(frame[Place.network] & 15) * 4 }

  /// Writes the checksum of the header at `start` of `bytes`.
  static func setChecksum(of bytes: inout [UInt8], at start: Int) {
    bytes.setNumber16(0, at: start + checksum)
    let header = bytes[start..<start + Int(bytes[start] & 15) * 4]
    bytes.setNumber16(InternetChecksum.finish(PacketCutter.sum(header)), at: start + checksum)
  }

  /// `header` with those options only that every fragment carries (bit 7 of the type), padded with end-of-list to a
  /// multiple of 4; nil when an option runs over the end. Source: RFC 791 3.1 "Options", 3.2.
  static func headerOfLaterFragments(_ header: ArraySlice<UInt8>) -> [UInt8]? {
    var result = Array(header.prefix(size))
    var index = header.startIndex + size
    while index < header.endIndex, header[index] != 0 {
      if header[index] == 1 {
        index += 1
        continue
      }
      guard index + 1 < header.endIndex, header[index + 1] >= 2, Int(header[index + 1]) <= header.endIndex - index
      else { return nil }
      let next = index + Int(header[index + 1])
      if header[index] & 0x80 != 0 { result += header[index..<next] }
      index = next
    }
    while result.count % 4 != 0 { result.append(0) }
    result[0] = 0x40 | UInt8(result.count / 4)
    return result
  }
}

/// The virtio header, read.
private struct Offload {
  enum Kind { case none, tcp4, datagram, tcp6, udp, unknown }

  let needsChecksum: Bool
  let type: Kind
  let segmentSize: Int
  /// From the first byte of the Ethernet frame.
  let checksumStart: Int
  /// From `checksumStart`.
  let checksumOffset: Int

  /// `bytes` has at least the header.
  init(_ bytes: [UInt8]) {
    // In the byte order of the host.
    func number(at index: Int) -> Int {
      Int(UInt16(littleEndian: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8))
    }
    needsChecksum = bytes[0] & VirtioNetHeader.needsChecksum != 0
    type =
      switch bytes[1] & ~VirtioNetHeader.ecn {
      case 0: .none
      case 1: .tcp4
      case 3: .datagram
      case 4: .tcp6
      case 5: .udp
      default: .unknown
      }
    segmentSize = number(at: 4)
    checksumStart = number(at: 6)
    checksumOffset = number(at: 8)
  }
}

/// What is to be known of the IP packet in a frame. Places count from the virtio header.
private struct Packet {
  let isV4: Bool
  let upperLayerType: UInt8
  let upperLayer: Int
  /// By the packet's own length; what is behind it is padding of the link.
  let end: Int
  let isFragment: Bool
  let hasSegmentsLeft: Bool

  static func isIP(_ bytes: [UInt8]) -> Bool { [0x0800, 0x86DD].contains(bytes.number16(at: Place.etherType)) }

  /// Where a checksum that the network header does not cover can begin. `bytes` has at least an Ethernet header.
  static func endOfNetworkHeader(_ bytes: [UInt8]) -> Int {
    switch bytes.number16(at: Place.etherType) {
    case 0x0800: Place.network + max(IPv4.size, bytes.count > Place.network ? IPv4.headerLength(bytes) : 0)
    case 0x86DD: Place.network + IPv6HeaderChain.size
    default: Place.network
    }
  }

  /// nil when it is no IP packet or a malformed one.
  init?(_ bytes: [UInt8]) {
    switch bytes.number16(at: Place.etherType) {
    case 0x0800:
      let network = Place.network
      guard bytes.count >= network + IPv4.size, bytes[network] >> 4 == 4 else { return nil }
      isV4 = true
      let length = IPv4.headerLength(bytes)
      end = network + Int(bytes.number16(at: network + IPv4.totalLength))
      guard length >= IPv4.size, network + length <= end, end <= bytes.count else { return nil }
      upperLayer = network + length
      upperLayerType = bytes[network + 9]
      isFragment = bytes.number16(at: network + IPv4.fragment) & (IPv4.moreFragments | IPv4.offsetMask) != 0
      hasSegmentsLeft = false
    case 0x86DD:
      guard let chain = IPv6HeaderChain(bytes[Place.network...]) else { return nil }
      isV4 = false
      end = Place.network + chain.end
      upperLayer = Place.network + chain.upperLayer
      upperLayerType = chain.upperLayerType
      isFragment = chain.isFragment
      hasSegmentsLeft = chain.hasSegmentsLeft
    default: return nil
    }
  }
}
