public import FoundationEssentials
public import Rack
import Switching

/// A port that the loop guard has shut.
public struct ShutPort: Hashable, Sendable {
  public enum Reason: String, Hashable, Sendable {
    /// What is sent into the server comes back by this port.
    case loop
    /// A station jumps between this port and another of the server.
    case moves
  }

  public var port: PortName
  public var reason: Reason
  public var until: Date
  /// How often it was shut in a row: 1 the first time.
  public var times: Int
  /// Why, until when, and what to do.
  public var text: String

  public init(port: PortName, reason: Reason, until: Date, times: Int, text: String) {
    (self.port, self.reason, self.until, self.times, self.text) = (port, reason, until, times, text)
  }
}

/// What the guard has said that still holds: kept up by its events, so that nobody has to ask it.
struct PortMarks {
  var shut: [PortIndex: ShutPort] = [:]
  /// NICs that send more floods than they may.
  var storms: Set<NICIndex> = []
}
