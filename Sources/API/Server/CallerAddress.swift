// Who a stranger is as far as shares go: the address, or as much of it as one host can choose freely.

import Glibc
import NIOCore

/// Whom places and rates are counted for before anybody has shown a token.
enum CallerAddress: Hashable, Sendable, CustomStringConvertible {
  /// In host order.
  case ipv4(UInt32)
  /// The first 64 bits: a host has as many addresses below them as it likes (RFC 4291 2.5.1).
  case ipv6(UInt64)
  /// A user of this machine, by the Unix socket.
  case user(UInt32)
  /// One whose address the system does not say; all of them are one.
  case unknown

  /// `text`: an address of IP; one of IPv4 in IPv6 (`::ffff:192.0.2.1`), as a socket for both families has it, is that
  /// of IPv4.
  init(_ text: String) {
    var octets = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &octets) == 1 {
      self = .ipv4(Self.number(octets[..<4], of: UInt32.self))
    } else if inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &octets) == 1 {
      let isMapped = octets[..<10].allSatisfy { $0 == 0 } && octets[10] == 0xFF && octets[11] == 0xFF
      self =
        isMapped
        ? .ipv4(Self.number(octets[12...], of: UInt32.self)) : .ipv6(Self.number(octets[..<8], of: UInt64.self))
    } else {
      self = .unknown
    }
  }

  init(_ address: SocketAddress?) { self = address?.ipAddress.map(CallerAddress.init) ?? .unknown }

  private static func number<Number: FixedWidthInteger>(_ octets: ArraySlice<UInt8>, of: Number.Type) -> Number {
    octets.reduce(0) { $0 << 8 | Number($1) }
  }

  var description: String {
    switch self {
    case .ipv4(let value):
      return [24, 16, 8, 0].map { String(UInt8(truncatingIfNeeded: value >> UInt32($0))) }.joined(separator: ".")
    case .ipv6(let value):
      let groups = [48, 32, 16, 0].map { String(UInt16(truncatingIfNeeded: value >> UInt64($0)), radix: 16) }
      return "\(groups.joined(separator: ":"))::/64"
    case .user(let user): return "user \(user)"
    case .unknown: return "an unknown address"
    }
  }
}

extension Peer {
  /// Whom rates are counted for: the user, or the address as `CallerAddress` has it.
  var share: String {
    switch self {
    case .user(let name): "user \(name)"
    case .address(let text): "\(CallerAddress(text))"
    }
  }
}
