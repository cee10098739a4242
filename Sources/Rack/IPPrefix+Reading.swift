public import Net

/// Blocks from text, as people write them.
extension IPPrefix {
  /// A text that is no block, and what would be one.
  public struct Malformed: Error, Hashable, Sendable {
    public let message: String
  }

  /// Reads `198.18.0.0/19` or `2001:db8::/32`; an address without a length is a block of one.
  public init(reading text: some StringProtocol) throws(Malformed) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]) else {
      throw Malformed(message: "\(text.quoted) is no block of addresses, as 198.18.0.0/19 or 2001:db8::/32 is one")
    }
    let isPlain =
      parts.count == 1 || (1...3).contains(parts[1].utf8.count) && parts[1].utf8.allSatisfy { 0x30...0x39 ~= $0 }
    guard isPlain, let length = parts.count == 1 ? address.width : Int(parts[1]), length <= address.width else {
      throw Malformed(message: "\(text.quoted) has no length of 0 to \(address.width) behind the address")
    }
    self.init(address, length: length)
    guard base == address else {
      throw Malformed(message: "\(text.quoted) has bits set behind its length; the block is \(self)")
    }
  }
}

extension IPPrefix {
  /// The address that clients are told as the gateway of an elastic block: the one after the network, as the original
  /// had it. A block of two has no room for that, so it is the network's, as with a server's own block; a single
  /// address is its own. Nothing answers there: the block is routed to the server's public address.
  public var gateway: IPAddress { width - length > 1 ? base + 1 : base }
}
