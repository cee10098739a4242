// `GET /toprack/why?from=&to=`: what is wrong between two servers. It changes nothing, so a read-only token may ask.

import Diagnosis
import Rack

struct ToprackWhyRoutes {
  let probes: Probes
  /// Of one token or user, at a time.
  let questions = CallerShares(8, "questions of why")

  func register(on routes: inout Routes) { routes.get("/toprack/why", why) }

  private func why(_ call: Call) async throws -> Reply {
    let place = try questions.take(call.access)
    defer { withExtendedLifetime(place) {} }
    let inquiry = try await Inquiry(call: call, probes: probes)
    let diagnosis = Diagnosis(await inquiry.facts())
    return .ok([
      "ok": .boolean(diagnosis.isWell),
      "findings": .array(
        diagnosis.findings.map {
          ["cause": .string($0.cause.rawValue), "text": .string($0.text), "cure": .string($0.cure)]
        }),
      "path": .array(diagnosis.path.map(JSON.string)),
    ])
  }
}
