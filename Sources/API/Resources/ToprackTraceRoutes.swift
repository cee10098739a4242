// `POST /toprack/trace`: what the switch would do with a frame, step by step. It changes nothing, so a read-only token
// may ask.

import Control
import Diagnosis
import Rack

struct ToprackTraceRoutes {
  func register(on routes: inout Routes) { routes.post("/toprack/trace", trace) }

  private func trace(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let text = try call.arguments.required("in", "SERVER:PORT") { try call.arguments.string($0) }
    let place = try PortReference(text, "in", view)
    return .ok(call.renderer(view).trace(try await call.trace(call.arguments, by: place)))
  }
}

extension RackTrace {
  /// The frame that was asked about, for advice.
  struct Asked {
    var trace: RackTrace
    var frame: [UInt8]
  }
}

extension Call {
  /// What would become of the frame that `arguments` describe, if a server that a view has given out gave it.
  func trace(_ arguments: Arguments, by place: PortReference) async throws -> RackTrace.Asked {
    let own = place.port == .bond0 ? place.server.members.first : place.port
    return try await trace(
      try FrameArguments(given: arguments).bytes(own: own.flatMap { place.server[$0].mac }), by: place)
  }

  func trace(_ frame: [UInt8], by place: PortReference) async throws -> RackTrace.Asked {
    guard let trace = await trace(frame, from: place.server, by: place.port) else {
      throw APIError.invalid(
        "\(place.server.hostname) \(place.port.rawValue) is not attached to the switch: "
          + "'toprack server repair \(place.server.hostname)' puts it back")
    }
    return RackTrace.Asked(trace: trace, frame: frame)
  }
}
