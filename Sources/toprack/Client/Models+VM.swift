// The members of virtual machines that tables show.

/// A virtual machine on a server's NICs: of the daemon's, or attached and run by somebody else.
struct VMStatus: Decodable {
  struct NIC: Decodable {
    /// `how`: forward, macvtap. `interface` is the server's, `tap` the machine's side of it.
    let nic: String, how: String, interface: String?, tap: String?, mac: String?, netns: String?
    let macsHeard: [String]?, lacp: Bool?, advice: String?
  }
  let server: String, name: String?, state: String, reason: String?, pid: Int?, accelerator: String?
  let nics: [NIC], console: String?

  /// The machine has said something.
  var isHeard: Bool { nics.contains { $0.macsHeard?.isEmpty == false } }
}

struct VMList: Decodable { let vms: [VMStatus] }

/// The way from a server's NICs to a machine of somebody else's.
struct VMAttachment: Decodable {
  struct NIC: Decodable {
    let nic: String, how: String, interface: String, tap: String, mac: String, netns: String?
    /// Of a macvtap: the file that QEMU has to be handed open.
    let device: String?
  }
  let nics: [NIC], console: String?, accelerator: String?
}
