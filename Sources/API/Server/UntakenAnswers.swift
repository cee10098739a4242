// Answers that are made and not taken: who reads slowly, or not at all, on a thousand connections has us keep a
// thousand of them.

import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization

/// Bytes of answers that are whole in memory until they are taken, for each caller, with a limit. What is short, and
/// what is rendered as it is taken (`Listing`), is bounded by the connections; the latter counts as `Listing.share`.
///
/// Threads: safe to share.
final class UntakenAnswers: Sendable {
  /// For each caller; an answer that is begun below it is finished.
  static let limit = 64 << 20
  /// What is written at once, and so what a connection has beside the answer itself.
  static let pieceSize = 64 << 10

  private let counts = Mutex<[String: Int]>([:])

  /// Throws 429 to a caller who has as much as there may be, before anything is done for them.
  func check(_ access: Access) throws(APIError) {
    guard count(of: access.caller) >= Self.limit else { return }
    let who = access.token == nil ? access.by : "token \(access.by)"
    throw APIError(
      .tooManyRequests,
      "\(who) has answers of \(Self.limit >> 20) MiB that have not been read, which is the limit: read them, and try again",
      retryAfter: 1)
  }

  func count(of caller: Caller) -> Int { counts.withLock { $0[caller.name] ?? 0 } }

  /// Counts so many until what is returned goes away.
  func take(_ size: Int, _ caller: Caller) -> Lease {
    counts.withLock { $0[caller.name, default: 0] += size }
    return Lease(self, size, caller)
  }

  /// An answer that waits to be taken.
  final class Lease: Sendable {
    private let answers: UntakenAnswers
    private let size: Int
    private let caller: Caller

    fileprivate init(_ answers: UntakenAnswers, _ size: Int, _ caller: Caller) {
      (self.answers, self.size, self.caller) = (answers, size, caller)
    }

    deinit {
      answers.counts.withLock { counts in
        let left = (counts[caller.name] ?? 0) - size
        counts[caller.name] = left > 0 ? left : nil
      }
    }
  }

  /// The body of an answer that is made. A long one is counted until its last piece has been taken, and copied in
  /// pieces to where they wait for the socket, so that none keeps the whole.
  func body(_ bytes: [UInt8], for caller: Caller) -> ResponseBody {
    guard bytes.count > Self.pieceSize else { return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)) }
    let lease = take(bytes.count, caller)
    return ResponseBody(contentLength: bytes.count) { writer in
      defer { withExtendedLifetime(lease) {} }
      for start in stride(from: 0, to: bytes.count, by: Self.pieceSize) {
        try await writer.write(ByteBuffer(bytes: bytes[start..<min(start + Self.pieceSize, bytes.count)]))
      }
      try await writer.finish(nil)
    }
  }
}
