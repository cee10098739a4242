import Ports
public import Rack

/// What a NIC's interface is called: in a namespace as `Server.nicNames` says, `eth0`; on the host `web1-eth0`. A name
/// that the kernel would not take (over 15 bytes) becomes the alternative name, which most tools take too, of a short
/// one made from the server's identifier. So does one that another server has, which was called so before.
package struct NICName: Hashable, Sendable {
  package let device: String
  package let alternative: String?

  package init(_ nic: PortName, of server: Server) {
    guard server.place == .host else {
      (device, alternative) = (server.nicNames[nic], nil)
      return
    }
    let full = "\(server.hostname)-\(nic.rawValue)"
    if full.utf8.count <= Links.nameLimit {
      (device, alternative) = (full, nil)
    } else {
      (device, alternative) = (Self.short(nic, of: server), full)
    }
  }

  /// A name that nothing else has, because nothing else has the identifier.
  package init(unlikeOthers nic: PortName, of server: Server) {
    (device, alternative) = (Self.short(nic, of: server), nil)
  }

  private static func short(_ nic: PortName, of server: Server) -> String {
    let digits = server.id.description.filter { $0 != "-" }.prefix(10)
    return "tr\(digits)e\(nic == .eth0 ? 0 : 1)"
  }
}

/// Where an interface is.
public struct NICLocation: Hashable, Sendable {
  public let device: String
  /// The long name of one whose own had to be short.
  public let alternative: String?
  /// `nil`: the daemon's own. `net:[4026532463]` for a namespace that has no name.
  public let namespace: String?
  /// As its own system has set it.
  public package(set) var mtu: Int
  package var alias: String?
  /// The namespace itself and the interface's index in it; `nil` of a location that nobody has looked at.
  package let space: NamespaceIdentity?
  public let index: Int
  /// The name that Toprack gave it.
  package let madeName: String

  public init(device: String, alternative: String?, namespace: String?, mtu: Int = Server.defaultMTU) {
    (self.device, self.alternative, self.namespace, self.mtu) = (device, alternative, namespace, mtu)
    (alias, space, index, madeName) = (nil, nil, 0, device)
  }

  package init(_ place: TAPPlace, namespace: String?, madeName: String) {
    (device, alternative, self.namespace) = (place.name, place.alternativeName, namespace)
    (mtu, alias, space, index) = (place.mtu, place.alias, place.namespace, place.index)
    self.madeName = madeName
  }
}

/// One NIC of a server.
package struct NICKey: Hashable, Sendable {
  package let server: ServerID
  package let nic: PortName

  package init(_ server: ServerID, _ nic: PortName) { (self.server, self.nic) = (server, nic) }
}

/// `interface web1-eth0 on the host`, `interface eth0 in network namespace lab`.
package func place(_ device: String, _ namespace: String?) -> String {
  "interface \(device.asInterfaceName) " + (namespace.map { "in network namespace \($0)" } ?? "on the host")
}
