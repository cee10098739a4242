/// What a server's two interfaces are called inside its network namespace: `eth0` and `eth1`, unless a container that
/// has an eth0 of its own wants them otherwise.
///
/// Ports keep their names: the API says eth0 and eth1 whatever they are called inside. On the host an interface is
/// named after its server, and these are the usual ones.
public struct NICNames: Hashable, Sendable {
  public var eth0: String
  public var eth1: String

  public init(eth0: String = PortName.eth0.rawValue, eth1: String = PortName.eth1.rawValue) {
    (self.eth0, self.eth1) = (eth0, eth1)
  }

  /// bond0 is called so everywhere.
  public subscript(name: PortName) -> String {
    switch name {
    case .bond0: name.rawValue
    case .eth0: eth0
    case .eth1: eth1
    }
  }

  /// What the interfaces of VLANs on it are called after, with a point and the number behind it: the name itself, or
  /// where the kernel has no room for that, a short one that the other does not have.
  public func stem(of port: PortName) -> String {
    let name = self[port]
    if name.utf8.count <= Self.limit - ".4094".utf8.count { return name }
    let number = port == .eth1 ? 1 : 0
    return [eth0, eth1].contains("nic\(number)") ? "port\(number)" : "nic\(number)"
  }

  /// IFNAMSIZ − 1.
  package static let limit = 15
  /// `lo` is there already, bond0 is for the bond, and the kernel keeps the others for its own (`dev_valid_name`,
  /// `sysctl_dev_name_is_allowed`).
  private static let reserved = ["lo", PortName.bond0.rawValue, "all", "default", ".", ".."]

  /// What is wrong with them, or `nil`. A name has to pass the kernel, ip-link(8) and the files that a machine's own
  /// system writes, so there are no more characters than interfaces usually have.
  package var fault: String? {
    for name in [eth0, eth1] {
      let rule =
        "valid are 1 to \(Self.limit) letters, digits, \"-\", \"_\" and \".\", not beginning with \"-\", other than "
        + Self.reserved.map { $0.contains(".") ? "\"\($0)\"" : $0 }.listed()
      guard (1...Self.limit).contains(name.utf8.count) else {
        return "interface name \(name.quoted) has \(name.utf8.count) bytes; \(rule)"
      }
      guard name.utf8.allSatisfy(Self.isPlain), !name.hasPrefix("-"), !Self.reserved.contains(name) else {
        return "interface name \(name.quoted) is not valid; \(rule)"
      }
    }
    guard eth0 == eth1 else { return nil }
    return "interface name \(eth0.quoted) is given to eth0 and to eth1; each needs a name of its own"
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}

extension Server {
  /// The port that `name` means: first by the name that ports have everywhere, then by the one inside the namespace.
  /// So with `--nics eth1,eth2` eth1 is the port eth1, and eth2, which is no port's name, is that same port.
  public func port(named name: String) -> PortName? {
    PortName(rawValue: name) ?? PortName.nics.first { nicNames[$0] == name }
  }

  /// What `names` are wrong for where the NICs are, or `nil`.
  static func fault(of names: NICNames?, in place: Place, hostname: String) -> String? {
    guard let names else { return nil }
    guard place.namespace != nil else {
      return
        "nics names interfaces inside a network namespace (netns), and those of \(hostname.quoted) are on the host: "
        + "there they are called after the server"
    }
    return names.fault
  }

  /// What is wrong with setting the interfaces in `place` up, or `nil`.
  static func fault(ofConfiguring isWanted: Bool?, in place: Place, hostname: String) -> String? {
    guard isWanted == true, place.namespace == nil else { return nil }
    return
      "configure sets up interfaces inside a network namespace (netns), and those of \(hostname.quoted) are on the "
      + "host: what is behind them sets itself up"
  }
}
