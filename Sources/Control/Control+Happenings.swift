import Logging
public import Rack
import Store

/// What happens without a command: a NIC vanishes, a port is shut. It is an event in the journal like any other.
extension Control {
  /// Writes an event of `server`, or of the rack as a whole, into the journal, and tells those who watch.
  ///
  /// - Parameters:
  ///   - type: what it concerns and what happened, `port.lost`.
  ///   - body: one sentence.
  ///   - port: the port of the server that it is about, for the log.
  ///   - requester: who asked for it, where somebody did.
  public func note(
    _ type: String, _ body: String, of server: ServerID? = nil, port: PortName? = nil, by requester: Requester? = nil
  ) async {
    let event = Event(
      id: EventID(entropy.identifier()), type: type, body: body, createdAt: entropy.now,
      project: server.flatMap { rack.servers[$0]?.project }, server: server, by: requester?.name)
    if requester == nil {
      logger.notice("\(body)", metadata: fields(type, server, event.project, port))
    } else {
      logChange(body, type, of: server, event.project, by: requester)
    }
    // A state that is read-only says so elsewhere.
    if store.readOnlyReason == nil {
      do { try await writeApart([event]) } catch { logger.error("event not written", metadata: ["error": "\(error)"]) }
    }
    events.publish(event)
  }

  /// Writes into the store in a task of its own: a caller that is cancelled would cancel the transaction.
  func writeApart(_ events: [Event], places: [NICPlaceChange] = []) async throws(StoreFault) {
    let store = store
    let written = begin {
      await Result { () async throws(StoreFault) in
        try await store.commit([], events: events, places: places)
      }
    }
    try await written.value.get()
  }

  /// The one line of the log that each change leaves: what was done, and who wanted it.
  func logChange(
    _ body: String, _ type: String, of server: ServerID? = nil, _ project: ProjectID? = nil, by requester: Requester?
  ) {
    var fields = fields(type, server, project)
    fields["by"] = "\(requester?.words ?? "toprackd")"
    logger.info("\(body)", metadata: fields)
  }

  /// What an event is about, in fields: a server and a project by name, or by identifier where they are gone.
  private func fields(
    _ type: String, _ server: ServerID?, _ project: ProjectID?, _ port: PortName? = nil
  ) -> Logger.Metadata {
    var fields: Logger.Metadata = ["event": "\(type)"]
    if let server { fields["server"] = "\(rack.servers[server]?.hostname ?? "\(server)")" }
    if let project { fields["project"] = "\(rack.projects[project]?.name ?? "\(project)")" }
    if let port { fields[port == .bond0 ? "port" : "nic"] = "\(port.rawValue)" }
    return fields
  }
}

extension Result where Success: Sendable {
  fileprivate init(_ body: () async throws(Failure) -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
