public import Net
public import Switching

/// What the gateway knows of one neighbour, for listings.
public struct NeighbourReport: Equatable, Sendable {
  /// Of RFC 4861 7.3.2; `failed`: did not answer a second ago.
  public enum State: String, Sendable, CaseIterable {
    case incomplete, reachable, stale, delay, probe, failed
  }

  public var port: PortIndex
  public var address: IPAddress
  /// nil while it is not known.
  public var mac: MACAddress?
  public var state: State
  /// Milliseconds since the state was entered.
  public var age: UInt64

  public init(port: PortIndex, address: IPAddress, mac: MACAddress?, state: State, age: UInt64) {
    (self.port, self.address, self.mac, self.state, self.age) = (port, address, mac, state, age)
  }
}

extension NeighbourReport.State {
  /// nil: nothing is known.
  init?(_ state: NeighbourMachine.State) {
    switch state {
    case .absent: return nil
    case .incomplete: self = .incomplete
    case .reachable: self = .reachable
    case .stale: self = .stale
    case .delay: self = .delay
    case .probe: self = .probe
    case .failed: self = .failed
    }
  }
}
