public import Net
public import Switching

/// One transaction on the routed interfaces. It goes with the `ForwardingChange` of the same change: a packet sees both or neither.
public struct RoutingChange: Sendable {
  /// Interfaces that are this from now on, or are no more.
  public var interfaces: [PortIndex: RoutedInterface?] = [:]
  /// All ranges that addresses are given from: an address in one of them that is nobody's is unreachable, and its packets never go to
  /// an uplink. nil: as before.
  public var pools: [IPPrefix]?
  public init() {}

  public var isEmpty: Bool { interfaces.isEmpty && pools == nil }
}
