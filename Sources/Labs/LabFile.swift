public import Rack

/// A whole lab as one file says it: networks, servers, address blocks, and what must be true of them.
///
/// It is what is wanted, not what is there: a key that the file does not name is nil here, and `LabPlan` leaves it alone.
/// Ranges are written out (`web[1-3]` is three servers), and `defaults` are still apart.
public struct LabFile: Codable, Hashable, Sendable {
  /// 1 to 32 of a-z, 0-9 and "-": what everything that the lab makes belongs to. Not the name of the file.
  public var name: String
  /// Name or identifier; nil: the caller's.
  public var project: String?
  public var defaults: LabDefaults
  /// Each by its name in the file, in the order of the file; so for all lists here.
  public var networks: [LabEntry<LabNetwork>]
  public var servers: [LabEntry<LabServer>]
  public var addresses: [LabEntry<LabAddressBlock>]
  public var checks: [LabCheck]

  public init(
    name: String, project: String? = nil, defaults: LabDefaults = LabDefaults(),
    networks: [LabEntry<LabNetwork>] = [], servers: [LabEntry<LabServer>] = [],
    addresses: [LabEntry<LabAddressBlock>] = [], checks: [LabCheck] = []
  ) {
    (self.name, self.project, self.defaults) = (name, project, defaults)
    (self.networks, self.servers, self.addresses, self.checks) = (networks, servers, addresses, checks)
  }
}

/// Something under its name.
public struct LabEntry<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
  public var name: String
  public var value: Value

  public init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }
}

/// What holds for all servers and networks of a file that do not say otherwise.
public struct LabDefaults: Codable, Hashable, Sendable {
  public var facility: String?
  public var plan: String?
  public var place: LabPlace?
  public var project: String?
  public var os: String?

  public init(
    facility: String? = nil, plan: String? = nil, place: LabPlace? = nil, project: String? = nil, os: String? = nil
  ) {
    (self.facility, self.plan, self.place, self.project, self.os) = (facility, plan, place, project, os)
  }
}

/// A virtual network.
public struct LabNetwork: Codable, Hashable, Sendable {
  /// Nil: the next free number.
  public var vxlan: Int?
  /// A facility or a metro, by code; at most one of them is given.
  public var facility: String?
  public var metro: String?
  public var description: String?
  public var tags: [String]?

  public init(
    vxlan: Int? = nil, facility: String? = nil, metro: String? = nil, description: String? = nil, tags: [String]? = nil
  ) {
    (self.vxlan, self.facility, self.metro) = (vxlan, facility, metro)
    (self.description, self.tags) = (description, tags)
  }
}

public struct LabServer: Codable, Hashable, Sendable {
  public var plan: String?
  public var facility: String?
  public var mode: NetworkMode?
  public var os: String?
  public var description: String?
  public var tags: [String]?
  /// As text.
  public var userdata: String?
  public var mtu: Int?
  public var place: LabPlace?
  public var nics: LabNICNames?
  /// Toprack sets the interfaces in its namespace up for its mode.
  public var configure: Bool?
  /// Only the ports that are named; one that is named is whole.
  public var ports: [PortName: LabPort]
  /// Only the NICs that are named; one that is named is whole. Nil: none is, as in files that were kept before there
  /// were links.
  public var links: [PortName: LabLink]?
  public var vm: LabMachine?

  public init(
    plan: String? = nil, facility: String? = nil, mode: NetworkMode? = nil, os: String? = nil,
    description: String? = nil, tags: [String]? = nil, userdata: String? = nil, mtu: Int? = nil,
    place: LabPlace? = nil, nics: LabNICNames? = nil, configure: Bool? = nil, ports: [PortName: LabPort] = [:],
    links: [PortName: LabLink]? = nil, vm: LabMachine? = nil
  ) {
    (self.plan, self.facility, self.mode, self.os) = (plan, facility, mode, os)
    (self.description, self.tags, self.userdata, self.mtu) = (description, tags, userdata, mtu)
    (self.place, self.nics, self.configure, self.ports, self.vm) = (place, nics, configure, ports, vm)
    self.links = links
  }
}

/// Where a server's NICs are. Unless something else is said: in a network namespace of its own.
public enum LabPlace: Codable, Hashable, Sendable {
  case host
  /// In a namespace of its own, named after the server.
  case netns
  /// In the namespace of that name; it is made when the host has none.
  case namespace(String)
  /// In a namespace of its own, for a virtual machine: `vm` says which, or somebody attaches one.
  case vm
}

/// What eth0 and eth1 are called inside the namespace; nil: as everywhere.
public struct LabNICNames: Codable, Hashable, Sendable {
  public var eth0: String?
  public var eth1: String?

  public init(eth0: String? = nil, eth1: String? = nil) { (self.eth0, self.eth1) = (eth0, eth1) }
}

/// The networks on a port, by their names in the file.
public struct LabPort: Codable, Hashable, Sendable {
  public var networks: [String]
  /// Of several, the one that stays untagged; nil: none.
  public var native: String?

  public init(networks: [String], native: String? = nil) { (self.networks, self.native) = (networks, native) }
}

/// The virtual machine on a server's NICs, as `toprack vm run` takes it.
public struct LabMachine: Codable, Hashable, Sendable {
  /// Absolute paths of this host; the reader of a file has made them so.
  public var disk: String?
  public var snapshot: Bool?
  public var kernel: String?
  public var initrd: String?
  public var append: String?
  /// Bytes.
  public var memory: Int?
  public var cpus: Int?
  public var cloudInit: Bool?
  /// `no` or `on-failure`.
  public var restart: String?

  public init(
    disk: String? = nil, snapshot: Bool? = nil, kernel: String? = nil, initrd: String? = nil, append: String? = nil,
    memory: Int? = nil, cpus: Int? = nil, cloudInit: Bool? = nil, restart: String? = nil
  ) {
    (self.disk, self.snapshot, self.kernel, self.initrd, self.append) = (disk, snapshot, kernel, initrd, append)
    (self.memory, self.cpus, self.cloudInit, self.restart) = (memory, cpus, cloudInit, restart)
  }
}

/// An elastic block.
public struct LabAddressBlock: Codable, Hashable, Sendable {
  /// Bits of the prefix.
  public var size: Int
  /// To whom it is routed; nil: to nobody.
  public var server: String?

  public init(size: Int, server: String? = nil) { (self.size, self.server) = (size, server) }
}

/// What must be true of a lab that runs. Ranges are written out.
public struct LabCheck: Codable, Hashable, Sendable {
  public enum Question: Codable, Hashable, Sendable {
    /// A host answers echo requests.
    case ping(from: String, to: String)
    case tcp(from: String, host: String, port: Int)
    case http(from: String, url: String, status: Int)
    /// Frames leave, and nobody answers.
    case deaf(from: String, to: String)
    /// The server's bond has a partner on both NICs (nil), or on one.
    case lacp(server: String, nic: PortName?)
    /// The NIC's link is up.
    case link(server: String, nic: PortName)
  }

  /// What people call it: `web1 ping 10.0.1.2`.
  public var name: String
  public var question: Question
  /// How long it may take to become true.
  public var milliseconds: Int

  public init(name: String, question: Question, milliseconds: Int = 5_000) {
    (self.name, self.question, self.milliseconds) = (name, question, milliseconds)
  }
}
