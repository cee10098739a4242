public import Net
public import Switching

/// One routed interface: a port behind which the gateway is the router. Both halves of the gateway are told the same
/// value: the worker's `Router`, which forwards, and the slow path's `Gateway`, which speaks ARP, neighbour discovery,
/// ICMP and DHCP.
///
/// An interface is a link between two: the gateway and one neighbour, with a pair of addresses (a /31 or a /127) for
/// each kind.
public struct RoutedInterface: Hashable, Sendable {
  public enum Kind: UInt8, Hashable, Sendable, BitwiseCopyable {
    /// A server's bond0. Its sources are checked, it is given DHCP and router advertisements.
    case server
    /// The way to the host and beyond: any source that is not ours, and no DHCP or router advertisements.
    case uplink
    /// Where 169.254.169.254 answers.
    case metadata
  }

  /// A pair of addresses on the link.
  public struct Link: Hashable, Sendable, BitwiseCopyable {
    /// Ours.
    public var gateway: IPAddress
    /// The neighbour's.
    public var host: IPAddress
    public var isPublic: Bool

    public init(gateway: IPAddress, host: IPAddress, isPublic: Bool) {
      (self.gateway, self.host, self.isPublic) = (gateway, host, isPublic)
    }
  }

  /// An elastic block: routed to the host's address of link number `link`.
  public struct Block: Hashable, Sendable, BitwiseCopyable {
    public var prefix: IPPrefix
    public var link: Int

    public init(prefix: IPPrefix, link: Int) { (self.prefix, self.link) = (prefix, link) }
  }

  /// What DHCPv4 hands out beside the address; the address itself is the first IPv4 link's, public before private.
  public struct Boot: Hashable, Sendable {
    public var hostname: String
    public var dns: [IPAddress]
    /// For PXE: siaddr and option 66; file and option 67.
    public var nextServer: IPAddress?
    public var filename: String?
    /// What an iPXE is to run, as a URL; the other ROMs are sent to iPXE first. Instead of `filename`.
    public var script: String?
    /// The iPXE for ROMs that are none; nil: the one that fits the machine.
    public var ipxeFile: String?
    public var leaseSeconds: UInt32

    public init(
      hostname: String, dns: [IPAddress] = [], nextServer: IPAddress? = nil, filename: String? = nil,
      script: String? = nil, ipxeFile: String? = nil, leaseSeconds: UInt32 = 86_400
    ) {
      (self.hostname, self.dns, self.nextServer) = (hostname, dns, nextServer)
      (self.filename, self.script, self.ipxeFile) = (filename, script, ipxeFile)
      self.leaseSeconds = leaseSeconds
    }
  }

  public var kind: Kind
  /// Ours on this link: one for all its addresses.
  public var mac: MACAddress
  /// Largest IP packet on this link, bytes. On the wire it is what the port's NICs are set to: the forwarding plane
  /// puts that here.
  public var mtu: Int
  /// At most `linkLimit`, at most one public and one private pair of IPv4 and one of IPv6. The place is the neighbour's
  /// slot.
  public var links: [Link]
  public var blocks: [Block]
  /// Where what has no other route goes; nil: nowhere.
  public var exit: PortIndex?
  /// Server only; nil: no DHCP.
  public var boot: Boot?

  public static let linkLimit = 4

  public init(
    kind: Kind, mac: MACAddress, mtu: Int, links: [Link], blocks: [Block] = [], exit: PortIndex? = nil,
    boot: Boot? = nil
  ) {
    (self.kind, self.mac, self.mtu, self.links) = (kind, mac, mtu, links)
    (self.blocks, self.exit, self.boot) = (blocks, exit, boot)
  }
}

/// A neighbour: who has the host's address of one link of one interface. There can be no others, so that a scan of
/// unassigned addresses makes no table grow.
public struct Neighbour: Hashable, Sendable, BitwiseCopyable {
  public let port: PortIndex
  /// Place in `RoutedInterface.links`.
  public let slot: Int

  @inlinable public init(port: PortIndex, slot: Int) {
    self.port = port
    self.slot = slot
  }

  /// One number for both: 4 × port + slot.
  @inlinable public var index: Int { port.value &* RoutedInterface.linkLimit &+ slot }
  @inlinable public init(index: Int) {
    self.init(port: PortIndex(index / RoutedInterface.linkLimit), slot: index % RoutedInterface.linkLimit)
  }
}
