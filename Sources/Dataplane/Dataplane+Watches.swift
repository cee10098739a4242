public import Observers
import Synchronization

/// Why a watch is not begun.
public struct WatchRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
}

/// Watches over frames, and the log of drops.
extension Dataplane {
  /// Begins a watch. When this returns, every frame that comes in or goes out is seen by it.
  ///
  /// - Parameter isMirror: it is no capture, and has a place among the mirrors'.
  public func watch(_ order: WatchOrder, isMirror: Bool = false) async throws(WatchRefusal) -> FrameWatch {
    let watch = FrameWatch(order, threads: workers + 2, slow: 2)
    let places = isMirror ? FrameWatch.limit..<FrameWatch.places : 0..<FrameWatch.limit
    let place = watches.withLock { watches in
      let free = places.first { watches[$0] == nil }
      if let free { watches[free] = watch }
      return free
    }
    guard let place else {
      throw WatchRefusal(
        description: "\(places.count) \(isMirror ? "mirrors" : "captures") run, which is the limit; "
          + "try again when one is over")
    }
    await set(watch, at: place, order.nics)
    return watch
  }

  /// Lets `watch` look at these NICs from now on. A watch that has ended is left alone.
  public func setNICs(_ nics: WatchOrder.NICs, of watch: FrameWatch) async {
    guard let place = place(of: watch) else { return }
    await set(watch, at: place, nics)
  }

  /// Ends `watch`: no thread writes to it when this returns. What it has seen can still be read.
  public func end(_ watch: FrameWatch) async {
    guard let place = place(of: watch) else { return }
    await set(nil, at: place, .all)
    watches.withLock { $0[place] = nil }
  }

  private func place(of watch: FrameWatch) -> Int? { watches.withLock { $0.firstIndex { $0 === watch } } }

  private func set(_ watch: FrameWatch?, at place: Int, _ nics: WatchOrder.NICs) async {
    await tellWorkers { .watch(watch, place, nics, reply: $0) }
    await withCheckedContinuation { continuation in
      slowPath.post(.watch(watch, place, nics) { continuation.resume() })
    }
    await withCheckedContinuation { continuation in
      loopGuard.post(.watch(watch, place, nics) { continuation.resume() })
    }
  }

  // MARK: Drops

  /// The last frames that each thread has dropped, one log a thread: workers, the slow path, the guard.
  public var dropLogs: [DropLog] { logs }
}
