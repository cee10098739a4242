import Foundation
import Testing

/// A server whose operating system is its namespace's kernel: IPv6 is on, its NICs are down, nothing is configured.
struct Tenant {
  let lab: Lab
  let name: String
  let namespace: NetworkNamespace

  init(in lab: Lab, _ name: String, _ mode: Mode? = nil) throws {
    self.lab = lab
    self.name = name
    namespace = lab.namespace(name)
    try lab.toprack("server", "create", name, "--netns=\(namespace.name)")
    if let mode { try lab.toprack("server", "mode", name, mode.rawValue) }
  }

  /// One of the addresses that the rack has for the server, and the gateway's on the same link.
  struct Address: Equatable {
    let host: String
    let gateway: String
  }

  /// The addresses as the rack has them now.
  func addresses() throws -> (public: Address, private: Address, ipv6: Address) {
    let entries = try lab.toprack.json("server", "show", name)["ip_addresses"].array ?? []
    func address(_ family: Int, isPublic: Bool) throws -> Address {
      let entry = entries.first {
        $0["address_family"].int == family && $0["public"].bool == isPublic && $0["management"].bool == true
      }
      return Address(
        host: try #require(entry?["address"].string), gateway: try #require(entry?["gateway"].string))
    }
    return (try address(4, isPublic: true), try address(4, isPublic: false), try address(6, isPublic: true))
  }

  /// Runs a shell script in the namespace, whatever becomes of it.
  func attempt(_ script: String) throws -> Finished {
    try run(["ip", "netns", "exec", namespace.name, "sh", "-c", script])
  }

  /// Runs a shell script in the namespace, which must succeed, and returns what it printed.
  @discardableResult
  func shell(_ script: String) throws -> String {
    try runSuccessfully(["ip", "netns", "exec", namespace.name, "sh", "-e", "-c", script]).text
  }

  /// Types what `toprack server network-config` prints, as a user does who has no bonding driver.
  func configure() throws {
    try shell(
      lab.toprack("server", "network-config", name, "--no-bond")
        .replacing("ip link delete bond0 2>/dev/null\n", with: ""))
  }

  /// Whether each of `addresses` answers an echo request, those with a colon by IPv6.
  func pings(_ addresses: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
    for address in addresses {
      let finished = try attempt("ping -n -c 1 -W 5 \(address)")
      #expect(
        finished.status == 0, "\(name) pings \(address): \(finished.text)\(finished.errors)",
        sourceLocation: sourceLocation)
    }
  }

  /// Addresses that the kernel has on `interface`, with their lengths.
  func kernelAddresses(on interface: String = "eth0") throws -> Set<String> {
    let listing = try JSON(runSuccessfully(["ip", "-n", namespace.name, "-j", "address", "show", interface]).output)
    let entries = listing[0]["addr_info"].array ?? []
    return Set(
      entries.compactMap { entry in
        entry["local"].string.map { "\($0)/\(entry["prefixlen"].int ?? -1)" }
      })
  }

  /// MAC address of a NIC.
  func mac(_ interface: String = "eth0") throws -> MAC {
    let text = try shell("cat /sys/class/net/\(interface)/address").trimmingCharacters(in: .newlines)
    return try #require(MAC(text))
  }
}
