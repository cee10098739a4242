public import Net
public import Switching

/// A station as `Dataplane.stations` reports it.
public struct StationRecord: Hashable, Sendable {
  public let domain: DomainIndex
  public let port: PortIndex
  public let mac: MACAddress
  /// Seconds since it was last heard.
  public let ageSeconds: Int
  /// How often it went to another port, as far as is known: 32 767 at most.
  public let moves: Int
}

/// Which stations are to be forgotten.
public struct StationQuery: Sendable {
  /// nil: every domain.
  public var domain: DomainIndex?
  /// nil: every port.
  public var ports: Set<PortIndex>?

  public init(domain: DomainIndex? = nil, ports: Set<PortIndex>? = nil) {
    self.domain = domain
    self.ports = ports
  }
}

/// How full the station table is.
public struct StationStatistics: Hashable, Sendable {
  public let count: Int
  public let limit: Int
  /// Stations displaced by newcomers, and newcomers that found no place, since the start.
  public let evicted: UInt64
  public let refused: UInt64
  /// Moves of stations from one port to another, since the start.
  public let moved: UInt64
}
