import Ports
import Rack

/// What a NIC's interface is called: `eth0` in a namespace; on the host `web1-eth0`. A name that the kernel would not
/// take (over 15 bytes) becomes the alternative name, which most tools take too, of a short one made from the server's
/// identifier.
struct NICName: Hashable, Sendable {
  let device: String
  let alternative: String?

  init(_ nic: PortName, of server: Server) {
    guard server.place == .host else {
      (device, alternative) = (nic.rawValue, nil)
      return
    }
    let full = "\(server.hostname)-\(nic.rawValue)"
    if full.utf8.count <= Links.nameLimit {
      (device, alternative) = (full, nil)
    } else {
      let digits = server.id.description.filter { $0 != "-" }.prefix(10)
      (device, alternative) = ("tr\(digits)e\(nic == .eth0 ? 0 : 1)", full)
    }
  }
}

/// Where an interface is.
public struct NICLocation: Hashable, Sendable {
  public let device: String
  /// The long name of one whose own had to be short.
  public let alternative: String?
  /// `nil`: the daemon's own.
  public let namespace: String?

  public init(device: String, alternative: String?, namespace: String?) {
    (self.device, self.alternative, self.namespace) = (device, alternative, namespace)
  }
}

/// `interface web1-eth0 on the host`, `interface eth0 in network namespace lab`.
func place(_ device: String, _ namespace: String?) -> String {
  "interface \(device) " + (namespace.map { "in network namespace \($0)" } ?? "on the host")
}
