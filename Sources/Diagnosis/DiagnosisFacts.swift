public import Net
public import Rack

/// What is known of two servers, when somebody asks why they do not reach each other. A value: a diagnosis is a
/// function of it.
public struct DiagnosisFacts: Hashable, Sendable {
  public var from: End
  public var to: End
  /// The ways on which the two could reach each other: networks that they have in common, and the gateway.
  public var ways: [Way]
  /// The networks that are meant by neither, but could be attached to both: numbers.
  public var candidates: [Int] = []

  public init(from: End, to: End, ways: [Way]) { (self.from, self.to, self.ways) = (from, to, ways) }

  /// The two, with the index that a way has them by.
  var ends: [End] { [from, to] }

  /// One of the two servers.
  public struct End: Hashable, Sendable {
    /// As commands take it.
    public var name: String
    /// The only port that is meant; nil: each that it has.
    public var port: PortName?
    public var project: String
    public var facility: String
    public var isPoweredOn = true
    /// Those that are on the wire.
    public var nics: [PortName: NIC] = [:]
    /// In bond0; empty: there is no bond.
    public var members: [PortName] = []
    /// The switch does not speak LACP on it: balance-tlb.
    public var isStatic = false
    /// bond0 is routed.
    public var isRouted = false
    /// Of the rack: what it may send from on bond0 while that is routed.
    public var addresses: [IPPrefix] = []
    /// Nil: nobody can look inside, or nobody may.
    public var seen: Inside?
    /// Frames of the last minutes that went no further at its NICs.
    public var drops: [Drop] = []
    /// The gateway's neighbours on its link: address to state.
    public var neighbours: [IPAddress: String] = [:]
    /// Numbers of the networks on its ports that are meant.
    public var attached: Set<Int> = []
    /// An address of it that was asked for.
    public var asked: IPAddress?

    public init(_ name: String, project: String, facility: String) {
      (self.name, self.project, self.facility) = (name, project, facility)
    }
  }

  public struct NIC: Hashable, Sendable {
    public var mac: MACAddress?
    public var isLinkUp = true
    /// Of a bond: frames cross by it.
    public var carries = true
    public var mtu = 1_500
    public var storms = false
    /// The sentence of the loop guard that has shut its port.
    public var shut: String?
    /// Its carrier was taken away by a command: which gives it back.
    public var removed: String?
    /// What is wrong with its link on purpose.
    public var impairment: String?
    /// In a bond: a partner speaks LACP on it.
    public var hasPartner = false
    /// What LACP says is wrong.
    public var problem: String?
    /// What it is called inside.
    public var interface = ""

    public init() {}
  }

  public struct Drop: Hashable, Sendable {
    public var nic: PortName
    public var reason: String
    /// VLAN of its tag.
    public var vlan: Int?
    public var source: MACAddress?
    /// Of its packet.
    public var sender: IPAddress?
    /// It is what a system says by itself on each interface that is up: no sign that anybody wants to use it so.
    public var isChatter: Bool { sender.map { !$0.isV4 && ($0.isLinkLocal || $0.v6 == 0) } ?? false }

    public init(
      _ nic: PortName, _ reason: String, vlan: Int? = nil, source: MACAddress? = nil, sender: IPAddress? = nil
    ) {
      (self.nic, self.reason, self.vlan) = (nic, reason, vlan)
      (self.source, self.sender) = (source, sender)
    }
  }

  /// What a server's own system has.
  public struct Inside: Hashable, Sendable {
    public struct Interface: Hashable, Sendable {
      public var name: String
      public var isUp = true
      public var mtu = 1_500
      public var mac: MACAddress?
      /// What it is a member of, or on.
      public var master: String?, parent: String?
      public var vlan: Int?
      /// Without link-local ones.
      public var addresses: [IPAddress] = []

      public init(_ name: String) { self.name = name }
    }

    public var interfaces: [Interface]
    /// Addresses that it asked for and nobody answered.
    public var unanswered: Set<IPAddress>

    public init(_ interfaces: [Interface], unanswered: Set<IPAddress> = []) {
      (self.interfaces, self.unanswered) = (interfaces, unanswered)
    }

    subscript(name: String) -> Interface? { interfaces.first { $0.name == name } }
  }

  /// How the two could reach each other.
  public struct Way: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
      /// In a network of this number.
      case network(Int)
      /// By the gateway, from bond0 to bond0.
      case routed
    }

    public var kind: Kind
    /// Of the two ends.
    public var from: Side
    public var to: Side

    public init(_ kind: Kind, from: Side, to: Side) { (self.kind, self.from, self.to) = (kind, from, to) }

    var sides: [Side] { [from, to] }
  }

  /// One end of a way.
  public struct Side: Hashable, Sendable {
    public var port: PortName
    /// How the network's frames look on the port.
    public var isTagged: Bool
    /// The port carries no other network.
    public var isAlone = true
    /// Where the network's stations on this port are: MAC address to how often it went to another port.
    public var stations: [MACAddress: Int] = [:]
    /// Stations of this server's NICs that were heard on a port of another server, or of the other end: which.
    public var elsewhere: [MACAddress: String] = [:]
    /// Frames of the network that were seen to come in by the port just now, by the form that they had.
    public var sentTagged: Set<MACAddress> = []
    public var sentUntagged: Set<MACAddress> = []
    /// What became of a frame from here to the other end: the reason of its drop; nil: it arrives.
    public var fate: String?
    /// How it goes, in one line.
    public var path: String = ""

    public init(_ port: PortName, isTagged: Bool) { (self.port, self.isTagged) = (port, isTagged) }
  }
}

extension IPAddress {
  /// Valid on one link only.
  public var isLinkLocal: Bool { isV4 ? v4 >> 16 == 0xA9FE : high >> 54 == 0x3FA }
}
