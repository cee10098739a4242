import FoundationEssentials
import Rack

/// How this rack's interfaces and namespaces are told from everybody else's: by the alias of the interface, which moves
/// with it and survives a crash of the daemon.
///
///     toprack <rack> <server> eth0     a NIC
///     toprack <rack> netns             `lo` of a namespace that this rack made
///     toprack <rack> uplink            an interface by which the host reaches the rack
struct OwnershipMarks: Sendable {
  enum Owned: Hashable, Sendable {
    case nic(ServerID, PortName)
    case namespace
    case uplink
  }

  let rack: UUID
  private var prefix: String { "toprack \(rack.uuidString.lowercased()) " }

  func mark(_ server: ServerID, _ nic: PortName) -> String { prefix + "\(server) \(nic.rawValue)" }
  var namespaceMark: String { prefix + "netns" }
  var uplinkMark: String { prefix + "uplink" }

  /// What an alias says; `nil` when it is not a mark of this rack.
  func owned(_ alias: String?) -> Owned? {
    guard let alias, alias.hasPrefix(prefix) else { return nil }
    let words = alias.dropFirst(prefix.count).split(separator: " ", omittingEmptySubsequences: false)
    if words == ["netns"] { return .namespace }
    if words == ["uplink"] { return .uplink }
    guard words.count == 2, let server = ServerID(words[0]), let name = PortName(rawValue: String(words[1])),
      name != .bond0
    else { return nil }
    return .nic(server, name)
  }

  /// The rack, whichever it is, whose uplink has this alias.
  static func rack(ofUplink alias: String?) -> String? {
    let words = (alias ?? "").split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 3, words[0] == "toprack", words[2] == "uplink", UUID(uuidString: words[1]) != nil else {
      return nil
    }
    return words[1]
  }
}
