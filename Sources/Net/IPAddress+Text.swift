// Addresses as text: read in every form, written in one.

extension IPAddress: CustomStringConvertible {
  /// Dotted decimal, or the form of RFC 5952: lower case, no leading zeros, the first longest run of two or more zero
  /// groups shortened.
  public var description: String {
    if isV4 {
      return [24, 16, 8, 0].map { String(UInt8(truncatingIfNeeded: v4 >> UInt32($0))) }.joined(separator: ".")
    }
    let groups = (0..<8).map(group)
    var longest = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(longest.count, 1) { longest = start..<end }
      start = max(end, start + 1)
    }
    func joined(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
    guard !longest.isEmpty else { return joined(groups[...]) }
    return joined(groups[..<longest.lowerBound]) + "::" + joined(groups[longest.upperBound...])
  }
}

extension IPAddress {
  /// Reads dotted decimal without leading zeros, or any form of RFC 4291 2.2. `nil` for anything else, and for an
  /// IPv4-mapped address, which no host has.
  public init?(_ text: some StringProtocol) {
    if !text.utf8.contains(UInt8(ascii: ":")) {
      guard let value = Self.version4(text) else { return nil }
      self.init(v4: value)
    } else {
      guard let value = Self.version6(text) else { return nil }
      self.init(v6: value)
      if isV4 { return nil }
    }
  }

  private static func version4(_ text: some StringProtocol) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var address: UInt32 = 0
    for part in parts {
      guard part.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), part.utf8.count == 1 || part.utf8.first != 0x30,
        let octet = UInt8(part)
      else { return nil }
      address = address << 8 | UInt32(octet)
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
}
