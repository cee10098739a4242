import Cabling
import Dataplane
import Host
public import Rack

/// What a list of servers shows of a NIC.
public struct NICTraffic: Hashable, Sendable {
  /// Whether the interface is up on the server's side, and its cable plugged.
  public var linkUp: Bool
  /// Seen from the switch: received is what the server sent. Since the NIC was attached.
  public var rxBytes: UInt64, txBytes: UInt64
  /// The loop guard has shut its port; it sends more floods than it may.
  public var isShut: Bool, storms: Bool

  public init(linkUp: Bool, rxBytes: UInt64, txBytes: UInt64, isShut: Bool = false, storms: Bool = false) {
    (self.linkUp, self.rxBytes, self.txBytes) = (linkUp, rxBytes, txBytes)
    (self.isShut, self.storms) = (isShut, storms)
  }
}

extension Control {
  /// The NICs of all servers, those that are attached. Asks the kernel about each link; counters are read as they
  /// stand.
  public func traffic() -> [ServerID: [PortName: NICTraffic]] {
    host.locations.reduce(into: [:]) { all, entry in
      guard let slot = wires.slotOf[entry.key] else { return }
      all[entry.key] = entry.value.keys.reduce(into: [:]) { nics, nic in
        let index = Wires.nic(nic, slot: slot)
        let bytes = dataplane.bytes(of: index)
        let marks = marks(of: nic, entry.key, slot: slot)
        nics[nic] = NICTraffic(
          linkUp: dataplane.isLinkUp(index), rxBytes: bytes.received, txBytes: bytes.sent, isShut: marks.shut != nil,
          storms: marks.storms)
      }
    }
  }

  /// What all NICs of each server have received and sent since they were attached. Asks nobody, so that it can be asked
  /// for all the time: a few additions a NIC.
  public func bytes() -> [ServerID: UInt64] {
    host.locations.reduce(into: [:]) { all, entry in
      guard let slot = wires.slotOf[entry.key] else { return }
      all[entry.key] = entry.value.keys.reduce(0) { sum, nic in
        let bytes = dataplane.bytes(of: Wires.nic(nic, slot: slot))
        return sum + bytes.received + bytes.sent
      }
    }
  }
}
