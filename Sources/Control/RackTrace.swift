public import Rack
public import Switching

/// What the forwarding plane would do with one frame, in the rack's words.
public struct RackTrace: Hashable, Sendable {
  /// One thing that was asked of the tables, and what they said.
  public struct Step: Hashable, Sendable {
    public enum Name: String, Sendable {
      case member, header, port, bond, domain, learning, lookup, routing, egress, drop
    }

    public var name: Name
    public var text: String

    public init(_ name: Name, _ text: String) { (self.name, self.text) = (name, text) }
  }

  public enum Verdict: String, Sendable { case forward, flood, route, local, drop }

  /// A NIC that would get the frame.
  public struct Egress: Hashable, Sendable {
    public enum Receiver: Hashable, Sendable {
      case server(ServerID, hostname: String, port: PortName, nic: PortName)
      /// An uplink's interface, or the metadata service.
      case own(String)
      /// A server that is not for whoever asks: packets are routed between projects.
      case hidden
    }

    public var receiver: Receiver
    /// VLAN of its tag there; nil: it has none.
    public var tag: Int?

    public init(_ receiver: Receiver, tag: Int?) { (self.receiver, self.tag) = (receiver, tag) }
  }

  public var verdict: Verdict
  public var reason: DropReason?
  public var steps: [Step]
  public var egress: [Egress]
  /// The NIC that the reason counts at, where that is a server's that may be named: what to change is about it.
  public var droppedAt: DroppedAt?
  /// The NIC that the frame is taken to come in by.
  public var nic: PortName

  public struct DroppedAt: Hashable, Sendable {
    public var server: ServerID
    public var nic: PortName
  }
}
