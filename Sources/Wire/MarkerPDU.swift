public import Net

/// A Marker PDU: "all frames that I sent by this link before are behind you", or the answer to it.
///
///     0         1         2      3        4                6                  12              16    18       20
///     ┌─────────┬─────────┬──────┬────────┬────────────────┬──────────────────┬───────────────┬─────┬────────┬───────┐
///     │ subtype │ version │ type │ 16     │ requester port │ requester system │ transaction   │ pad │ 0, 0   │ zeros │
///     └─────────┴─────────┴──────┴────────┴────────────────┴──────────────────┴───────────────┴─────┴────────┴───────┘
///
/// Whoever hears a Marker has to answer; to send Markers is optional, and we do not. Version and reserved fields are not
/// looked at. Source: IEEE 802.1AX-2014 6.5.3.3, 6.5.4.
public struct MarkerPDU: Equatable, Sendable, BitwiseCopyable {
  public enum Kind: UInt8, Sendable, BitwiseCopyable { case information = 1, response = 2 }

  public var kind: Kind
  public var requesterPort: UInt16
  public var requesterSystem: MACAddress
  /// The requester's own number for the request; an answer repeats it.
  public var transaction: UInt32

  public init(kind: Kind, requesterPort: UInt16, requesterSystem: MACAddress, transaction: UInt32) {
    self.kind = kind
    self.requesterPort = requesterPort
    self.requesterSystem = requesterSystem
    self.transaction = transaction
  }

  private static let informationLength: UInt8 = 16

  /// Reads the `count` bytes at `body`, which start at the subtype (the caller has read that one).
  ///
  /// `nil` when there are fewer than 110, the length is wrong, or the type is neither information nor response.
  @unsafe public init?(_ body: UnsafeRawPointer, count: Int) {
    guard count >= SlowProtocolPDU.bodySize,
      let kind = unsafe Kind(rawValue: body.load(fromByteOffset: 2, as: UInt8.self)),
      unsafe body.load(fromByteOffset: 3, as: UInt8.self) == Self.informationLength
    else { return nil }
    self.kind = kind
    requesterPort = unsafe body.bigEndian16(at: 4)
    requesterSystem = unsafe MACAddress(body.bigEndian64(at: 6) >> 16)
    transaction = unsafe UInt32(body.bigEndian16(at: 12)) << 16 | UInt32(body.bigEndian16(at: 14))
  }

  /// The answer: the same but for the type.
  public var response: MarkerPDU {
    var answer = self
    answer.kind = .response
    return answer
  }

  /// Writes the whole frame, from the destination address on, to `frame`, which has room for
  /// `SlowProtocolPDU.frameSize` bytes. `source`: the address that the port sends from.
  @unsafe public func write(to frame: UnsafeMutableRawPointer, from source: MACAddress) {
    unsafe SlowProtocolPDU.writeHeader(frame, from: source)
    let body = unsafe frame + FrameHeader.size
    unsafe body.storeBytes(of: SlowProtocolPDU.Subtype.marker, as: UInt8.self)
    unsafe body.storeBytes(of: 1, toByteOffset: 1, as: UInt8.self)
    unsafe body.storeBytes(of: kind.rawValue, toByteOffset: 2, as: UInt8.self)
    unsafe body.storeBytes(of: Self.informationLength, toByteOffset: 3, as: UInt8.self)
    unsafe body.storeBigEndian16(requesterPort, at: 4)
    unsafe body.storeAddress(requesterSystem, at: 6)
    unsafe body.storeBigEndian16(UInt16(truncatingIfNeeded: transaction >> 16), at: 12)
    unsafe body.storeBigEndian16(UInt16(truncatingIfNeeded: transaction), at: 14)
  }
}
