// A server whose namespace the daemon sets up says what was set up a moment after the command.

import Foundation

extension Client {
  /// The device of `answer` when its namespace is set up, or why it is not; after some seconds as it is then.
  func configured(_ answer: Answer) async throws -> Answer {
    let id = try answer.decoded(as: Device.self).id
    let end = ContinuousClock.now + .seconds(10)
    while true {
      let now = try await get("/devices/\(id)")
      let device: Device = try now.decoded()
      if device.toprack.configured != nil || device.toprack.problems?.isEmpty == false || ContinuousClock.now > end {
        return now
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
