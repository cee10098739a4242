// How much each server has sent and received lately: a few samples of the counters, for the small curves in lists.

import Rack
import ServiceLifecycle
import Synchronization

/// The last `length` samples of every server, one every `interval`.
///
/// Memory: 300 bytes a server. One glance at all counters per sample, which asks no thread of the switch.
///
/// ## Threads
/// Safe to share; `run` is the only writer.
final class TrafficHistory: Sendable {
  static let interval = Duration.seconds(5)
  static let length = 30

  private struct Series {
    var bytes: UInt64
    var rates: [Double] = []
  }

  private let keeper: any RackKeeper
  private let series = Mutex<[ServerID: Series]>([:])

  init(keeper: any RackKeeper) { self.keeper = keeper }

  /// Samples until the daemon stops.
  func run(by clock: some Clock<Duration> = ContinuousClock()) async {
    // What it throws is that it was cancelled.
    try? await cancelWhenGracefulShutdown {
      var last = clock.now
      while true {
        let now = clock.now
        self.record(await self.keeper.bytes(), after: max(last.duration(to: now), .milliseconds(1)))
        last = now
        try await clock.sleep(for: Self.interval)
      }
    }
  }

  /// - Parameter counted: the bytes that each server has received and sent so far.
  func record(_ counted: [ServerID: UInt64], after passed: Duration) {
    series.withLock { all in
      // Servers that have gone are left out.
      all = counted.reduce(into: [:]) { new, entry in
        let bytes = entry.value
        guard var series = all[entry.key] else {
          new[entry.key] = Series(bytes: bytes)
          return
        }
        // Counters begin anew when NICs are attached anew.
        let grown = bytes >= series.bytes ? bytes - series.bytes : bytes
        if series.rates.count == Self.length { series.rates.removeFirst() }
        series.rates.append(Double(grown) * 8 / (passed / .seconds(1)))
        series.bytes = bytes
        new[entry.key] = series
      }
    }
  }

  /// Bits a second in both directions, the newest last.
  func rates(of server: ServerID) -> [Double] { series.withLock { $0[server]?.rates ?? [] } }
}

/// A curve of `rates`, for an SVG of 90 by 20.
enum Sparkline {
  static let (width, height) = (90.0, 20.0)

  /// Points of a polyline, against the largest of its own; `nil` when there was nothing at all.
  static func points(_ rates: [Double]) -> String? {
    guard let top = rates.max(), top >= 1, rates.count > 1 else { return nil }
    let step = width / Double(TrafficHistory.length - 1)
    let start = width - step * Double(rates.count - 1)
    return rates.enumerated().map { index, rate in
      let (x, y) = (start + step * Double(index), height - 1 - (height - 2) * rate / top)
      return "\(Int(x.rounded())),\(Int(y.rounded()))"
    }.joined(separator: " ")
  }
}
