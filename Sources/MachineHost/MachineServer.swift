// What the hub is told of a server, and what it tells of its virtual machine.

public import Machines
public import Rack

/// A server as its virtual machine sees it.
public struct MachineServer: Hashable, Sendable {
  /// A NIC that is there.
  public struct NIC: Hashable, Sendable {
    public var name: PortName
    /// As `02:00:00:00:00:01`.
    public var mac: String
    public var interface: String
    /// Of the interface; one that was made again has another.
    public var index: Int
    /// `nil`: the daemon's own.
    public var namespace: String?

    public init(name: PortName, mac: String, interface: String, index: Int, namespace: String?) {
      (self.name, self.mac, self.interface) = (name, mac, interface)
      (self.index, self.namespace) = (index, namespace)
    }
  }

  public var id: ServerID
  public var name: String
  /// Its own in the rack, the same for life.
  public var number: Int
  public var isOn: Bool
  /// Those that are there, in order.
  public var nics: [NIC]

  public init(id: ServerID, name: String, number: Int, isOn: Bool, nics: [NIC]) {
    (self.id, self.name, self.number, self.isOn, self.nics) = (id, name, number, isOn, nics)
  }

  /// Whom its QEMU runs as, where the daemon is root: a user who is nobody else, also not the one of its console's
  /// shells.
  var user: Int { 0x7100_0000 + number }

  /// The interface of the machine beside a NIC, where nobody has named it. Unique on the host.
  func tap(of nic: PortName, _ how: GuestLink.How) -> String {
    "\(how == .forward ? "vm" : "mv")\(number)-\(nic.rawValue)"
  }
}

/// A virtual machine at this moment.
public struct MachineStatus: Hashable, Sendable {
  public enum State: String, Sendable {
    case starting, running, stopping, stopped, failed
    /// Somebody else runs it; nothing more is known.
    case attached
  }

  public struct NIC: Hashable, Sendable {
    public var name: PortName
    public var how: GuestLink.How
    /// `nil`: the server's NIC is not there now.
    public var interface: String?
    public var tap: String
    /// Of a macvtap.
    public var device: String?
    public var mac: String
    public var namespace: String?
    /// Why no frame gets from one to the other; `nil`: they do.
    public var fault: String?
  }

  public var server: ServerID
  public var state: State
  public var reason: String?
  public var process: Int?
  public var accelerator: Accelerator?
  public var nics: [NIC]
  public var console: String
  /// `nil`: somebody else's.
  public var spec: MachineSpec?
}

/// What runs the guest's code.
public struct Accelerator: Codable, Hashable, Sendable {
  public var isKVM: Bool
  /// Why it is not KVM.
  public var reason: String?

  public init(isKVM: Bool, reason: String? = nil) { (self.isKVM, self.reason) = (isKVM, reason) }

  public var name: String { isKVM ? "kvm" : "tcg" }
}

/// A start or an end for the journal.
public struct MachineNote: Sendable {
  /// `vm.started`.
  public var type: String
  public var server: ServerID
  /// One sentence.
  public var text: String
}
