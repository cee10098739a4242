// Namespaces that are set up for their servers' modes (`--configure`), beside the rack.

import Control
import Dispatch
import Guest
import Rack
import ServiceLifecycle
import Synchronization

/// Keeps the interfaces in namespaces in step with the rack until the daemon stops.
///
/// As with consoles, Control knows nothing of it and waits for none of it: what has changed is heard of by the events.
/// Servers that an event names are done one after another, each once however many events there were, as they are in the
/// rack then. One that could not be done is tried again each ten seconds.
struct GuestService: Service {
  let control: Control

  private static let pause = Duration.seconds(10)
  private static let topics = ["device.", "port.", "ip.", "namespace."]
  /// What a machine says as often as it likes.
  private static let reports = ["device.phone_home", "device.user_state"]

  func run() async throws {
    let due = Due()
    await withTaskGroup { group in
      group.addTask { await follow(due) }
      group.addTask { await work(due) }
      try? await gracefulShutdown()
      group.cancelAll()
      due.end()
    }
  }

  private func follow(_ due: Due) async {
    while !Task.isCancelled {
      // From before the rack is read, so that nothing falls in between.
      let events = await control.watchEvents()
      due.add(await control.rack.servers.values.filter(\.isConfigured).map(\.id))
      for await event in events {
        guard let server = event.server, Self.topics.contains(where: event.type.hasPrefix),
          !Self.reports.contains(event.type)
        else { continue }
        due.add([server])
      }
    }
  }

  private func work(_ due: Due) async {
    let configurator = GuestConfigurator(rack: await control.rack.id)
    let queue = DispatchQueue(label: "toprack.guests")
    /// Those that were set up, as they were then.
    var known: [ServerID: Server] = [:]
    for await _ in due.wakes {
      for id in due.take() {
        let rack = await control.rack
        if let server = rack.servers[id], server.isConfigured {
          known[id] = server
          let report = await queue.doing { configurator.configure(server, in: rack) }
          await control.configured(id, report.summary, fault: report.fault)
          if report.fault != nil {
            Task {
              try? await Task.sleep(for: Self.pause)
              due.add([id])
            }
          }
        } else if let old = known.removeValue(forKey: id) {
          let isGone = rack.servers[id] == nil
          await queue.doing { configurator.clear(old, isGone: isGone) }
          await control.configured(id, nil, fault: nil)
        }
      }
    }
  }
}

/// Servers that are to be looked at, each once.
private final class Due: Sendable {
  private let servers = Mutex<[ServerID]>([])
  let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation

  init() { (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1)) }

  func add(_ new: [ServerID]) {
    servers.withLock { servers in
      for id in new where !servers.contains(id) { servers.append(id) }
    }
    wake.yield()
  }

  func take() -> [ServerID] {
    servers.withLock { servers in
      defer { servers = [] }
      return servers
    }
  }

  func end() { wake.finish() }
}

extension DispatchQueue {
  /// Does `work` on the queue, and waits without a thread.
  fileprivate func doing<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in async { continuation.resume(returning: work()) } }
  }
}
