import FoundationEssentials

/// The interfaces and routes of a namespace as `ip -j` tells them.
public struct SeenNetwork: Hashable, Sendable {
  public struct Link: Hashable, Sendable {
    public var name: String
    public var isUp = false
    public var mtu = 1500
    /// `02:00:00:00:00:01`.
    public var mac: String?
    public var alias: String?
    public var master: String?
    /// What a VLAN is on.
    public var parent: String?
    /// `bond`, `vlan`, `tun`.
    public var kind: String?
    /// `802.3ad`, of a bond.
    public var bondMode: String?
    public var vlan: Int?
    public var addresses: [Address] = []

    public init(name: String) { self.name = name }
  }

  public struct Address: Hashable, Sendable {
    /// With its length.
    public var text: String
    public var metric: Int?

    public init(text: String, metric: Int? = nil) { (self.text, self.metric) = (text, metric) }
  }

  public struct Route: Hashable, Sendable {
    public var destination: String
    public var gateway: String?
    public var device: String?
    public var `protocol`: String?
    public var metric = 0

    public init(
      destination: String, gateway: String?, device: String?, protocol: String?, metric: Int = 0
    ) {
      (self.destination, self.gateway, self.device) = (destination, gateway, device)
      (self.protocol, self.metric) = (`protocol`, metric)
    }

    /// IPv6 where one of its addresses is one.
    var isIPv6: Bool { destination.contains(":") || gateway?.contains(":") == true }
  }

  public var links: [Link] = []
  public var routes: [Route] = []

  public init() {}

  /// - Parameters:
  ///   - addresses: what `ip -j -d address show` prints.
  ///   - routes: what `ip -j route show` prints, of IPv4 and of IPv6. Nothing is no route.
  /// - Throws: `DecodingError` for what is no such text.
  public init(addresses: String, routes: [String]) throws {
    func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> [T] {
      if text.allSatisfy(\.isWhitespace) { return [] }
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode([T].self, from: Data(text.utf8))
    }
    links = try decode(RawLink.self, addresses).map { raw in
      var link = Link(name: raw.ifname)
      (link.isUp, link.mtu, link.alias) = (raw.flags.contains("UP"), raw.mtu, raw.ifalias)
      link.mac = raw.address
      (link.master, link.parent, link.kind) = (raw.master, raw.link, raw.linkinfo?.infoKind)
      if link.kind == "bond" { link.bondMode = raw.linkinfo?.infoData?.mode }
      if link.kind == "vlan" { link.vlan = raw.linkinfo?.infoData?.id }
      link.addresses = (raw.addrInfo ?? []).compactMap { address in
        address.local.map { Address(text: "\($0)/\(address.prefixlen)", metric: address.metric) }
      }
      return link
    }
    self.routes = try routes.flatMap { try decode(RawRoute.self, $0) }.map { raw in
      Route(
        destination: raw.dst, gateway: raw.gateway, device: raw.dev, protocol: raw.protocol, metric: raw.metric ?? 0)
    }
  }
}

// Names are those of iproute2, without its underscores.

private struct RawLink: Decodable {
  struct Info: Decodable {
    let infoKind: String?, infoData: InfoData?
  }
  struct Address: Decodable {
    let local: String?, prefixlen: Int, metric: Int?
  }
  let ifname: String, flags: [String], mtu: Int, address: String?
  let ifalias: String?, master: String?, link: String?, linkinfo: Info?, addrInfo: [Address]?
}

/// Members of a kind of interface; other kinds have others by these names.
private struct InfoData: Decodable {
  let mode: String?, id: Int?

  enum Key: CodingKey { case mode, id }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    mode = try? container.decode(String.self, forKey: .mode)
    id = try? container.decode(Int.self, forKey: .id)
  }
}

private struct RawRoute: Decodable {
  let dst: String, gateway: String?, dev: String?, `protocol`: String?, metric: Int?
}
