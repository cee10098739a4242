public import Observers
public import Switching
import Synchronization

/// Frames as they are seen, and which NIC each of their numbers is.
///
/// ## How it works
/// The watch writes numbers of NICs; a number is given to another server when its own has gone. So the one who knows
/// the rack keeps the names here up to date, before a number means something else. A frame whose number has no name is
/// nobody's business and is left out: what a project captures is its own at any time.
///
/// ## Threads
/// Safe to share; the frames of the watch have one reader.
public final class CaptureSource: Sendable {
  public let watch: FrameWatch
  private struct State {
    var interfaces: [NICIndex: CaptureInterface]
    var generation = 0
  }
  private let state: Mutex<State>

  public init(_ watch: FrameWatch, _ interfaces: [NICIndex: CaptureInterface]) {
    self.watch = watch
    state = Mutex(State(interfaces: interfaces))
  }

  /// What it is of now.
  public var interfaces: [NICIndex: CaptureInterface] { state.withLock { $0.interfaces } }

  /// True: they are others than before.
  public func set(_ interfaces: [NICIndex: CaptureInterface]) -> Bool {
    state.withLock { state in
      guard state.interfaces != interfaces else { return false }
      state.interfaces = interfaces
      state.generation += 1
      return true
    }
  }

  /// The interfaces when they are of another generation than `known`.
  func news(after known: Int?) -> (generation: Int, interfaces: [NICIndex: CaptureInterface])? {
    state.withLock { state in
      state.generation == known ? nil : (state.generation, state.interfaces)
    }
  }
}
