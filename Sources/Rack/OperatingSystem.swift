public import FoundationEssentials

/// What a server is said to run. A label: nothing is installed.
public struct OperatingSystem: Hashable, Sendable {
  public let id: UUID
  /// `debian_12`.
  public let slug: String
  public let name: String
  /// `debian`.
  public let distro: String
  public let version: String

  /// The slug of the one that boots what its owner says, by iPXE.
  public static let customIPXE = "custom_ipxe"

  init(_ slug: String, _ name: String, distro: String, version: String) {
    (self.slug, self.name, self.distro, self.version) = (slug, name, distro, version)
    id = UUID(naming: "toprack operating system \(slug)")
  }
}

extension Catalogue {
  static let builtInOperatingSystems = [
    OperatingSystem("debian_12", "Debian 12", distro: "debian", version: "12"),
    OperatingSystem("debian_11", "Debian 11", distro: "debian", version: "11"),
    OperatingSystem("ubuntu_24_04", "Ubuntu 24.04 LTS", distro: "ubuntu", version: "24.04"),
    OperatingSystem("ubuntu_22_04", "Ubuntu 22.04 LTS", distro: "ubuntu", version: "22.04"),
    OperatingSystem("ubuntu_20_04", "Ubuntu 20.04 LTS", distro: "ubuntu", version: "20.04"),
    OperatingSystem("rocky_9", "Rocky Linux 9", distro: "rocky", version: "9"),
    OperatingSystem("alpine_3", "Alpine 3", distro: "alpine", version: "3"),
    OperatingSystem(OperatingSystem.customIPXE, "Custom iPXE", distro: "custom_ipxe", version: "1"),
  ]
}

/// As text: `slug`, `name`, `distro`, `version`.
extension OperatingSystem: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case slug, name, distro, version }

  public init(from decoder: any Decoder) throws {
    let entries = try decoder.entries(CodingKeys.self)
    self.init(
      try entries.decode(String.self, forKey: .slug), try entries.decode(String.self, forKey: .name),
      distro: try entries.decode(String.self, forKey: .distro),
      version: try entries.decode(String.self, forKey: .version))
  }

  public func encode(to encoder: any Encoder) throws {
    var entries = encoder.container(keyedBy: CodingKeys.self)
    try entries.encode(slug, forKey: .slug)
    try entries.encode(name, forKey: .name)
    try entries.encode(distro, forKey: .distro)
    try entries.encode(version, forKey: .version)
  }
}
