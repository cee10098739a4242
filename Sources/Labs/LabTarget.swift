import Rack

/// How a lab is to be, key by key: nil is left as it is, and as usual in what is new.
///
/// From a file it is made three-way. A key that the file names is wanted as it says; one that only the file before it
/// named goes back to what is usual; one that neither named is nobody's matter. From a checkpoint every key is wanted.
struct LabTarget {
  var networks: [LabEntry<Network>] = []
  var servers: [LabEntry<Server>] = []
  var blocks: [LabEntry<Block>] = []

  struct Network: Codable, Hashable, Sendable {
    var vxlan: Int?
    /// Code of a facility, or of a metro.
    var facility: String?
    var metro: String?
    /// Empty: none.
    var description: String?
    var tags: [String]?

    var place: NetworkPlace? { metro.map { .metro($0) } ?? facility.map { .facility($0) } }
  }

  struct Server: Codable, Hashable, Sendable {
    var plan: String?
    var facility: String?
    var mode: NetworkMode?
    /// The mode of a new server of its plan, when `mode` says nothing.
    var isUsualMode = false
    var os: String?
    var description: String?
    var tags: [String]?
    var userdata: String?
    var mtu: Int?
    var place: LabPlace?
    var eth0: String?
    var eth1: String?
    var configure: Bool?
    var ports: [PortName: Port] = [:]
    /// Of NICs that are named. Nil: a checkpoint from before there were any, which leaves them alone.
    var links: [PortName: LabLink]?
    /// Exactly these, as text by the name of the kind; of a checkpoint.
    var addresses: [String: String]?
  }

  struct Port: Codable, Hashable, Sendable {
    /// By their names in the lab.
    var networks: [String] = []
    /// Of several, the one that is untagged.
    var native: String?
    /// Others' networks that were attached by hand, of a checkpoint; the native one may be one of them.
    var foreign: [NetworkID] = []
    var foreignNative: NetworkID?

    var isEmpty: Bool { networks.isEmpty && foreign.isEmpty }
  }

  struct Block: Codable, Hashable, Sendable {
    /// Bits of the prefix.
    var size: Int
    var facility: String?
    /// Empty: nobody.
    var server: String?
    /// Exactly this one, as text; of a checkpoint.
    var block: String?
  }
}

extension LabTarget {
  init(_ file: LabFile, over previous: LabFile?) {
    let old = (
      networks: Self.index(previous?.networks), servers: Self.index(previous?.servers),
      blocks: Self.index(previous?.addresses)
    )
    networks = file.networks.map { entry in
      LabEntry(entry.name, Network(entry.value, file.defaults, old.networks[entry.name], previous?.defaults))
    }
    servers = file.servers.map { entry in
      LabEntry(entry.name, Server(entry.value, file.defaults, old.servers[entry.name], previous?.defaults))
    }
    let facilities = Dictionary(servers.map { ($0.name, $0.value.facility) }) { one, _ in one }
    blocks = file.addresses.map { entry in
      var block = Block(size: entry.value.size)
      block.server = entry.value.server ?? (old.blocks[entry.name]?.server == nil ? nil : "")
      if let server = entry.value.server {
        block.facility = facilities[server] ?? nil
      } else {
        block.facility = file.defaults.facility.map(Self.facility)
      }
      return LabEntry(entry.name, block)
    }
  }

  private static func index<Value>(_ entries: [LabEntry<Value>]?) -> [String: Value] {
    Dictionary((entries ?? []).map { ($0.name, $0.value) }) { one, _ in one }
  }

  /// The code, whatever it is called in the file.
  static func facility(_ name: String) -> String { Catalogue.facility(name)?.code ?? name }
}

/// What the new file says of a key; or what is usual when the old one said something; or nothing.
private func key<Value>(_ new: Value?, _ old: Value?, usual: @autoclosure () -> Value) -> Value? {
  new ?? (old == nil ? nil : usual())
}

extension LabTarget.Network {
  fileprivate init(_ new: LabNetwork, _ defaults: LabDefaults, _ old: LabNetwork?, _ oldDefaults: LabDefaults?) {
    // Any number is as good as another when none is asked for.
    vxlan = new.vxlan
    metro = new.metro.map { Catalogue.metro($0)?.code ?? $0 }
    if metro == nil {
      let had = old.flatMap { $0.facility ?? $0.metro ?? oldDefaults?.facility }
      facility = key(new.facility ?? defaults.facility, had, usual: Catalogue.defaultFacility.code)
        .map(LabTarget.facility)
    }
    description = key(new.description, old?.description, usual: "")
    tags = key(new.tags, old?.tags, usual: [])
  }
}

extension LabTarget.Server {
  fileprivate init(_ new: LabServer, _ defaults: LabDefaults, _ old: LabServer?, _ oldDefaults: LabDefaults?) {
    func had<Value>(_ path: KeyPath<LabServer, Value?>, _ usual: KeyPath<LabDefaults, Value?>) -> Value? {
      old.flatMap { $0[keyPath: path] ?? oldDefaults?[keyPath: usual] }
    }
    plan = key(new.plan ?? defaults.plan, had(\.plan, \.plan), usual: Catalogue.defaultPlan.slug)
      .map { Catalogue.plan($0)?.slug ?? $0 }
    facility = key(
      new.facility ?? defaults.facility, had(\.facility, \.facility), usual: Catalogue.defaultFacility.code
    ).map(LabTarget.facility)
    os = key(new.os ?? defaults.os, had(\.os, \.os), usual: Catalogue.defaultOperatingSystem.slug)
      .map { Catalogue.operatingSystem($0)?.slug ?? $0 }
    place = key(new.place ?? defaults.place, had(\.place, \.place), usual: .netns)
    mode = new.mode
    isUsualMode = new.mode == nil && old?.mode != nil
    description = key(new.description, old?.description, usual: "")
    tags = key(new.tags, old?.tags, usual: [])
    userdata = key(new.userdata, old?.userdata, usual: "")
    mtu = key(new.mtu, old?.mtu, usual: RackServer.defaultMTU)
    eth0 = key(new.nics?.eth0, old?.nics?.eth0, usual: PortName.eth0.rawValue)
    eth1 = key(new.nics?.eth1, old?.nics?.eth1, usual: PortName.eth1.rawValue)
    configure = key(new.configure, old?.configure, usual: false)
    for name in PortName.allCases {
      ports[name] = key(
        new.ports[name].map { LabTarget.Port(networks: $0.networks, native: $0.native) },
        old?.ports[name].map { _ in LabTarget.Port() }, usual: LabTarget.Port())
    }
    var links: [PortName: LabLink] = [:]
    for nic in PortName.nics { links[nic] = key(new.links?[nic], old?.links?[nic], usual: LabLink()) }
    self.links = links
  }
}
