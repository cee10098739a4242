// `GET /toprack/capture`: frames as they cross the switch.

import Control
import Rack

struct ToprackCaptureRoutes {
  /// Of one token or user; there are eight in all, and whoever has the whole rack may have them.
  static let limit = 4

  /// Of the API and the portal together.
  let captures: CallerShares

  static func shares() -> CallerShares { CallerShares(limit, "captures") }

  func register(on routes: inout Routes) {
    routes.get("/toprack/capture", capture)
  }

  private func capture(_ call: Call) async throws -> Reply {
    let ordering = try await CaptureOrdering(call)
    let place = call.access.scope == .all ? nil : try captures.take(call.access)
    let running = try await call.capture(ordering.request)
    let body = CaptureBody(call: call, running: running, form: ordering.form, duration: ordering.duration)
    return .stream(ordering.format.mediaType) { writer in
      defer { withExtendedLifetime(place) {} }
      switch ordering.format {
      case .pcapng: try await body.write(CaptureFileEncoder(running.source), to: &writer)
      case .json: try await body.write(CaptureLineEncoder(), to: &writer)
      }
    }
  }
}
