public import Rack
public import Store

/// What has happened: the journal in the store, and events as they come.
extension Control {
  /// Events from the newest on, and how many there are in all.
  public func events(
    _ filter: Store.EventFilter, offset: Int, limit: Int
  ) async throws -> (events: [Event], total: Int) {
    do { return try await store.events(filter, offset: offset, limit: limit) } catch { throw Self.unavailable(error) }
  }

  public func event(_ id: EventID) async throws -> Event? {
    do { return try await store.event(id) } catch { throw Self.unavailable(error) }
  }

  /// Events that came after one, the oldest first; `nil` when it is not there any more.
  public func events(after id: EventID, _ filter: Store.EventFilter, limit: Int) async throws -> [Event]? {
    do { return try await store.events(after: id, filter, limit: limit) } catch { throw Self.unavailable(error) }
  }

  /// Batches of a port, the newest first.
  public func batches(of port: PortID) async throws -> [AssignmentBatch] {
    do { return try await store.batches(of: port) } catch { throw Self.unavailable(error) }
  }

  public func batch(_ id: BatchID) async throws -> AssignmentBatch? {
    do { return try await store.batch(id) } catch { throw Self.unavailable(error) }
  }

  /// Events from now on, each after its change is committed and live. It ends when the reader is more than a thousand events
  /// behind, and when the daemon stops.
  public func watchEvents() -> AsyncStream<Event> {
    events.watch { number in Task { await self.forgetWatcher(number) } }
  }

  private func forgetWatcher(_ number: Int) { events.remove(number) }

  private static func unavailable(_ fault: StoreFault) -> Unavailable { Unavailable(message: fault.message) }
}
