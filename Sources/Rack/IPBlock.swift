/// A block of IPv4 or IPv6 addresses.
public struct IPBlock: Hashable, Sendable, CustomStringConvertible {
  /// 4 or 6.
  public let family: Int
  /// The first address; the bits behind `length` are 0.
  public let base: UInt128
  /// Bits of the prefix: 0...32 or 0...128.
  public let length: Int

  /// - Precondition: `family` is 4 or 6, `length` fits it, and `base` has no bit set behind `length`.
  public init(family: Int, base: UInt128, length: Int) {
    precondition(family == 4 || family == 6, "address family \(family)")
    let width = family == 4 ? 32 : 128
    precondition((0...width).contains(length), "prefix length \(length)")
    precondition(width == 128 || base >> 32 == 0, "an IPv4 address has 32 bits")
    precondition(
      length == width || base & ((1 << UInt128(width - length)) - 1) == 0, "host bits set in a network address")
    (self.family, self.base, self.length) = (family, base, length)
  }

  /// Bits of an address of this family: 32 or 128.
  public var width: Int { family == 4 ? 32 : 128 }

  /// The address at `offset` from the first, as text.
  public func address(_ offset: UInt128 = 0) -> String { IPText.text(of: base + offset, family: family) }

  /// `255.255.255.254`, `ffff:ffff:…:fffe`.
  public var netmask: String {
    let all: UInt128 = family == 4 ? 0xFFFF_FFFF : .max
    let host: UInt128 = length == width ? 0 : (1 << UInt128(width - length)) - 1
    return IPText.text(of: all & ~host, family: family)
  }

  /// `198.18.0.2/31`.
  public var description: String { "\(address())/\(length)" }
}

/// Blocks within blocks.
extension IPBlock {
  /// Addresses in it. 0 stands for 2^128.
  public var size: UInt128 { 1 << UInt128(width - length) }

  public func contains(_ other: IPBlock) -> Bool {
    family == other.family && length <= other.length && other.prefix(length).base == base
  }
  public func overlaps(_ other: IPBlock) -> Bool { contains(other) || other.contains(self) }

  /// The block of `length` (at most this one's) that this one lies in.
  public func prefix(_ length: Int) -> IPBlock {
    let host: UInt128 = length == width ? 0 : (1 << UInt128(width - length)) &- 1
    return IPBlock(family: family, base: base & ~host, length: length)
  }

  /// The address that clients are told as the gateway of an elastic block, as text: the one after the network, as the
  /// original had it. A block of two has no room for that, so it is the network's, as with a server's own block; a
  /// single address is its own. Nothing answers there: the block is routed to the server's public address.
  public var gateway: String { address(width - length > 1 ? 1 : 0) }

  /// The blocks of `length` (at least this one's) that it consists of, in order.
  public func parts(_ length: Int) -> some Sequence<IPBlock> {
    let step: UInt128 = 1 << UInt128(width - length)
    return (0..<size / step).lazy.map { IPBlock(family: family, base: base + $0 * step, length: length) }
  }
}

/// Blocks from text.
extension IPBlock {
  /// A text that is no block, and what would be one.
  public struct Malformed: Error, Hashable, Sendable {
    public let message: String
  }

  /// Reads `198.18.0.0/19` or `2001:db8::/32`; an address without a length is a block of one.
  public init(reading text: some StringProtocol) throws(Malformed) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let (address, family) = IPText.address(parts[0]) else {
      throw Malformed(message: "\(text.quoted) is no block of addresses, as 198.18.0.0/19 or 2001:db8::/32 is one")
    }
    let width = family == 4 ? 32 : 128
    let isPlain =
      parts.count == 1 || (1...3).contains(parts[1].utf8.count) && parts[1].utf8.allSatisfy { 0x30...0x39 ~= $0 }
    guard isPlain, let length = parts.count == 1 ? width : Int(parts[1]), length <= width else {
      throw Malformed(message: "\(text.quoted) has no length of 0 to \(width) behind the address")
    }
    let block = IPBlock(family: family, base: address, length: width).prefix(length)
    guard block.base == address else {
      throw Malformed(message: "\(text.quoted) has bits set behind its length; the block is \(block)")
    }
    self = block
  }
}

/// IP addresses as text.
package enum IPText {
  /// Dotted decimal without leading zeros, or any form of RFC 4291 2.2; `nil` for anything else.
  package static func address(_ text: some StringProtocol) -> (address: UInt128, family: Int)? {
    if !text.utf8.contains(UInt8(ascii: ":")) { return version4(text).map { ($0, 4) } }
    return version6(text).map { ($0, 6) }
  }

  private static func version4(_ text: some StringProtocol) -> UInt128? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var address: UInt128 = 0
    for part in parts {
      guard part.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), part.utf8.count == 1 || part.utf8.first != 0x30,
        let octet = UInt8(part)
      else { return nil }
      address = address << 8 | UInt128(octet)
    }
    return address
  }

  private static func version6(_ text: some StringProtocol) -> UInt128? {
    guard text.utf8.count <= 45 else { return nil }
    // The last 32 bits may be written as an IPv4 address.
    var text = String(text)
    if text.utf8.contains(UInt8(ascii: ".")) {
      guard let colon = text.lastIndex(of: ":"), let low = version4(text[text.index(after: colon)...]) else {
        return nil
      }
      text = text[...colon] + String(low >> 16, radix: 16) + ":" + String(low & 0xFFFF, radix: 16)
    }
    func groups(_ part: some StringProtocol) -> [UInt16]? {
      if part.isEmpty { return [] }
      var groups: [UInt16] = []
      for group in part.split(separator: ":", omittingEmptySubsequences: false) {
        guard (1...4).contains(group.utf8.count), group.utf8.first != UInt8(ascii: "+"),
          let value = UInt16(group, radix: 16)
        else { return nil }
        groups.append(value)
      }
      return groups
    }
    var all: [UInt16]
    if let gap = text.firstRange(of: "::") {
      guard let high = groups(text[..<gap.lowerBound]), let low = groups(text[gap.upperBound...]),
        high.count + low.count < 8
      else { return nil }
      all = high + Array(repeating: 0, count: 8 - high.count - low.count) + low
    } else {
      all = groups(text) ?? []
    }
    guard all.count == 8 else { return nil }
    return all.reduce(0) { $0 << 16 | UInt128($1) }
  }

  static func text(of address: UInt128, family: Int) -> String {
    family == 4
      ? (0..<4).map { String(UInt8(truncatingIfNeeded: address >> (24 - 8 * $0))) }.joined(separator: ".")
      : version6(address)
  }

  /// RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups shortened.
  private static func version6(_ address: UInt128) -> String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: address >> (112 - 16 * $0)) }
    var longest = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(longest.count, 1) { longest = start..<end }
      start = max(end, start + 1)
    }
    func joined(_ part: ArraySlice<UInt16>) -> String {
      part.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard !longest.isEmpty else { return joined(groups[...]) }
    return joined(groups[..<longest.lowerBound]) + "::" + joined(groups[longest.upperBound...])
  }
}
