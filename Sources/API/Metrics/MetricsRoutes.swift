// What is counted, for Prometheus and for `toprack top`, and whether the daemon is well, for whoever looks after it.

import Control
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore
import Rack

struct MetricsRoutes {
  static let path = "/metrics"
  static let alive = "/healthz"
  static let ready = "/readyz"

  /// Answers that one caller has under way.
  private let scrapes = CallerShares(4, "answers of metrics")

  func register(on routes: inout Routes) {
    let meter = routes.meter
    routes.get(Self.path) { call in try await metrics(call, meter) }
    routes.get(Self.alive) { _ in Self.words("ok", .ok) }
    routes.get(Self.ready) { call in
      let reasons = await call.notReady()
      return reasons.isEmpty
        ? Self.words("ok", .ok) : Self.words("not ready: \(reasons.joined(separator: ", "))", .serviceUnavailable)
    }
    routes.get("/toprack/traffic", traffic)
  }

  private static func words(_ text: String, _ status: HTTPResponse.Status) -> Reply {
    Reply(
      status: status, body: .document(Array((text + "\n").utf8), type: "text/plain; charset=utf-8"),
      headers: [.cacheControl: "no-store"])
  }

  private func metrics(_ call: Call, _ meter: RequestMeter) async throws -> Reply {
    let place = try scrapes.take(call.access)
    let format = MetricsFormat(accept: call.accept)
    let figures = await call.figures()
    let isWhole = call.access.scope == .all
    let page = MetricsPage(
      await call.view(), figures, requests: isWhole ? meter.figures : nil, process: isWhole ? .now() : nil)
    return .stream(format.contentType) { writer in
      defer { withExtendedLifetime(place) {} }
      var (next, text) = (MetricsPage.Place(), MetricsText(format))
      while true {
        let goesOn = await call.turn.working { page.write(from: &next, to: &text, size: Listing.pieceSize) }
        try await writer.write(ByteBuffer(bytes: text.take()))
        if !goesOn { return try await writer.finish(nil) }
        await Task.yield()
      }
    }
  }

  /// The counters of all NICs at one moment, and when that was.
  private func traffic(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let figures = await call.trafficFigures()
    let nics = figures.nics.compactMap { nic in view[nic.server].map { ($0, nic) } }.sorted {
      ($0.0.hostname, $0.0.id.description, $0.1.name.rawValue)
        < ($1.0.hostname, $1.0.id.description, $1.1.name.rawValue)
    }
    return .list([
      "uptime_us": .json(.integer(figures.uptime.microseconds)),
      "nics": .elements(
        call.elements(nics, view) { renderer, entry in
          let (server, nic) = entry
          return [
            "server": .string(server.hostname), "server_id": server.id.json,
            "project": renderer.projectName(of: server.id), "facility": .string(server.facility),
            "nic": .string(nic.name.rawValue), "link_up": .boolean(nic.linkUp),
            "rx_packets": .integer(Int(clamping: nic.traffic.rxPackets)),
            "rx_bytes": .integer(Int(clamping: nic.traffic.rxBytes)),
            "tx_packets": .integer(Int(clamping: nic.traffic.txPackets)),
            "tx_bytes": .integer(Int(clamping: nic.traffic.txBytes)),
            "dropped": .integer(Int(clamping: nic.traffic.dropped)),
          ]
        }),
    ])
  }
}

extension Duration {
  fileprivate var microseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
  }
}
