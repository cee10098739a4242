// `GET /toprack/drops` and `/toprack/drops/stream`: the last frames that went no further, and each as it happens.

import Control
import Rack
import Switching

struct ToprackDropRoutes {
  let heartbeat: Duration
  /// Of the API and the portal together.
  let streams: CallerShares

  /// How many are listed: without a word, and at most.
  static let limits = (usual: 100, most: 5_000)

  func register(on routes: inout Routes) {
    routes.get("/toprack/drops", list)
    routes.get("/toprack/drops/stream", follow)
  }

  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let request = try DropRequest(call.arguments, view)
    let limit = try call.arguments.integer("limit") ?? Self.limits.usual
    guard (0...Self.limits.most).contains(limit) else {
      throw APIError.invalid("limit \(limit) is out of range; valid are 0 to \(Self.limits.most)")
    }
    let after = try Self.cursor(call.arguments.string("after"))
    let reading = await call.drops(request, after: after, limit: max(limit, after == nil ? 0 : 1))
    return .list([
      "drops": .elements(call.elements(reading.drops, view) { $0.drop($1) }),
      "next": .json(.string("\(reading.next)")),
      "overwritten": .json(.integer(Int(clamping: reading.overwritten))),
    ])
  }

  /// `Last-Event-ID`, or `after` in the query: the drop after which to begin.
  private func follow(_ call: Call) async throws -> Reply {
    let request = try DropRequest(call.arguments, await call.view())
    let after = try Self.cursor(call.lastEventID ?? call.arguments.string("after"))
    let place = try streams.take(call.access)
    let stream = DropStream(call: call, selection: request, after: after, heartbeat: heartbeat)
    return .stream(ServerSentEvents.mediaType) { writer in
      defer { withExtendedLifetime(place) {} }
      try await stream.write(to: &writer)
    }
  }

  private static func cursor(_ text: String?) throws(APIError) -> DropCursor? {
    guard let text else { return nil }
    guard let cursor = DropCursor(text) else {
      throw .invalid("after \(Arguments.shown(.string(text))) is no cursor; valid is \"next\" of an earlier answer")
    }
    return cursor
  }
}

/// Which drops a caller asks for.
struct DropRequest: Sendable {
  var server: Server?
  var nics: Set<PortName>?
  var reason: DropReason?

  init(server: Server?) { self.server = server }

  init(_ arguments: Arguments, _ view: View) throws {
    server = try arguments.string("server").map { try view.known(serverNamed: $0) }
    if let word = try arguments.string("port") {
      guard let server else { throw APIError.invalid("port \(Arguments.shown(.string(word))) is given without server") }
      guard let port = server.port(named: word) else {
        throw APIError.unknown(
          "\(server.hostname) has no port \(Arguments.shown(.string(word))); valid are bond0, eth0 and eth1")
      }
      // What was dropped on the NICs that are in the bond now.
      nics = port == .bond0 ? Set(server.members) : [port]
    }
    if let word = try arguments.string("reason") {
      reason = DropReason.allCases.first { $0.name == word }
      guard reason != nil else {
        let valid = DropReason.allCases.map(\.name).sorted().joined(separator: ", ")
        throw APIError.invalid("reason \(Arguments.shown(.string(word))) is not known; valid are \(valid)")
      }
    }
  }
}

extension Call {
  /// Those of the caller's servers.
  func drops(_ request: DropRequest, after cursor: DropCursor?, limit: Int) async -> DropReading {
    await dropReading(
      DropSelection(server: request.server?.id, nics: request.nics, reason: request.reason, project: access.project),
      after: cursor, limit: limit)
  }
}
