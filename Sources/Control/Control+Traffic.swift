import Dataplane
public import Rack

/// What of a NIC is looked at often: one glance at all servers costs what a few counters cost.
public struct NICTraffic: Hashable, Sendable {
  /// Whether the interface is up on the server's side, and its cable plugged.
  public var linkUp: Bool
  /// Seen from the switch: received is what the server sent. Since the NIC was attached.
  public var rxBytes: UInt64, txBytes: UInt64

  public init(linkUp: Bool, rxBytes: UInt64, txBytes: UInt64) {
    (self.linkUp, self.rxBytes, self.txBytes) = (linkUp, rxBytes, txBytes)
  }
}

extension Control {
  /// The NICs of all servers, those that are attached. Asks nobody: counters are read as they stand.
  public func traffic() -> [ServerID: [PortName: NICTraffic]] {
    wires.locations.reduce(into: [:]) { all, entry in
      guard let slot = wires.slotOf[entry.key] else { return }
      all[entry.key] = entry.value.keys.reduce(into: [:]) { nics, nic in
        let index = NICs.index(nic, slot: slot)
        let counters = dataplane.counters(of: index)
        nics[nic] = NICTraffic(
          linkUp: dataplane.isLinkUp(index), rxBytes: counters.rxBytes, txBytes: counters.txBytes)
      }
    }
  }
}
