public import Net

/// What one end of a link says about itself or believes of the other: a port, its system, its key and its state.
///
/// Source: IEEE 802.1AX-2014 6.4.2.3, the fields that Actor and Partner Information share.
public struct LACPParticipant: Hashable, Sendable, BitwiseCopyable {
  public var systemPriority: UInt16
  public var system: MACAddress
  public var key: UInt16
  public var portPriority: UInt16
  public var port: UInt16
  public var state: LACPState

  public init(
    systemPriority: UInt16, system: MACAddress, key: UInt16, portPriority: UInt16, port: UInt16, state: LACPState
  ) {
    self.systemPriority = systemPriority
    self.system = system
    self.key = key
    self.portPriority = portPriority
    self.port = port
    self.state = state
  }
}

/// The state octet of a participant. Source: IEEE 802.1AX-2014 6.4.2.3, Figure 6-9.
public struct LACPState: OptionSet, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Speaks first; without it (passive) only to a partner that does.
  public static let activity = LACPState(rawValue: 1 << 0)
  /// Waits 3 s for the next LACPDU, so wants one each second; without it 90 s and 30 s.
  public static let timeout = LACPState(rawValue: 1 << 1)
  /// The link may be put together with others; without it, it is an individual.
  public static let aggregation = LACPState(rawValue: 1 << 2)
  /// The link is in the right aggregate.
  public static let synchronization = LACPState(rawValue: 1 << 3)
  /// Frames that come by the link are taken.
  public static let collecting = LACPState(rawValue: 1 << 4)
  /// Frames are sent by the link.
  public static let distributing = LACPState(rawValue: 1 << 5)
  /// What is said of the partner is an administrator's, not the partner's own word.
  public static let defaulted = LACPState(rawValue: 1 << 6)
  /// The partner was not heard in time.
  public static let expired = LACPState(rawValue: 1 << 7)

  private static let allNames = [
    "activity", "timeout", "aggregation", "synchronization", "collecting", "distributing", "defaulted", "expired",
  ]

  /// Names of the bits that are set, from bit 0.
  public var names: [String] {
    Self.allNames.indices.filter { rawValue & 1 << UInt8($0) != 0 }.map { Self.allNames[$0] }
  }
}

/// One LACPDU as a value.
///
///     0         1         2                22                42                58           60       110
///     ┌─────────┬─────────┬────────────────┬─────────────────┬─────────────────┬────────────┬────────┐
///     │ subtype │ version │ actor, 1, 20   │ partner, 2, 20  │ collector, 3,16 │ end, 0, 0  │ zeros  │
///     └─────────┴─────────┴────────────────┴─────────────────┴─────────────────┴────────────┴────────┘
///     actor and partner: +2 system priority, +4 system, +10 key, +12 port priority, +14 port, +16 state, 3 reserved
///
/// A receiver does not look at version, TLV types and reserved fields, so that what a later version says is read as
/// version 1; it may check the lengths, and does. What stands behind the collector is not looked at either: version 2 puts
/// its own TLVs there. Source: IEEE 802.1AX-2014 6.4.2.3, 6.4.12.
public struct LACPDU: Equatable, Sendable, BitwiseCopyable {
  /// 1 for what we send; any number in what we hear.
  public var version: UInt8
  public var actor: LACPParticipant
  /// What the sender believes of the receiver.
  public var partner: LACPParticipant
  /// Tens of microseconds that the sender's collector may hold a frame back.
  public var collectorMaxDelay: UInt16

  public init(
    version: UInt8 = 1, actor: LACPParticipant, partner: LACPParticipant, collectorMaxDelay: UInt16 = 0
  ) {
    self.version = version
    self.actor = actor
    self.partner = partner
    self.collectorMaxDelay = collectorMaxDelay
  }

  private static let actorTLV = TLV(type: 1, length: 20, at: 2)
  private static let partnerTLV = TLV(type: 2, length: 20, at: 22)
  private static let collectorTLV = TLV(type: 3, length: 16, at: 42)

