public import Net

/// What a frame to the slow protocols address says, decoded: an LACPDU, a Marker PDU, or why it is neither.
///
/// Slow protocols share one destination, one EtherType and a subtype; their frames are never tagged, so a tagged one has
/// the wrong EtherType here. Source: IEEE 802.3-2018 Annex 57A; the two kinds of refusal are those of the counters
/// aAggPortStatsUnknownRx and aAggPortStatsIllegalRx, IEEE 802.1AX-2014 7.3.3.
public enum SlowProtocolPDU: Equatable, Sendable, BitwiseCopyable {
  case lacp(LACPDU)
  case marker(MarkerPDU)
  /// Not for us: another EtherType, or a subtype that belongs to somebody else (3...10, OAM for one).
  case unknown
  /// Badly formed, or a subtype that nobody may use (0 and 11...255).
  case illegal

  /// 01-80-C2-00-00-02. Source: 57A.3.
  public static let destination = MACAddress(0x0180_C200_0002)
  /// Bytes of a frame with an LACPDU or a Marker PDU in it: header and 110 bytes of body, no FCS.
  public static let frameSize = FrameHeader.size + bodySize
  static let bodySize = 110

  enum Subtype { static let lacp: UInt8 = 1, marker: UInt8 = 2, last: UInt8 = 10 }

  /// Decodes the `count` bytes at `frame`, which start at the destination address. The destination itself is not looked
  /// at: the caller has sorted the frame by it.
  @unsafe public static func decode(_ frame: UnsafeRawPointer, count: Int) -> SlowProtocolPDU {
    guard count >= FrameHeader.size, unsafe frame.bigEndian16(at: 12) == EtherType.slowProtocols else {
      return .unknown
    }
    guard count > FrameHeader.size else { return .illegal }
    let body = unsafe frame + FrameHeader.size
    switch unsafe body.load(as: UInt8.self) {
    case Subtype.lacp:
      guard let pdu = unsafe LACPDU(body, count: count - FrameHeader.size) else { return .illegal }
      return .lacp(pdu)
    case Subtype.marker:
      guard let pdu = unsafe MarkerPDU(body, count: count - FrameHeader.size) else { return .illegal }
      return .marker(pdu)
    case 3...Subtype.last: return .unknown
    default: return .illegal
    }
  }

  /// Makes the `frameSize` bytes at `frame` a header from `source` and a body of zeros behind it.
  @unsafe static func writeHeader(_ frame: UnsafeMutableRawPointer, from source: MACAddress) {
    unsafe frame.initializeMemory(as: UInt8.self, repeating: 0, count: frameSize)
    unsafe frame.storeAddress(destination, at: 0)
    unsafe frame.storeAddress(source, at: 6)
    unsafe frame.storeBigEndian16(EtherType.slowProtocols, at: 12)
  }
}

extension UnsafeMutableRawPointer {
  /// Stores the six octets of `address` at `offset`, which need not be aligned.
  @unsafe func storeAddress(_ address: MACAddress, at offset: Int) {
    for octet in 0..<3 {
      unsafe storeBigEndian16(
        UInt16(truncatingIfNeeded: address.value >> UInt64(32 - 16 * octet)), at: offset + 2 * octet)
    }
  }
}
