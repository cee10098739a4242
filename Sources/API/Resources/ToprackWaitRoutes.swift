// `POST /toprack/wait`: an answer that comes when something is so.

import Checks
import Rack

struct ToprackWaitRoutes {
  let probes: Probes
  let looks = SharedLooks()
  let waits = CallerShares(Waiting.limit, "waits")

  func register(on routes: inout Routes) { routes.post("/toprack/wait", wait) }

  private func wait(_ call: Call) async throws -> Reply {
    let request = try WaitRequest(call, await call.view())
    if request.pinged != nil {
      // What cannot be, and will not be by waiting, is said at once.
      for server in request.servers {
        do { _ = try await probes.origin(of: server, call) } catch { throw APIError.invalid(error.message) }
      }
    }
    let waiting = Waiting(call: call, request: request, looks: looks, probes: probes)
    return .patient(try waits.take(call.access)) { await waiting.run().json }
  }
}
