// News for the script of a page that is open: a word of each event that its reader may see. The script then fetches the
// page anew and puts what differs in its place, so there is one way to draw each thing, and it is here.

import HTTPTypes
import Rack

struct LiveUpdates {
  let heartbeat: Duration
  /// Of the API and the portal together.
  let streams: CallerShares

  func register(on routes: inout PortalRoutes) {
    routes.get("/live") { visit in
      var stream = EventStream(call: visit.call, last: nil, heartbeat: heartbeat) { event, _ in
        let by = event.by.map { " (\($0))" } ?? ""
        return ServerSentEvents.message(
          id: event.id.description, type: "message", data: ["text": .string(event.body + by)])
      }
      let place = try streams.take(visit.access)
      stream.isWanted = { visit.site.sessions.isOpen(visit.key) }
      return PortalAnswer(
        status: .ok, headers: [.contentType: ServerSentEvents.mediaType, .cacheControl: "no-store"],
        body: .stream { [stream] writer in
          defer { withExtendedLifetime(place) {} }
          try await stream.write(to: &writer)
        })
    }
  }
}
