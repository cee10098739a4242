// `GET /events/stream`: events as they happen.

import Rack

struct EventStreamRoutes {
  let heartbeat: Duration
  /// Of the API and the portal together.
  let streams: CallerShares

  func register(on routes: inout Routes) {
    routes.get("/events/stream", follow)
  }

  /// `Last-Event-ID`, or `since` in the query: the event after which to begin.
  private func follow(_ call: Call) async throws -> Reply {
    let reference = try call.lastEventID ?? call.arguments.string("since")
    var last: EventID?
    if let reference {
      last = EventID(reference)
      guard let last, try await call.events(after: last, limit: 1) != nil else {
        throw APIError.unknown(
          "there is no event \(Arguments.shown(.string(reference))), or it is not kept any more: begin without it")
      }
    }
    let place = try streams.take(call.access)
    let stream = EventStream(call: call, last: last, heartbeat: heartbeat) { event, view in
      ServerSentEvents.message(
        id: event.id.description, type: event.type, data: call.renderer(view).event(event))
    }
    return .stream(ServerSentEvents.mediaType) { writer in
      defer { withExtendedLifetime(place) {} }
      try await stream.write(to: &writer)
    }
  }
}
