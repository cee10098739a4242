import Control
import Rack

@testable import API

/// A rack without a switch behind it: the rules, and nothing of the operating system.
actor RackAlone: RackKeeper {
  private(set) var rack: Rack
  /// Who has wanted each change that was made.
  private(set) var callers: [String] = []
  private var source = Counting()

  init() { rack = Rack(with: &source) }

  func perform(_ command: Command, by: String) throws -> Outcome {
    let outcome = try rack.perform(command, with: &source)
    callers.append(by)
    return outcome
  }

  func counters(of server: ServerID) -> [PortName: NICStatus] { [:] }
  func stations(of server: ServerID?, vxlan: Int?) -> [Station] { [] }
  func flushStations(of server: ServerID?, vxlan: Int?) -> Int { 0 }
  func lacp(of server: ServerID?) -> [LACPMember] { [] }
  func neighbours() -> [NeighbourStatus] { [] }
  func forwarding() -> Forwarding { Forwarding(ports: [], nics: []) }
  func status() -> Status { preconditionFailure("a rack alone has no status") }
}

extension Rack {
  /// As somebody sees it who sees everything.
  var whole: View { View(self, access: Access(scope: .all, by: "test")) }
}
