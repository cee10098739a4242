// Following the daemon's stream of events for as long as somebody reads, over restarts of the daemon.

import AsyncHTTPClient
import Foundation
import NIOCore

/// One stream, and those that continue it.
struct EventFollower {
  let client: Client
  /// Told when the stream is lost and when it is there again.
  let notice: (String) -> Void
  /// With its query.
  var path = "/events/stream"
  /// What the stream is of, as a notice says it.
  var things = "events"

  /// Times between attempts to connect again: the first, and the longest.
  private static let pauses = Duration.milliseconds(250)...Duration.seconds(5)

  /// Connects, calls `connected` for the identifier of the last event that is known otherwise, and then `receive` for each event
  /// that comes, with its JSON. What happens while `connected` works is not missed, and may be told twice. Ends only by
  /// throwing: when the daemon cannot be reached at first, or refuses.
  func run(connected: () async throws -> String?, receive: (Data) throws -> Void) async throws {
    var body = try await client.stream(path, lastEvent: nil)
    var last = try await connected()
    while true {
      var parser = ServerSentEvents()
      do {
        for try await chunk in body {
          for item in parser.feed(chunk.readableBytesView) {
            switch item {
            case .comment: Output.endUnlessRead()
            case .event(let event):
              last = event.id ?? last
              try receive(Data(event.data.utf8))
            }
          }
        }
      } catch let failure as Failure {
        throw failure
      } catch {
        // However a connection ends, what follows is the same.
      }
      notice("the stream of \(things) has ended; waiting for toprackd")
      body = try await again(after: last)
      notice("connected again")
    }
  }

  /// Asks until there is an answer.
  private func again(after last: String?) async throws -> HTTPClientResponse.Body {
    var last = last
    var pause = Self.pauses.lowerBound
    while true {
      do {
        return try await client.stream(path, lastEvent: last)
      } catch let failure as Failure where failure.kind == .unreachable {
        Output.endUnlessRead()
        try await Task.sleep(for: pause)
        pause = min(pause * 2, Self.pauses.upperBound)
      } catch let failure as Failure where last != nil {
        // A rack that was put back to an earlier state does not know the event.
        notice(failure.messages.joined(separator: "; "))
        last = nil
      }
    }
  }
}
