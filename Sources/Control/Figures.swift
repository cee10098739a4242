public import FoundationEssentials
public import Net
public import Rack

/// All that is counted, at one moment: what metrics and `top` are made of.
///
/// Counters are read as they stand; nothing is kept for whoever asks, so that a rack that nobody watches pays nothing.
public struct Figures: Sendable {
  /// What has crossed a NIC since it was attached, seen from the switch: received is what came in.
  public struct Traffic: Hashable, Sendable {
    public var rxPackets: UInt64, rxBytes: UInt64, txPackets: UInt64, txBytes: UInt64
    /// Name of the reason to frames; only those that are not 0.
    public var drops: [String: UInt64]

    public init(
      rxPackets: UInt64, rxBytes: UInt64, txPackets: UInt64, txBytes: UInt64, drops: [String: UInt64] = [:]
    ) {
      (self.rxPackets, self.rxBytes, self.txPackets, self.txBytes) = (rxPackets, rxBytes, txPackets, txBytes)
      self.drops = drops
    }

    public var dropped: UInt64 { drops.values.reduce(0, &+) }
  }

  /// A server's NIC that is attached.
  public struct NIC: Hashable, Sendable {
    public var server: ServerID
    public var name: PortName
    public var linkUp: Bool, isShut: Bool, storms: Bool
    public var traffic: Traffic

    public init(
      server: ServerID, name: PortName, linkUp: Bool, isShut: Bool = false, storms: Bool = false, traffic: Traffic
    ) {
      (self.server, self.name, self.linkUp, self.isShut, self.storms) = (server, name, linkUp, isShut, storms)
      self.traffic = traffic
    }
  }

  /// An interface of the rack's own: an uplink, or the metadata service's.
  public struct Interface: Hashable, Sendable {
    public var name: String
    public var linkUp: Bool
    public var traffic: Traffic

    public init(name: String, linkUp: Bool, traffic: Traffic) {
      (self.name, self.linkUp, self.traffic) = (name, linkUp, traffic)
    }
  }

  public struct Stations: Hashable, Sendable {
    public var count = 0, limit = 0
    public var evicted: UInt64 = 0, refused: UInt64 = 0, moved: UInt64 = 0
    public init() {}
  }

  public struct Commits: Hashable, Sendable {
    public var durations = DurationHistogram()
    public var failures: UInt64 = 0
    /// Whether changes can be written, as far as is known.
    public var isWritable = true
    /// Of the database and its log.
    public var bytes = 0
    public init() {}
  }

  public var version: String
  public var startedAt: Date
  /// From the start of the daemon to the moment when the counters were read.
  public var uptime: Duration
  public var workers = 0
  public var ioDriver = ""
  public var nics: [NIC] = []
  public var interfaces: [Interface] = []
  public var members: [LACPMember] = []
  public var neighbours: [NeighbourStatus] = []
  public var stations = Stations()
  /// Since the start, by type.
  public var events: [String: UInt64] = [:]
  public var problems: [Problem] = []
  public var commits = Commits()

  public init(version: String, startedAt: Date, uptime: Duration = .zero) {
    (self.version, self.startedAt, self.uptime) = (version, startedAt, uptime)
  }
}
