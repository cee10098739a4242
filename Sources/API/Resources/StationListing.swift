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

  /// `first`: the first piece, and `next`: where the others begin. Throws when there is nobody any more, or the switch
  /// cannot be asked; then the array has no end.
  func write(_ first: [Station], then next: StationBookmark, to writer: inout any ResponseBodyWriter) async throws {
    var (stations, bookmark): ([Station], StationBookmark?) = (first, next)
    var separator = "["
    while true {
      var text: [UInt8] = []
      let renderer = call.renderer(view)
      for station in stations {
        text += separator.utf8
        separator = ","
        text += renderer.station(station).text
      }
      guard let from = bookmark else {
        text += (separator == "[" ? "[]" : "]").utf8
        try await writer.write(ByteBuffer(bytes: text))
        return try await writer.finish(nil)
      }
      try await writer.write(ByteBuffer(bytes: text))
      (stations, bookmark) = try await piece(from)
    }
  }
}
