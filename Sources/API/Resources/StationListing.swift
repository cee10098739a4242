// The station table as one long array, written while it is read: neither the switch nor the API ever holds all of it,
// and a client that takes it slowly slows nobody but itself.

import Control
import HummingbirdCore
import NIOCore

/// The body of one answer to `GET /toprack/fdb`.
struct StationListing: Sendable {
  let call: Call
  let view: View
  /// Held until the end.
  let place: CallerShares.Lease
  /// A further piece, and where it goes on.
  let piece: @Sendable (StationBookmark) async throws -> (stations: [Station], next: StationBookmark?)

  /// Stations that are written at once: about as many bytes as a piece of another list.
  private static let size = 200

  /// `first`: the first piece, and `next`: where the others begin. Throws when there is nobody any more, or the switch
  /// cannot be asked; then the array has no end.
  func write(_ first: [Station], then next: StationBookmark, to writer: inout any ResponseBodyWriter) async throws {
    var (stations, bookmark): ([Station], StationBookmark?) = (first, next)
    var separator = "["
    while true {
      for start in stride(from: 0, to: stations.count, by: Self.size) {
        let text = await call.turn.working {
          let renderer = call.renderer(view)
          var text: [UInt8] = []
          for station in stations[start..<min(start + Self.size, stations.count)] {
            text += separator.utf8
            separator = ","
            renderer.station(station).write(to: &text)
          }
          return text
        }
        try await writer.write(ByteBuffer(bytes: text))
        await Task.yield()
      }
      guard let from = bookmark else {
        try await writer.write(ByteBuffer(string: separator == "[" ? "[]" : "]"))
        return try await writer.finish(nil)
      }
      (stations, bookmark) = try await piece(from)
    }
  }
}
