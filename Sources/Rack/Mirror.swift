public import FoundationEssentials

/// Copies of frames for somebody who looks: of a port, or of a virtual network, to a NIC that carries nothing else or to
/// an interface of the host.
public struct Mirror: Hashable, Sendable {
  public enum Source: Hashable, Sendable {
    /// A NIC, in the bond or out of it; of bond0 both members. Frames as they are on the wire.
    case port(PortID)
    /// Each frame once, as it came in, tagged with the network's number.
    case network(NetworkID)
  }

  public enum End: Hashable, Sendable {
    /// A NIC outside the bond that has no virtual network, and gets none while it is the end.
    case port(PortID)
    /// Name of an Ethernet interface in the daemon's own namespace.
    case device(String)
  }

  /// As the switch sees it.
  public enum Direction: String, Hashable, Sendable, CaseIterable, Codable {
    /// From the server into the switch.
    case `in`
    case out
    case both
  }

  public let id: MirrorID
  /// 1 to 80 characters, unique in its project.
  public let name: String
  /// That of its source, and of its end where that is a port.
  public let project: ProjectID
  public let source: Source
  /// Of a network's always `in`.
  public let direction: Direction
  /// In the language of tcpdump, pcap-filter(7); nil: every frame.
  public let filter: String?
  public let end: End
  public let createdAt: Date

  public init(
    id: MirrorID, name: String, project: ProjectID, source: Source, direction: Direction, filter: String?, end: End,
    createdAt: Date
  ) {
    (self.id, self.name, self.project, self.source) = (id, name, project, source)
    (self.direction, self.filter, self.end, self.createdAt) = (direction, filter, end, createdAt)
  }

  /// Bytes of a filter.
  public static let filterLimit = 2_048
  /// IFNAMSIZ without the zero at its end.
  static let deviceLimit = 15

  /// The ports that it needs.
  var ports: [PortID] {
    var ports: [PortID] = []
    if case .port(let id) = source { ports.append(id) }
    if case .port(let id) = end { ports.append(id) }
    return ports
  }
}

public struct MirrorRequest: Hashable, Sendable {
  public var name: String
  public var source: Mirror.Source
  /// `nil`: both ways of a port; of a network there is one.
  public var direction: Mirror.Direction?
  /// Empty: none.
  public var filter: String?
  public var end: Mirror.End

  public init(
    name: String, source: Mirror.Source, direction: Mirror.Direction? = nil, filter: String? = nil, end: Mirror.End
  ) {
    (self.name, self.source, self.direction) = (name, source, direction)
    (self.filter, self.end) = (filter, end)
  }
}
