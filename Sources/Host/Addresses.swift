import CHost
public import Net
public import Ports

/// An IP address that an interface has.
public struct InterfaceAddress: Hashable, Sendable, CustomStringConvertible {
  /// Index of the interface.
  public let interface: Int
  public let address: IPAddress
  /// The block that is reached by the interface because of this address; of a point-to-point interface the other end's.
  public let prefix: IPPrefix
  /// Valid on the link only, as fe80::/10 is.
  public let isLinkLocal: Bool

  /// `198.18.0.1/31`.
  public var description: String { "\(address)/\(prefix.length)" }
}

/// IP addresses of interfaces, over rtnetlink. `namespace` nil is the process's own.
public enum Addresses {
  /// Those of all interfaces.
  public static func list(in namespace: String?) throws(PortsFault) -> [InterfaceAddress] {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) -> [InterfaceAddress] in
      var raw = [chost_address](repeating: chost_address(), count: 64)
      while true {
        let capacity = Int32(raw.count)
        let found = try PortsFault.check(
          unsafe chost_address_list(descriptor, &raw, capacity),
          "listing addresses" + (namespace.map { " of namespace \($0)" } ?? ""))
        if found <= raw.count { return raw[..<found].map(InterfaceAddress.init) }
        raw = [chost_address](repeating: chost_address(), count: found + 64)
      }
    }
  }

  /// Gives the interface of index `interface` an address of `prefix`; it may have it already. Usable at once: IPv6 does
  /// not look whether somebody else has it.
  public static func set(
    _ address: IPAddress, of prefix: IPPrefix, on interface: Int, in namespace: String?
  ) throws(PortsFault) {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) in
      try set(address, of: prefix, on: interface, descriptor: descriptor)
    }
  }

  public static func remove(_ address: InterfaceAddress, in namespace: String?) throws(PortsFault) {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) in
      let octets = address.address.octets
      try PortsFault.check(
        unsafe chost_address_remove(descriptor, Int32(address.interface), octets, Int32(address.prefix.depth)),
        "removing address \(address)")
    }
  }

  static func set(
    _ address: IPAddress, of prefix: IPPrefix, on interface: Int, descriptor: Int32
  ) throws(PortsFault) {
    precondition(prefix.contains(address), "\(address) is not in \(prefix)")
    let octets = address.octets
    try PortsFault.check(
      unsafe chost_address_set(descriptor, Int32(interface), octets, Int32(prefix.depth)),
      "setting address \(address)")
  }
}

extension InterfaceAddress {
  init(_ raw: chost_address) {
    interface = Int(raw.interface)
    address = unsafe IPAddress(octets: raw.local)
    prefix = IPPrefix(unsafe IPAddress(octets: raw.peer), depth: Int(raw.length))
    isLinkLocal = raw.is_link_local != 0
  }
}

/// Addresses as the C functions take them: 16 octets.
extension IPAddress {
  typealias Octets = (
    UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
  )

  var octets: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - 8 * ($0 & 7))) } }

  @unsafe var octetTuple: Octets { unsafe unsafeBitCast((high.bigEndian, low.bigEndian), to: Octets.self) }

  @unsafe init(octets: Octets) {
    let (high, low) = unsafe unsafeBitCast(octets, to: (UInt64, UInt64).self)
    self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
  }
}
