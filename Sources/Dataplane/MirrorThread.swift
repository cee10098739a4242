import Glibc
import Net
import Observers
import Ports
import Switching
import Synchronization
import Wire

/// What the mirror thread is told.
enum MirrorLetter: Sendable {
  /// A mirror begins, or is another one from now on; at its place among the others.
  case put(MirrorJob, Int, reply: @Sendable () -> Void)
  /// Nothing is sent for it any more when that is answered.
  case remove(Int, reply: @Sendable () -> Void)
  /// An interface is there as that NIC.
  case attach(AttachedTAP, NICIndex)
  /// It is given up.
  case detach(NICIndex, reply: @Sendable () -> Void)
  case stop
}

/// One mirror as its thread knows it.
struct MirrorJob: Sendable {
  let watch: FrameWatch
  let tag: VLANID?
  let end: MirrorOrder.End
  /// Of an end that is a NIC: what is attached there.
  var tap: AttachedTAP?
  let counts: MirrorCounts
}

/// The thread of all mirrors: it takes what watches have seen and sends it to their ends. It exists only while there is
/// a mirror.
///
/// ## How it works
/// A mirror is a watch with a reader. The workers write what is wanted into the watch's rings and know nothing of the
/// end; so a slow end costs frames of the mirror (`lost`) and nobody's time. The thread looks each millisecond while
/// there is traffic, and seldom (`longestPause`) when there is none. Each in its turn sends `turn` frames at most.
///
/// A NIC gets its frames by its TAP, one write a frame, behind the virtio header that they came with: a super-frame
/// stays one. A device gets them by a packet socket with the same header. Neither passes a worker, so that what is sent
/// is seen by no watch, is counted at no port, and never comes back into the switch. A device that is gone is looked
/// for again once in `retry`.
///
/// ## Threads
/// Everything here belongs to this thread. In: its mailbox, and the rings of watches, whose one reader it is.
@safe struct MirrorThread: ~Copyable {
  /// Finds the way to a device by its name.
  typealias Opener = @Sendable (String) -> Result<PacketOutlet, PortsFault>

  private struct Working {
    var job: MirrorJob
    var outlet: PacketOutlet?
    /// Milliseconds: when a device that was not there is looked for again.
    var retryAt: UInt64 = 0
  }

  private let poller: Poller
  private let mailbox: Mailbox<MirrorLetter>
  private let open: Opener
  private var mirrors: [Int: Working] = [:]
  /// Where a frame gets its tag.
  private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 66 << 10, alignment: 64)
  private var stopped = false

  static let turn = 256
  /// Milliseconds.
  static let longestPause = 10
  static let retry: UInt64 = 1_000

  init(poller: consuming Poller, mailbox: Mailbox<MirrorLetter>, open: @escaping Opener) {
    self.poller = poller
    (self.mailbox, self.open) = (mailbox, open)
  }

  deinit { unsafe scratch.deallocate() }

  /// Works until a `stop` letter comes.
  mutating func run() {
    var pause = 1
    while !stopped {
      for index in 0..<poller.wait(milliseconds: pause) { _ = poller.event(index) }
      if let letters = mailbox.take() {
        for letter in letters { answer(letter) }
      }
      switch sendAll() {
      case 0: pause = min(max(1, pause * 2), Self.longestPause)
      case ..<Self.turn: pause = 1
      default: pause = 0
      }
    }
  }

  private mutating func answer(_ letter: MirrorLetter) {
    switch letter {
    case .put(let job, let place, let reply):
      var mirror = Working(job: job)
      // The same device: the way there is still good.
      if let old = mirrors[place], old.job.end == job.end { mirror.outlet = old.outlet }
      mirrors[place] = mirror
      settle(place)
      reply()
    case .remove(let place, let reply):
      mirrors[place] = nil
      reply()
    case .attach(let tap, let nic):
      for place in mirrors.keys where mirrors[place]?.job.end == .nic(nic) {
        mirrors[place]?.job.tap = tap
        settle(place)
      }
    case .detach(let nic, let reply):
      for place in mirrors.keys where mirrors[place]?.job.end == .nic(nic) {
        mirrors[place]?.job.tap = nil
        settle(place)
      }
      reply()
    case .stop: stopped = true
    }
  }

  /// Looks whether the end of a mirror is there, and says why not.
  private mutating func settle(_ place: Int) {
    guard var mirror = mirrors[place] else { return }
    var fault: String?
    switch mirror.job.end {
    case .nic: if mirror.job.tap == nil { fault = "its NIC is not there" }
    case .nowhere(let reason): fault = reason
    case .device(let name):
      guard mirror.outlet == nil else { break }
      switch open(name) {
      case .success(let outlet): mirror.outlet = outlet
      case .failure(let error): fault = error.message
      }
      mirror.retryAt = Clock.milliseconds() + Self.retry
    }
    mirror.job.counts.fault.withLock { $0 = fault }
    mirrors[place] = mirror
  }

  /// A turn of each mirror. Returns how many frames the one that had most had.
  private mutating func sendAll() -> Int {
    var most = 0
    for place in mirrors.keys { most = max(most, send(place)) }
    return most
  }

  private mutating func send(_ place: Int) -> Int {
    guard let mirror = mirrors[place] else { return 0 }
    if case .device = mirror.job.end, mirror.outlet == nil, Clock.milliseconds() >= mirror.retryAt { settle(place) }
    let (job, outlet) = (mirror.job, mirrors[place]?.outlet)
    let scratch = unsafe self.scratch
    var (count, failures) = (0, 0)
    while count < Self.turn,
      unsafe job.watch.take({ frame in
        let isSent = unsafe Self.send(frame, job, outlet, scratch)
        job.counts.count(isSent: isSent)
        if !isSent { failures += 1 }
      })
    { count += 1 }
    // One that takes nothing may be gone, and another one be called so now.
    if count > 0, failures == count, outlet != nil, Clock.milliseconds() >= mirror.retryAt {
      mirrors[place]?.outlet = nil
      settle(place)
    }
    return count
  }

  @unsafe private static func send(
    _ frame: UnsafeRawBufferPointer, _ job: MirrorJob, _ outlet: PacketOutlet?, _ scratch: UnsafeMutableRawBufferPointer
  ) -> Bool {
    var bytes = unsafe frame
    if let tag = job.tag {
      let count = unsafe MirrorTag.put(tag, on: frame, to: scratch)
      unsafe bytes = unsafe UnsafeRawBufferPointer(rebasing: scratch[..<count])
    }
    if let tap = job.tap { return unsafe tap.tap.write(bytes) }
    if let outlet { return unsafe outlet.write(bytes) }
    return false
  }
}
