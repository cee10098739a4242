// Small integers that name things in the forwarding tables. Control gives them out; they mean nothing across a restart.

/// Index of a NIC, one TAP: 0..<`Switch.Limits.nics`.
public struct NICIndex: Hashable, Sendable, BitwiseCopyable {
  public let value: Int
  @inlinable public init(_ value: Int) { self.value = value }
}

/// Index of a port (a bond, or a NIC outside a bond): 1..<65536; 0 is none. Stations are learned on ports.
public struct PortIndex: Hashable, Sendable, BitwiseCopyable {
  public let value: Int
  @inlinable public init(_ value: Int) { self.value = value }
}

/// Index of a broadcast domain on this switch: 1..<65536; 0 is none. One virtual network is one domain.
///
/// A local index, so that a station is one 64-bit key. A domain that spans hosts maps its 24-bit network identifier to one.
public struct DomainIndex: Hashable, Sendable, BitwiseCopyable {
  public let value: Int
  @inlinable public init(_ value: Int) { self.value = value }
}
