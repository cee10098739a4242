/// An Ethernet frame as tests write it down and find it on a NIC.
///
/// Every test frame carries EtherType 88B5 or 88B6 (IEEE 802, local experiments 1 and 2) behind its tags, and a
/// payload that names it, so that nothing which the kernel sends by itself can be taken for one.
struct Frame: Equatable, Sendable {
  var destination: MAC
  var source: MAC
  var tags: [Tag]
  var etherType: UInt16
  var payload: [UInt8]

  struct Tag: Equatable, Sendable {
    var protocolID: UInt16
    /// PCP 3 bits, DEI 1, VID 12.
    var control: UInt16

    static func c(_ vid: UInt16, priority: UInt16 = 0, dei: Bool = false) -> Tag {
      Tag(protocolID: 0x8100, control: priority << 13 | (dei ? 0x1000 : 0) | vid)
    }
    static func s(_ vid: UInt16) -> Tag { Tag(protocolID: 0x88A8, control: vid) }
  }

  static let experiment1: UInt16 = 0x88B5
  static let experiment2: UInt16 = 0x88B6

  init(
    to destination: MAC, from source: MAC, tags: [Tag] = [], etherType: UInt16 = Frame.experiment1, payload: [UInt8]
  ) {
    self.destination = destination
    self.source = source
    self.tags = tags
    self.etherType = etherType
    self.payload = payload
  }

  /// `text` names the frame; `size`, when given, is the length of the whole frame, the rest of it a counting pattern.
  init(to destination: MAC, from source: MAC, tags: [Tag] = [], _ text: String, size: Int? = nil) {
    self.init(to: destination, from: source, tags: tags, payload: Array(text.utf8))
    guard let size else { return }
    let room = max(0, size - 14 - 4 * tags.count)
    payload = Array(
      (payload + (payload.count..<max(room, payload.count)).map { UInt8(truncatingIfNeeded: $0) }).prefix(room))
  }

  /// Nil when `bytes` ends inside the header or a tag.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 14 else { return nil }
    destination = MAC(bytes[0..<6])
    source = MAC(bytes[6..<12])
    tags = []
    var offset = 12
    etherType = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    while etherType == 0x8100 || etherType == 0x88A8 {
      guard bytes.count >= offset + 6 else { return nil }
      tags.append(Tag(protocolID: etherType, control: UInt16(bytes[offset + 2]) << 8 | UInt16(bytes[offset + 3])))
      offset += 4
      etherType = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }
    payload = Array(bytes[(offset + 2)...])
  }

  var bytes: [UInt8] {
    var bytes = destination.bytes + source.bytes
    for word in tags.flatMap({ [$0.protocolID, $0.control] }) + [etherType] {
      bytes += [UInt8(word >> 8), UInt8(word & 0xFF)]
    }
    return bytes + payload
  }

  func with(tags: [Tag]) -> Frame {
    var copy = self
    copy.tags = tags
    return copy
  }
}

extension Frame: CustomStringConvertible {
  var description: String {
    let tags = tags.map { tag in
      let name = tag.protocolID == 0x8100 ? "C" : "S"
      return " \(name)-tag \(tag.control & 0xFFF) pcp \(tag.control >> 13)\(tag.control & 0x1000 != 0 ? " dei" : "")"
    }
    let text = String(decoding: payload.prefix { (0x20..<0x7F).contains($0) }.prefix(40), as: UTF8.self)
    return "[\(source) > \(destination)\(tags.joined()) type \(String(etherType, radix: 16)) "
      + "\(payload.count) bytes \"\(text)\"]"
  }
}

/// A MAC address, first octet on the wire in the highest byte of the low 48 bits.
struct MAC: Hashable, Sendable, CustomStringConvertible {
  let value: UInt64

  init(_ value: UInt64) { self.value = value }
  init(_ bytes: some Collection<UInt8>) { value = bytes.reduce(0) { $0 << 8 | UInt64($1) } }
  /// Six hexadecimal octets with colons.
  init?(_ text: String) {
    let octets = text.split(separator: ":").compactMap { UInt8($0, radix: 16) }
    guard octets.count == 6 else { return nil }
    self.init(octets)
  }

  static let broadcast = MAC(0xFFFF_FFFF_FFFF)
  /// A station that lives behind a server's NIC: locally administered, told apart by `number`.
  static func station(_ number: Int) -> MAC { MAC(0x0200_5E00_0000 | UInt64(number)) }
  /// A group address that no protocol uses.
  static func group(_ number: Int) -> MAC { MAC(0x0300_5E00_0000 | UInt64(number)) }

  var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64(5 - $0))) } }
  var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}
