public import Rack
import Store

/// What has happened: the journal in the store, and events as they come.
extension Control {
  /// Events of a project, of a server, or of all, from the newest on, and how many there are.
  public func events(
    of project: ProjectID?, server: ServerID?, offset: Int, limit: Int
  ) async throws -> (events: [Event], total: Int) {
    let filter = Store.EventFilter(project: project, server: server)
    do { return try await store.events(filter, offset: offset, limit: limit) } catch { throw Self.unavailable(error) }
  }

  public func event(_ id: EventID) async throws -> Event? {
    do { return try await store.event(id) } catch { throw Self.unavailable(error) }
  }

  /// Events that came after one, the oldest first; `nil` when it is not there any more.
  public func events(after id: EventID, of project: ProjectID?, limit: Int) async throws -> [Event]? {
    let filter = Store.EventFilter(project: project)
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
