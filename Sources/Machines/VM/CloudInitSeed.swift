/// What a machine with cloud-init is told at its first boot, by a disk: the data source NoCloud.
///
/// A file system with the label "cidata" has the files `meta-data`, `user-data`, `vendor-data` and `network-config`
/// (`disk`). It is one file: QEMU opens it before it becomes a user of no rights, which cannot look into folders.
///
/// - The instance is the server: cloud-init does once for a server what it does once, however often it is started.
/// - Keys open the default user of the image and, as on the real servers, root.
/// - The network is set up anew at each boot, since the server's mode may have changed meanwhile.
/// - User data of the server goes in as it is, and has the last word.
public struct CloudInitSeed: Hashable, Sendable {
  /// Of the file system.
  public static let label = "cidata"

  /// The server's UUID.
  public var instance: String
  public var hostname: String
  /// Public keys, one line each.
  public var keys: [String]
  /// The server's; may be empty.
  public var userdata: String
  /// Version 2 of cloud-init's network configuration; `nil`: the machine asks by DHCP, as images do.
  public var network: String?

  public init(instance: String, hostname: String, keys: [String], userdata: String, network: String?) {
    (self.instance, self.hostname, self.keys) = (instance, hostname, keys)
    (self.userdata, self.network) = (userdata, network)
  }

  /// Name and content of each file.
  public var files: [(name: String, text: String)] {
    var files = [
      ("meta-data", metadata), ("user-data", userdata.isEmpty ? "#cloud-config\n{}\n" : userdata),
      ("vendor-data", Self.vendorData),
    ]
    if let network { files.append(("network-config", network)) }
    return files
  }

  /// The disk; `nil`: there is more in it than such a one holds.
  public var disk: [UInt8]? {
    FATImage(label: Self.label.uppercased(), files: files.map { ($0.name, Array($0.text.utf8)) })?.bytes
  }

  private var metadata: String {
    var lines = ["instance-id: \(Self.scalar(instance))", "local-hostname: \(Self.scalar(hostname))"]
    if !keys.isEmpty { lines += ["public-keys:"] + keys.map { "  - \(Self.scalar($0))" } }
    return lines.joined(separator: "\n") + "\n"
  }

  private static let vendorData = """
    #cloud-config
    disable_root: false
    updates:
      network:
        when: [boot]

    """

  /// A text of YAML in double quotes, on one line, whatever is in it.
  private static func scalar(_ text: String) -> String {
    "\""
      + text.unicodeScalars.reduce(into: "") { quoted, scalar in
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case _ where scalar.value < 0x20 || 0x7F...0xA0 ~= scalar.value || 0x2028...0x2029 ~= scalar.value:
          let digits = String(scalar.value, radix: 16)
          quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
      } + "\""
  }
}
