public import FoundationEssentials
public import Net

public enum PortName: String, Hashable, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  case bond0, eth0, eth1

  /// The NICs: every port but the bond.
  public static let nics: [PortName] = [.eth0, .eth1]
}

/// What VLANs attach to: a server's bond, or one of its NICs.
public struct Port: Hashable, Sendable {
  public let id: PortID
  public let name: PortName
  /// Of a NIC: 48 bits, the first octet on the wire in the highest byte of the low 48. `nil` for bond0.
  public let mac: MACAddress?
  /// Of a NIC: it is a member of the bond. Of bond0: it has a member.
  public var bonded: Bool
  /// In the order of attachment. A NIC in the bond has none. bond0 may have some while the bond is broken: they are
  /// remembered, and carried again when it is whole.
  public var networks: [NetworkID]
  /// The one of `networks` whose frames stay untagged when there are several.
  public var native: NetworkID?
  /// Since when each of `networks` is there.
  public var attachedAt: [NetworkID: Date]

  public init(
    id: PortID, name: PortName, mac: MACAddress?, bonded: Bool, networks: [NetworkID], native: NetworkID?,
    attachedAt: [NetworkID: Date] = [:]
  ) {
    (self.id, self.name, self.mac) = (id, name, mac)
    (self.bonded, self.networks, self.native, self.attachedAt) = (bonded, networks, native, attachedAt)
  }
}
