public import Net
public import Switching

/// What the worker's router has of one routed interface: read back from the tables by which packets are routed.
public struct InterfaceState: Hashable, Sendable {
  public let kind: RoutedInterface.Kind
  /// Largest IP packet, bytes.
  public let mtu: Int
  /// What is routed there, in no order: hosts as /32 and /128 (128 bits each, `IPPrefix`), and elastic blocks.
  public var prefixes: [IPPrefix]
}

extension Router {
  /// Every interface. A pass over the whole routing table.
  public borrowing func states() -> [PortIndex: InterfaceState] {
    var found: [PortIndex: InterfaceState] = [:]
    for port in 0..<portLimit {
      let entry = unsafe entries[port]
      guard entry.kind > 0, let kind = RoutedInterface.Kind(rawValue: entry.kind - 1) else { continue }
      found[PortIndex(port)] = InterfaceState(kind: kind, mtu: Int(entry.mtu), prefixes: [])
    }
    routes.forEach { prefix, target in
      guard case .neighbour(let index) = target else { return }
      found[Neighbour(index: Int(index)).port]?.prefixes.append(prefix)
    }
    return found
  }
}

extension RoutingTable {
  /// Calls `body` with every route, in no order.
  borrowing func forEach(_ body: (IPPrefix, Target) -> Void) {
    for index in 0...mask {
      let slot = unsafe slots[index]
      guard slot.tag != 0 else { continue }
      body(
        IPPrefix(IPAddress(high: slot.high, low: slot.low), depth: Int(slot.tag) - 1), Self.decode(slot.target))
    }
  }
}
