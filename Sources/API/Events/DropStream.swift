// One caller who follows drops: first those after a cursor, then each as it comes, and a sign of life when none does.
//
// Nothing waits here for the reader. What was dropped stays in the logs of the forwarding plane, whose length is fixed;
// a reader that is slower than they are overwritten is told how many it has missed.

import AsyncAlgorithms
import Control
import HummingbirdCore
import NIOCore
import Rack
import ServiceLifecycle

/// The body of one answer to `GET /toprack/drops/stream`.
struct DropStream: Sendable {
  /// How often is looked for more. A look at nothing new is a few loads.
  static let pause = Duration.milliseconds(200)
  /// Drops that are told between two looks at whether the reader is still let in.
  private static let pieceSize = 500

  let call: Call
  let selection: DropRequest
  /// The last drop that the caller has; nil: those from now on are wanted.
  let after: DropCursor?
  let heartbeat: Duration

  /// Returns when the daemon stops or the reader is let go, and throws when there is nobody any more.
  func write(to writer: inout any ResponseBodyWriter) async throws {
    var cursor: DropCursor
    if let after { cursor = after } else { cursor = await call.drops(selection, after: nil, limit: 1).next }
    try await send(ServerSentEvents.comment("toprack drops"), to: &writer)
    var isQuietSince = ContinuousClock.now
    let ticks = chain([()].async, AsyncTimerSequence(interval: Self.pause, clock: .continuous).map { _ in })
    loop: for await _ in ticks.cancelOnGracefulShutdown() {
      var isMore = true
      while isMore {
        let reading = await call.drops(selection, after: cursor, limit: Self.pieceSize)
        isMore = reading.drops.count == Self.pieceSize
        cursor = reading.next
        if reading.overwritten > 0 || !reading.drops.isEmpty {
          guard await call.isStillLetIn() else { break loop }
          isQuietSince = .now
          try await send(text(of: reading, await call.view()), to: &writer)
        }
      }
      if isQuietSince.duration(to: .now) >= heartbeat {
        guard await call.isStillLetIn() else { break loop }
        isQuietSince = .now
        try await send(ServerSentEvents.comment("still here"), to: &writer)
      }
    }
    try await writer.finish(nil)
  }

  private func text(of reading: DropReading, _ view: View) -> [UInt8] {
    var text: [UInt8] = []
    if reading.overwritten > 0 {
      let count: JSON = ["overwritten": .integer(Int(clamping: reading.overwritten))]
      // Before those that follow it at once, it has no place of its own to go on from.
      let id = reading.drops.isEmpty ? "\(reading.next)" : nil
      text += ServerSentEvents.message(id: id, type: "overwritten", data: count)
    }
    let renderer = call.renderer(view)
    for drop in reading.drops {
      text += ServerSentEvents.message(id: "\(drop.cursor)", type: "drop", data: renderer.drop(drop))
    }
    return text
  }

  private func send(_ bytes: [UInt8], to writer: inout any ResponseBodyWriter) async throws {
    try await writer.write(ByteBuffer(bytes: bytes))
  }
}
