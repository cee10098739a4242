// What the slow path knows of all bonds and all neighbours is asked of it as a whole. Those who wait look ten times a
// second, and there may be many: so they look together.

import Control
import Rack

/// The last look of each kind, which others may use for a tenth of a second. By caller, since each sees their own.
///
/// A look that began before something was known to have changed says nothing of it: who asks says from when on a look
/// will do.
actor SharedLooks {
  typealias Instant = ContinuousClock.Instant

  /// Between two looks of somebody who waits.
  static let pause = Duration.milliseconds(100)
  /// Old ones are forgotten when there are so many callers.
  private static let limit = 256

  private struct Look<Value: Sendable> {
    let began: Instant
    let task: Task<Value, Never>

    func isUseful(from instant: Instant) -> Bool { began >= instant && began.duration(to: .now) < pause }
  }

  private var members: [String: Look<[LACPMember]>] = [:]
  private var neighbours: [String: Look<[NeighbourStatus]>] = [:]

  func members(_ call: Call, from instant: Instant) async -> [LACPMember] {
    await Self.look(&members, call, instant) { await call.lacp(of: nil) }.value
  }

  func neighbours(_ call: Call, from instant: Instant) async -> [NeighbourStatus] {
    await Self.look(&neighbours, call, instant) { await call.neighbours(of: nil) }.value
  }

  private static func look<Value: Sendable>(
    _ looks: inout [String: Look<Value>], _ call: Call, _ instant: Instant,
    _ look: @escaping @Sendable () async -> Value
  ) -> Task<Value, Never> {
    let caller = call.access.caller.name
    if let last = looks[caller], last.isUseful(from: instant) { return last.task }
    if looks.count >= limit { looks = looks.filter { $0.value.isUseful(from: .now - pause) } }
    let new = Look(began: .now, task: Task { await look() })
    looks[caller] = new
    return new.task
  }
}