  /// Reads the `count` bytes at `body`, which start at the subtype (the caller has read that one).
  ///
  /// `nil` when there are fewer than 110 or a length is wrong. Bytes behind the 110 are padding.
  @unsafe public init?(_ body: UnsafeRawPointer, count: Int) {
    guard count >= SlowProtocolPDU.bodySize else { return nil }
    guard unsafe Self.actorTLV.hasItsLength(body), unsafe Self.partnerTLV.hasItsLength(body),
      unsafe Self.collectorTLV.hasItsLength(body)
    else { return nil }
    version = unsafe body.load(fromByteOffset: 1, as: UInt8.self)
    actor = unsafe LACPParticipant(body + Self.actorTLV.at)
    partner = unsafe LACPParticipant(body + Self.partnerTLV.at)
    collectorMaxDelay = unsafe body.bigEndian16(at: Self.collectorTLV.at + 2)
  }

  /// Writes the whole frame, from the destination address on, to `frame`, which has room for
  /// `SlowProtocolPDU.frameSize` bytes. `source`: the address that the port sends from.
  @unsafe public func write(to frame: UnsafeMutableRawPointer, from source: MACAddress) {
    unsafe SlowProtocolPDU.writeHeader(frame, from: source)
    let body = unsafe frame + FrameHeader.size
    unsafe body.storeBytes(of: SlowProtocolPDU.Subtype.lacp, as: UInt8.self)
    unsafe body.storeBytes(of: version, toByteOffset: 1, as: UInt8.self)
    unsafe Self.actorTLV.write(to: body)
    unsafe Self.partnerTLV.write(to: body)
    unsafe Self.collectorTLV.write(to: body)
    unsafe actor.write(to: body + Self.actorTLV.at)
    unsafe partner.write(to: body + Self.partnerTLV.at)
    unsafe body.storeBigEndian16(collectorMaxDelay, at: Self.collectorTLV.at + 2)
  }
}

/// Type and length of one part of an LACPDU, and where in the body they stand.
private struct TLV {
  let type: UInt8
  let length: UInt8
  let at: Int

  @unsafe func hasItsLength(_ body: UnsafeRawPointer) -> Bool {
    unsafe body.load(fromByteOffset: at + 1, as: UInt8.self) == length
  }

  @unsafe func write(to body: UnsafeMutableRawPointer) {
    unsafe body.storeBytes(of: type, toByteOffset: at, as: UInt8.self)
    unsafe body.storeBytes(of: length, toByteOffset: at + 1, as: UInt8.self)
  }
}

extension LACPParticipant {
  /// Reads a TLV of 20 bytes that starts at `tlv`.
  @unsafe fileprivate init(_ tlv: UnsafeRawPointer) {
    systemPriority = unsafe tlv.bigEndian16(at: 2)
    system = unsafe MACAddress(tlv.bigEndian64(at: 4) >> 16)
    key = unsafe tlv.bigEndian16(at: 10)
    portPriority = unsafe tlv.bigEndian16(at: 12)
    port = unsafe tlv.bigEndian16(at: 14)
    state = unsafe LACPState(rawValue: tlv.load(fromByteOffset: 16, as: UInt8.self))
  }

  /// Writes the fields behind type and length of the TLV at `tlv`.
  @unsafe fileprivate func write(to tlv: UnsafeMutableRawPointer) {
    unsafe tlv.storeBigEndian16(systemPriority, at: 2)
    unsafe tlv.storeAddress(system, at: 4)
    unsafe tlv.storeBigEndian16(key, at: 10)
    unsafe tlv.storeBigEndian16(portPriority, at: 12)
    unsafe tlv.storeBigEndian16(port, at: 14)
    unsafe tlv.storeBytes(of: state.rawValue, toByteOffset: 16, as: UInt8.self)
  }
}
