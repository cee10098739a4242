// Frames of one interface as a file that Wireshark reads, while they come.

import CPcap
import Glibc
import Synchronization

/// What is to be captured, and when it is over: whichever limit is reached first.
public struct CaptureOrder: Hashable, Sendable {
  public var interface: String
  /// Its index in the namespace: a name can be given to another one.
  public var index: Int
  /// A namespace of /run/netns; `nil`: the process's own.
  public var namespace: String?
  /// What the interface is, for whoever reads the file.
  public var description: String
  public var frames: Int
  public var seconds: Int

  /// Frames that can be asked for at once, and seconds.
  public static let frameCounts = 1...10_000
  public static let durations = 1...60
  /// Of one capture's file. A frame that would make it longer ends the capture.
  public static let byteLimit = 32 << 20

  /// - Precondition: `frames` and `seconds` are within these limits.
  public init(
    interface: String, index: Int, namespace: String?, description: String, frames: Int, seconds: Int
  ) {
    precondition(Self.frameCounts.contains(frames) && Self.durations.contains(seconds), "limits are checked before")
    (self.interface, self.index) = (interface, index)
    (self.namespace, self.description) = (namespace, description)
    (self.frames, self.seconds) = (frames, seconds)
  }
}

/// Why there is no capture.
public struct CaptureFault: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
}

/// One capture by libpcap, at the interface's own end: what `tcpdump -i` would show there.
///
/// ## How it works
/// A thread enters the namespace, opens the handle, and waits for frames. The kernel keeps frames for it in a ring;
/// those for which there is no room are counted in the file's last block. What is captured waits in `chunks` for a
/// reader.
///
/// ## Limits
/// Frames, seconds and bytes of `CaptureOrder`; `limit` captures at once in the process.
///
/// ## Threads
/// Its own. It ends when a limit is reached, the interface goes away, or nobody reads any more.
public struct Capture: Sendable {
  /// Captures at once.
  public static let limit = 8
  /// Bytes of the kernel's ring. A slot of it takes a whole super-frame of 64 KiB.
  private static let ring: Int32 = 8 << 20
  /// The longest wait of the thread before it looks whether somebody still reads.
  private static let patience: Int32 = 200
  private static let running = Mutex(0)

  /// The file, in pieces; the first is there at once.
  public let chunks: AsyncStream<[UInt8]>

  /// Opens the interface, so that what cannot be captured is known before anything is answered.
  public static func begin(_ order: CaptureOrder, application: String) async throws(CaptureFault) -> Capture {
    let isFree = running.withLock { count in
      guard count < limit else { return false }
      count += 1
      return true
    }
    guard isFree else {
      throw CaptureFault(description: "\(limit) captures are running, which is the limit; try again when one is over")
    }
    let (chunks, sink) = AsyncStream.makeStream(of: [UInt8].self)
    let isWanted = Flag()
    sink.onTermination = { _ in isWanted.lower() }
    let fault: CaptureFault? = await withCheckedContinuation { continuation in
      Self.thread {
        defer { running.withLock { $0 -= 1 } }
        do throws(CaptureFault) {
          let handle = try Handle(order, ring: ring)
          sink.yield(
            PcapNG.head(interface: order.interface, description: order.description, application: application))
          continuation.resume(returning: nil)
          run(order, handle, sink, isWanted)
          sink.finish()
        } catch {
          continuation.resume(returning: error)
        }
      }
    }
    if let fault { throw fault }
    return Capture(chunks: chunks)
  }

  private static func run(
    _ order: CaptureOrder, _ handle: borrowing Handle, _ sink: AsyncStream<[UInt8]>.Continuation, _ isWanted: Flag
  ) {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(order.seconds)
    var (frames, bytes) = (0, 0)
    while frames < order.frames, isWanted.isUp {
      let left = Int32(((end - clock.now) / .milliseconds(1)).rounded(.up))
      guard left > 0, let step = handle.next(within: min(left, patience)) else { break }
      guard case .frame(let frame, let length, let time) = step else { continue }
      let block = PcapNG.packet(frame, length: length, time: time)
      guard bytes + block.count <= CaptureOrder.byteLimit else { break }
      frames += 1
      bytes += block.count
      sink.yield(block)
    }
    sink.yield(PcapNG.statistics(received: UInt64(frames) + handle.lost, lost: handle.lost, time: now))
  }

  private static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return PcapNG.time(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
  }

  /// Runs `body` on a thread of its own: it blocks, and changes its network namespace.
  private static func thread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(Box(body))
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    precondition(status == 0, "a thread cannot be made: \(status)")
    pthread_detach(thread)
  }

  /// Whether somebody reads.
  private final class Flag: Sendable {
    private let value = Atomic(true)
    var isUp: Bool { value.load(ordering: .relaxed) }
    func lower() { value.store(false, ordering: .relaxed) }
  }
}
