public import Net

/// Link-layer header of one frame, decoded once at ingress and passed by value from there on.
///
///     0             6        12     14    16     18
///     ┌─────────────┬────────┬──────┬─────┬──────┬───
///     │ destination │ source │ 8100 │ TCI │ type │ …   tagged; untagged has type at 12
///     └─────────────┴────────┴──────┴─────┴──────┴───
///
/// Only the outermost C-tag is read: a second tag, and an S-tag (88A8), are payload.
/// Source: IEEE 802.3-2018 3.1.1, IEEE 802.1Q-2018 9.6.
public struct FrameHeader: Equatable, Sendable, BitwiseCopyable {
  /// Bytes of an untagged header, and of a tag.
  public static let size = 14
  public static let tagSize = 4

  public var destination: MACAddress
  public var source: MACAddress
  /// Tag control field in host order: bits 15-13 PCP, 12 DEI, 11-0 VID. 0 when untagged.
  public var tagControl: UInt16
  public var isTagged: Bool
  /// EtherType or length behind the tag, host order.
  public var etherType: UInt16

  /// VID of the tag; 0 for an untagged and for a priority-tagged frame, which both belong to the port's own VLAN.
  @inlinable public var vid: UInt16 { tagControl & 0x0FFF }
  /// PCP and DEI, in place; 0 when untagged.
  @inlinable public var priority: UInt16 { tagControl & 0xF000 }

  @inlinable public init(
    destination: MACAddress, source: MACAddress, tagControl: UInt16 = 0, isTagged: Bool = false, etherType: UInt16
  ) {
    self.destination = destination
    self.source = source
    self.tagControl = tagControl
    self.isTagged = isTagged
    self.etherType = etherType
  }

  /// Why a frame has no header that can be forwarded.
  public enum Fault: UInt8, Sendable, BitwiseCopyable {
    /// Shorter than two addresses and a type.
    case runt
    /// Ends inside the tag, or between the tag and the type behind it.
    case truncatedTag
    /// VID 4095.
    case reservedVLAN
  }
  public enum Decoded: Equatable, Sendable, BitwiseCopyable { case header(FrameHeader), fault(Fault) }

  /// Decodes the `count` bytes at `frame`, which start at the destination address and carry no FCS.
  ///
  /// A malformed frame is a value, not a thrown error: a hostile station can send it at line rate.
  @unsafe @inline(always) @inlinable
  public static func decode(_ frame: UnsafeRawPointer, count: Int) -> Decoded {
    guard count >= size else { return .fault(.runt) }
    let destination = unsafe MACAddress(frame.bigEndian64(at: 0) >> 16)
    let source = unsafe MACAddress(frame.bigEndian64(at: 6) >> 16)
    let type = unsafe frame.bigEndian16(at: 12)
    guard type == EtherType.customerTag else {
      return .header(FrameHeader(destination: destination, source: source, etherType: type))
    }
    guard count >= size + tagSize else { return .fault(.truncatedTag) }
    let control = unsafe frame.bigEndian16(at: 14)
    guard control & 0x0FFF != 0x0FFF else { return .fault(.reservedVLAN) }
    let inner = unsafe frame.bigEndian16(at: 16)
    return .header(
      FrameHeader(
        destination: destination, source: source, tagControl: control, isTagged: true, etherType: inner))
  }
}
