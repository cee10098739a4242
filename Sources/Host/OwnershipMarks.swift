package import FoundationEssentials
package import Rack

/// How this rack's interfaces and namespaces are told from everybody else's: by the alias of the interface, which moves
/// with it and survives a crash of the daemon.
///
///     toprack <rack> <server> eth0     a NIC
///     toprack <rack> netns             `lo` of a namespace that this rack made
///     toprack <rack> <server> config   a bond or VLAN that was made to fit the server's mode (`--configure`)
///     toprack <rack> uplink            an interface by which the host reaches the rack
package struct OwnershipMarks: Sendable {
  package enum Owned: Hashable, Sendable {
    case nic(ServerID, PortName)
    case namespace
    case uplink
    /// Made in a server's namespace to fit its mode, and the server's own.
    case configuration(ServerID)
  }

  package let rack: UUID

  package init(rack: UUID) { self.rack = rack }

  private var prefix: String { "toprack \(rack.uuidString.lowercased()) " }

  package func mark(_ server: ServerID, _ nic: PortName) -> String { prefix + "\(server) \(nic.rawValue)" }
  package func configurationMark(_ server: ServerID) -> String { prefix + "\(server) config" }
  package var namespaceMark: String { prefix + "netns" }
  package var uplinkMark: String { prefix + "uplink" }

  /// What an alias says; `nil` when it is not a mark of this rack.
  package func owned(_ alias: String?) -> Owned? {
    guard let (rack, owned) = Self.read(alias), rack == self.rack else { return nil }
    return owned
  }

  /// The rack, whichever it is, whose mark an alias is, and what it says; `nil`: it is none.
  package static func read(_ alias: String?) -> (rack: UUID, owned: Owned)? {
    let words = (alias ?? "").split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    // As `prefix` writes it: lower case, and one space.
    guard words.count >= 3, words[0] == "toprack", let rack = UUID(uuidString: words[1]),
      rack.uuidString.lowercased() == words[1]
    else { return nil }
    if words.count == 3 {
      return words[2] == "netns" ? (rack, .namespace) : words[2] == "uplink" ? (rack, .uplink) : nil
    }
    guard words.count == 4, let server = ServerID(words[2]) else { return nil }
    if words[3] == "config" { return (rack, .configuration(server)) }
    guard let name = PortName(rawValue: words[3]), name != .bond0 else { return nil }
    return (rack, .nic(server, name))
  }

  /// The rack, whichever it is, whose uplink has this alias.
  package static func rack(ofUplink alias: String?) -> String? {
    guard case (let rack, .uplink)? = read(alias) else { return nil }
    return rack.uuidString.lowercased()
  }
}
