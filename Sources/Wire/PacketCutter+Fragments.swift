// The third step of the cutter: packets that are still too large become fragments.

extension PacketCutter {
  /// Fragments of the IPv4 packet that ends at `end` of `frame`, whose virtio header is empty. Its form has been
  /// checked by `Packet`.
  static func fragments(_ frame: [UInt8], end: Int, mtu: Int) -> [[UInt8]] {
    let payload = Place.network + IPv4.headerLength(frame)
    let field = frame.number16(at: Place.network + IPv4.fragment)
    let start = Int(field & IPv4.offsetMask) * 8
    let isLast = field & IPv4.moreFragments == 0
    guard field & IPv4.dontFragment == 0, start + end - payload <= 65_535, isLast || (end - payload) % 8 == 0,
      let laterHeader = headerOfLaterFragments(frame[Place.network..<payload])
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

  /// `header` with those options only that every fragment carries (bit 7 of the type), padded with end-of-list to a
  /// multiple of 4; nil when an option runs over the end. Source: RFC 791 3.1 "Options", 3.2.
  private static func headerOfLaterFragments(_ header: ArraySlice<UInt8>) -> [UInt8]? {
    var result = Array(header.prefix(IPv4Header.size))
    var index = header.startIndex + IPv4Header.size
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

  /// Fragments of `packet`, a whole IPv6 packet from its version byte that the gateway itself sends; the packet alone
  /// when it fits.
  ///
  /// `identification` must be different for each packet between two addresses in a minute. None when the packet is
  /// malformed, already a fragment, or its headers do not fit in the first fragment (RFC 7112). Source: RFC 8200 4.5.
  public static func fragment6(_ packet: [UInt8], mtu: Int, identification: UInt32) -> [[UInt8]] {
    guard mtu > 0, let chain = IPv6HeaderChain(packet[...]), !chain.isFragment else { return [] }
    if chain.end <= mtu { return [Array(packet[..<chain.end])] }
    let room = mtu - chain.fragmentable - IPv6Header.fragmentHeaderSize
    guard room >= 8, chain.upperLayer < chain.fragmentable + room & ~7 else { return [] }
    var fragments: [[UInt8]] = []
    var position = chain.fragmentable
    while position < chain.end {
      let isLast = chain.end - position <= room
      let next = isLast ? chain.end : position + room & ~7
      var fragment = Array(packet[..<chain.fragmentable])
      fragment[chain.nextHeaderField] = ProtocolNumber.fragment
      fragment += [packet[chain.nextHeaderField], 0]
      // The offset is in units of 8 bytes in the upper 13 bits: the number of bytes itself.
      fragment.appendNumber16(UInt16(position - chain.fragmentable) | (isLast ? 0 : 1))
      fragment.appendNumber32(identification)
      fragment += packet[position..<next]
      fragment.setNumber16(UInt16(fragment.count - IPv6Header.size), at: 4)
      fragments.append(fragment)
      position = next
    }
    return fragments
  }
}

extension FrameBuffer {
  /// How many frames `PacketCutter.cut` makes of this untagged IPv4 frame at most where `mtu` bytes fit, without the
  /// cutting. `packetSize`: the frame's own, larger than `mtu`.
  public func pieceCount(packetSize: Int, mtu: Int) -> Int {
    let network = FrameHeader.size
    guard let header = unsafe IPv4View(frame + network, count: count &- network) else { return 1 }
    let headerSize = header.headerSize
    let room = (mtu &- headerSize) & ~7
    let size = unsafe Int(UInt16(littleEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
    guard room > 0, packetSize > headerSize else { return 1 }
    let pieces = (packetSize &- headerSize &+ room &- 1) / room
    guard unsafe VirtioNetHeader.isSegmented(UnsafeRawPointer(start)), size > 0 else { return pieces }
    return pieces &* ((count &- network &+ size &- 1) / size)
  }
}
