public import Net
import Wire

/// What a diagnosis wants to know of a frame, read from as many of its bytes as were kept: what they do not reach is nil.
public struct FrameGlance: Hashable, Sendable {
  public var destination: MACAddress?
  public var source: MACAddress?
  /// VID of the outer C-tag; nil: there is none.
  public var vlan: Int?
  /// Of an IP packet; of ARP the sender's.
  public var sender: IPAddress?

  public init(_ bytes: [UInt8]) {
    func number(_ place: Int) -> Int { Int(bytes[place]) << 8 | Int(bytes[place + 1]) }
    func mac(_ place: Int) -> MACAddress { MACAddress(bytes[place..<place + 6].reduce(0) { $0 << 8 | UInt64($1) }) }
    guard bytes.count >= 14 else { return }
    (destination, source) = (mac(0), mac(6))
    var (type, start) = (number(12), 14)
    if type == Int(EtherType.customerTag) {
      guard bytes.count >= 18 else { return }
      vlan = number(14) & 0xFFF
      (type, start) = (number(16), 18)
    }
    func address(_ place: Int, _ count: Int) -> IPAddress? {
      guard bytes.count >= place + count else { return nil }
      let value = bytes[place..<place + count].reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
      if count == 4 { return IPAddress(v4: UInt32(value)) }
      return IPAddress(high: UInt64(value >> 64), low: UInt64(truncatingIfNeeded: value))
    }
    switch UInt16(type) {
    case EtherType.ipv4: sender = address(start + 12, 4)
    case EtherType.ipv6: sender = address(start + 8, 16)
    case EtherType.arp: sender = address(start + 14, 4)
    default: break
    }
  }
}
