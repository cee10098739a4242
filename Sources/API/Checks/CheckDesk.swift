// Runs of checks, for the API and the portal: so many of a caller's at a time, wherever they were asked for.

import Labs
import MachineHost
import Rack

struct CheckDesk: Sendable {
  /// Of one token or user, at a time.
  static let limit = 8

  let probes: Probes
  private let runs = CallerShares(limit, "runs of checks")

  /// `nil`: this daemon has no virtual machines.
  init(machines: MachineHub?) { probes = Probes(machines: machines) }

  /// Those of the file that was applied last.
  static func checks(of lab: Lab) -> [LabCheck] { LabFile(canonical: lab.applied)?.checks ?? [] }

  /// Takes one of the caller's runs, for as long as somebody holds it. Throws 403 to a caller that may not write: checks
  /// change nothing, but they send. Throws 429 when the caller has all.
  func lease(_ call: Call) throws(APIError) -> CallerShares.Lease {
    try call.access.requireWriting()
    return try runs.take(call.access)
  }

  func runner(_ call: Call) -> CheckRunner { CheckRunner(call: call, probes: probes) }

  /// Runs the checks of a lab that a view has given out. Others of the caller have their turn meanwhile.
  func run(_ lab: Lab, _ call: Call) async throws(APIError) -> [CheckResult] {
    let lease = try lease(call)
    defer { withExtendedLifetime(lease) {} }
    let runner = runner(call)
    return await call.patiently { await runner.run(Self.checks(of: lab), in: lab.project) }
  }
}
