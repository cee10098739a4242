// One caller who follows events: first those that were missed, then each as it comes, and a sign of life when nothing
// does.
//
// Nobody waits for the reader. Control puts events into a buffer of bounded length and lets go a reader who lets it
// fill; a connection that takes nothing at all is closed by `ReadingDeadline`, of which the sign of life makes sure.

import AsyncAlgorithms
import HummingbirdCore
import NIOCore
import Rack
import ServiceLifecycle

/// The body of one answer to `GET /events/stream`, or to its like of the portal.
struct EventStream: Sendable {
  static let heartbeat = Duration.seconds(15)
  /// Streams of one token or user. Each is a connection and a buffer here; one for each page that is open is what a
  /// person has.
  static let limit = 64

  /// The streams that callers have.
  static func shares() -> CallerShares { CallerShares(limit, "event streams") }

  private static let pageSize = 500
  /// What can be both in the journal and in the buffer of those to come.
  private static let overlap = 2048

  let call: Call
  /// The last event that the caller has; `nil`: those from now on are wanted.
  let last: EventID?
  let heartbeat: Duration
  /// What is sent of an event.
  var message: @Sendable (Event, View) -> [UInt8]
  /// Whether the reader is still to have what comes; asked with each sign of life.
  var isWanted: @Sendable () async -> Bool = { true }

  private enum Item: Sendable {
    case event(Event)
    case beat
    case end
  }

  /// Returns when the daemon stops or the reader is let go, and throws when there is nobody any more.
  func write(to writer: inout any ResponseBodyWriter) async throws {
    // From before the journal is read, so that nothing falls in between.
    let coming = await call.watchEvents()
    try await send(ServerSentEvents.comment("toprack events"), to: &writer)
    let known = try await sendMissed(to: &writer)
    let items = merge(
      chain(coming.map { Item.event($0) }, [Item.end].async),
      AsyncTimerSequence(interval: heartbeat, clock: .continuous).map { _ in Item.beat })
    loop: for await item in items.cancelOnGracefulShutdown() {
      switch item {
      case .event(let event):
        if !known.contains(event.id) { try await send(event, to: &writer) }
      case .beat:
        guard await call.isStillLetIn(), await isWanted() else { break loop }
        try await send(ServerSentEvents.comment("still here"), to: &writer)
      case .end: break loop
      }
    }
    try await writer.finish(nil)
  }

  /// Sends what came after `last`; the answer has those that may come once more.
  private func sendMissed(to writer: inout any ResponseBodyWriter) async throws -> Set<EventID> {
    var sent: [EventID] = []
    var last = last
    while let id = last {
      let page = try await call.events(after: id, limit: Self.pageSize) ?? []
      for event in page { try await send(event, to: &writer) }
      sent = Array((sent + page.map(\.id)).suffix(Self.overlap))
      last = page.count == Self.pageSize ? page.last?.id : nil
    }
    return Set(sent)
  }

  private func send(_ event: Event, to writer: inout any ResponseBodyWriter) async throws {
    try await send(message(event, await call.view()), to: &writer)
  }

  private func send(_ bytes: [UInt8], to writer: inout any ResponseBodyWriter) async throws {
    try await writer.write(ByteBuffer(bytes: bytes))
  }
}
