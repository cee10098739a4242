public import Net
public import Rack

/// A NIC in a bond, as LACP sees it at one moment. State names and variables are those of IEEE 802.1AX-2014 6.4.
public struct LACPMember: Hashable, Sendable {
  /// One end of the link, in its own words.
  public struct Participant: Hashable, Sendable {
    public var systemPriority: Int
    /// 48 bits, first octet highest.
    public var system: MACAddress
    public var key: Int
    public var portPriority: Int
    public var port: Int
    /// Names of the state bits that are set, from bit 0: `activity`, `timeout`, `aggregation`, `synchronization`,
    /// `collecting`, `distributing`, `defaulted`, `expired`.
    public var state: [String]

    public init(systemPriority: Int, system: MACAddress, key: Int, portPriority: Int, port: Int, state: [String]) {
      (self.systemPriority, self.system, self.key) = (systemPriority, system, key)
      (self.portPriority, self.port, self.state) = (portPriority, port, state)
    }
  }

  /// Where the machines are.
  public struct Machines: Hashable, Sendable {
    /// `CURRENT`, `EXPIRED`, `DEFAULTED`, `PORT_DISABLED`, …
    public var receive: String
    /// `NO_PERIODIC`, `FAST_PERIODIC`, …
    public var periodic: String
    /// `DETACHED`, `WAITING`, `ATTACHED`, …
    public var mux: String
    /// `CHURN_MONITOR`, `NO_CHURN` or `CHURN`.
    public var actorChurn: String, partnerChurn: String

    public init(receive: String, periodic: String, mux: String, actorChurn: String, partnerChurn: String) {
      (self.receive, self.periodic, self.mux) = (receive, periodic, mux)
      (self.actorChurn, self.partnerChurn) = (actorChurn, partnerChurn)
    }
  }

  /// Since the NIC joined the bond.
  public struct Counters: Hashable, Sendable {
    public var lacpdusReceived: UInt64 = 0, lacpdusSent: UInt64 = 0
    public var illegalReceived: UInt64 = 0, unknownReceived: UInt64 = 0
    public var markersReceived: UInt64 = 0, markerResponsesReceived: UInt64 = 0
    public var markerResponsesSent: UInt64 = 0, markersIgnored: UInt64 = 0
    public var receiveTransitions: UInt64 = 0, muxTransitions: UInt64 = 0
    /// How often an end was out of sync for a minute.
    public var actorChurns: UInt64 = 0, partnerChurns: UInt64 = 0

    public init() {}
  }

  public var server: ServerID
  public var hostname: String
  /// `eth0` or `eth1`.
  public var port: PortName
  public var linkUp: Bool
  public var selected: Bool
  /// Frames that come by it are taken; frames are sent by it.
  public var collecting: Bool, distributing: Bool
  /// It carries alone, because no partner is in sync.
  public var fallback: Bool
  public var actor: Participant
  /// `nil` while no partner is known.
  public var partner: Participant?
  public var machines: Machines
  public var counters: Counters
  /// Milliseconds since the last LACPDU came; `nil`: none yet.
  public var sinceLastLACPDU: UInt64?
  /// A sentence about what is wrong, without the server's and the NIC's name; `nil`: nothing is.
  public var problem: String?

  public init(
    server: ServerID, hostname: String, port: PortName, linkUp: Bool, selected: Bool, collecting: Bool,
    distributing: Bool, fallback: Bool, actor: Participant, partner: Participant?, machines: Machines,
    counters: Counters, sinceLastLACPDU: UInt64?, problem: String?
  ) {
    (self.server, self.hostname, self.port) = (server, hostname, port)
    (self.linkUp, self.selected) = (linkUp, selected)
    (self.collecting, self.distributing, self.fallback) = (collecting, distributing, fallback)
    (self.actor, self.partner, self.machines, self.counters) = (actor, partner, machines, counters)
    (self.sinceLastLACPDU, self.problem) = (sinceLastLACPDU, problem)
  }
}
