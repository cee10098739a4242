import Rack

extension NetworkConfig {
  /// Version 2 of cloud-init's own form, which is netplan's without its outer member, and with the NICs known by their
  /// MAC address and named as the server has them: whatever the machine's kernel calls them.
  var cloudInit: [String] {
    [
      "# \(hostname) is \(mode). This is network-config of cloud-init's data source NoCloud.", "version: 2",
    ] + netplanInterfaces(naming: true).map { String($0.dropFirst(2)) }
  }
}
