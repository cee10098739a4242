import Control
import Dispatch
import Foundation
import Rack
import Testing

/// A thread of the test's own, on which it can wait for Control while the shared pool has no thread left.
private final class OneThread: TaskExecutor {
  private let queue = DispatchQueue(label: "test")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

@Suite("Control and the threads that all share", .serialized) struct OwnThreadTests {
  /// Does `body` while nothing else runs that has no thread of its own. False: it was not done within `limit`.
  private static func withoutPool(
    _ limit: DispatchTimeInterval, _ body: @escaping @Sendable () async throws -> Void
  ) -> Bool {
    let (taken, free, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    // More than the pool has threads; those that come later wait for the others. This thread is one as well.
    let count = 4 * ProcessInfo.processInfo.activeProcessorCount
    for _ in 0..<count {
      Task.detached {
        taken.signal()
        Self.block(free)
      }
    }
    while taken.wait(timeout: .now() + .milliseconds(200)) == .success {}
    let thread = OneThread()
    Task.detached(executorPreference: thread) {
      try? await body()
      done.signal()
    }
    let isDone = done.wait(timeout: .now() + limit) == .success
    for _ in 0..<count { free.signal() }
    return isDone
  }

  private static func block(_ semaphore: DispatchSemaphore) { semaphore.wait() }

  @Test("a change is decided, written and on the wire, also while nothing of the shared pool is free")
  func change() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    let control = machine.control
    let command = Command.createNetwork(
      NetworkRequest(project: project, facility: "ewr1", vxlan: 100, description: nil))
    #expect(Self.withoutPool(.seconds(20)) { try await control.perform(command) })
    #expect(await control.rack.networks.count == 1)
    await machine.end()
  }

  @Test(
    "so is a server with its interfaces, made and removed, and what happens beside changes",
    .enabled(if: canMakeInterfaces))
  func server() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    let control = machine.control
    let request = ServerRequest(
      hostname: machine.name("a"), plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
      project: project, place: .host)
    #expect(
      Self.withoutPool(.seconds(20)) {
        let outcome = try await control.perform(.createServer(request))
        guard case .server(let id) = outcome.subject else { return }
        _ = try? await control.repair(id)
        await control.note("device.test", "something happened", of: id)
        try await control.perform(.deleteServer(id))
      })
    #expect(await control.rack.servers.isEmpty)
    let events = try await control.events(of: nil, server: nil, offset: 0, limit: 10).events
    #expect(events.contains { $0.type == "device.test" })
    await machine.end()
  }
}
