public import Net
import Wire

/// What an advice needs of a frame, read from the bytes that were kept: what they do not reach is nil.
///
/// Only what is before an IP packet's payload is looked at. An S-tag (88A8) is payload, as it is for the switch.
public struct DroppedFrame: Hashable, Sendable {
  public var destination: MACAddress?
  public var source: MACAddress?
  /// VID of the outermost C-tag; 0 of a priority tag; nil of an untagged frame.
  public var vlan: Int?
  /// Another C-tag is behind the first.
  public var hasSecondTag = false
  /// Behind the tag.
  public var etherType: UInt16?
  /// Of an IP packet; of ARP the sender's and the target's.
  public var from: IPAddress?
  public var to: IPAddress?
  /// Bytes of the frame, its tags included.
  public var length: Int
  /// Bytes of the packet in it, which an MTU has to hold; of a super-frame those of one segment.
  public var packetSize: Int

  /// A frame of `length` bytes that begins with `bytes`. `offload`: its virtio header; empty: none is known.
  public init(_ bytes: [UInt8], length: Int, offload: [UInt8] = []) {
    self.length = max(length, bytes.count)
    packetSize = max(0, self.length - FrameHeader.size)
    guard bytes.count >= FrameHeader.size else { return }
    (destination, source) = (bytes.macAddress(at: 0), bytes.macAddress(at: 6))
    var type = bytes.number16(at: 12)
    var payload = FrameHeader.size
    if type == FrameHeader.tagProtocol {
      guard bytes.count >= FrameHeader.size + FrameHeader.tagSize else { return }
      vlan = Int(bytes.number16(at: 14) & 0x0FFF)
      type = bytes.number16(at: 16)
      payload += FrameHeader.tagSize
      hasSecondTag = type == FrameHeader.tagProtocol
    }
    etherType = type
    packetSize = Self.packetSize(self.length, offload, linkHeader: payload)
    readAddresses(bytes, type, at: payload)
  }

  private mutating func readAddresses(_ bytes: [UInt8], _ type: UInt16, at start: Int) {
    switch type {
    case PacketHeader.etherType4 where bytes.count >= start + 20:
      (from, to) = (bytes.address4(at: start + 12), bytes.address4(at: start + 16))
    case PacketHeader.etherType6 where bytes.count >= start + 40:
      (from, to) = (bytes.address6(at: start + 8), bytes.address6(at: start + 24))
    case PacketHeader.etherTypeARP where bytes.count >= start + 28:
      (from, to) = (bytes.address4(at: start + 14), bytes.address4(at: start + 24))
    default: break
    }
  }

  /// A super-frame is judged by one segment. What its virtio header says of its headers is a hint, and is believed
  /// here.
  private static func packetSize(_ length: Int, _ offload: [UInt8], linkHeader: Int) -> Int {
    let whole = length - linkHeader
    guard offload.count >= 6, offload[1] & 0x7F != 0 else { return whole }
    let headers = Int(offload[2]) | Int(offload[3]) << 8
    let segment = Int(offload[4]) | Int(offload[5]) << 8
    return headers > linkHeader ? min(whole, headers - linkHeader + segment) : whole
  }
}
