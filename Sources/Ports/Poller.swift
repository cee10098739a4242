import CPort

/// Waits for NICs to become readable, for links to come up, and for a wake-up from other threads.
///
/// Level-triggered epoll. A NIC whose interface is down is also watched for becoming writable: a TAP is writable
/// exactly while its interface is up (`tun_chr_poll`), so that is the event of the link coming up. A NIC that is up is
/// not, so a working link costs nothing.
///
/// ## Threads
/// One owner; `Waker.wake` may be called by any thread.
@safe public struct Poller: ~Copyable {
  private let descriptor: Int32
  private let events: UnsafeMutablePointer<cport_event>
  private let limit = 64
  public let waker: Waker

  private static let wakeToken = UInt32.max

  public init() throws(PortsFault) {
    let waker = try Waker()
    let descriptor = Int32(try PortsFault.check(cport_poll_open(), "making an epoll descriptor"))
    // A fresh epoll descriptor takes a fresh event descriptor: this cannot fail short of memory.
    _ = cport_poll_set(descriptor, waker.descriptor, Self.wakeToken, UInt32(CPORT_READABLE))
    self.waker = waker
    self.descriptor = descriptor
    unsafe events = .allocate(capacity: limit)
    unsafe events.initialize(repeating: cport_event(), count: limit)
  }

  deinit {
    cport_close(descriptor)
    unsafe events.deallocate()
  }

  /// Watches `file` as `nic`: for frames, and with `link` also for its link to come up.
  public func watch(_ file: Int32, as nic: Int, link: Bool) {
    let interest = UInt32(CPORT_READABLE) | (link ? UInt32(CPORT_WRITABLE) : 0)
    _ = cport_poll_set(descriptor, file, UInt32(nic), interest)
  }

  public func forget(_ file: Int32) { _ = cport_poll_remove(descriptor, file) }

  public struct Event: BitwiseCopyable {
    public let nic: Int
    public let isReadable: Bool
    public let isWritable: Bool
    /// The interface is gone.
    public let hasFailed: Bool
  }

  /// Waits up to `milliseconds` (−1: until something happens). Returns how many events there are to look at with
  /// `event`.
  public func wait(milliseconds: Int) -> Int {
    wait(nanoseconds: milliseconds < 0 ? -1 : Int64(milliseconds) * 1_000_000)
  }

  /// The same in nanoseconds; rounded up to milliseconds by kernels before 5.11.
  public func wait(nanoseconds: Int64) -> Int {
    unsafe Int(max(0, cport_poll_wait(descriptor, events, Int32(limit), nanoseconds)))
  }

  /// Event `index` of the last `wait`; `nil` for a wake-up, which it clears.
  public func event(_ index: Int) -> Event? {
    let raw = unsafe events[index]
    if raw.token == Self.wakeToken {
      waker.clear()
      return nil
    }
    return Event(
      nic: Int(raw.token), isReadable: raw.ready & UInt32(CPORT_READABLE) != 0,
      isWritable: raw.ready & UInt32(CPORT_WRITABLE) != 0, hasFailed: raw.ready & UInt32(CPORT_FAILED) != 0)
  }
}

/// Wakes a `Poller` from any thread. Wake-ups that nobody has seen yet are one.
public final class Waker: Sendable {
  package let descriptor: Int32

  package init() throws(PortsFault) {
    descriptor = Int32(try PortsFault.check(cport_wake_open(), "making an event descriptor"))
  }
  deinit { cport_close(descriptor) }

  public func wake() { cport_wake_signal(descriptor) }
  package func clear() { cport_wake_clear(descriptor) }
}

/// Names the calling thread, for `ps` and debuggers; at most 15 bytes.
public func nameThread(_ name: String) {
  unsafe name.withCString { unsafe cport_name_thread($0) }
}

/// The clock of the forwarding plane.
public enum Clock {
  /// Milliseconds of CLOCK_MONOTONIC.
  public static func milliseconds() -> UInt64 { cport_monotonic_ms() }
  /// Nanoseconds of the same clock.
  public static func nanoseconds() -> UInt64 { cport_monotonic_ns() }
  /// Nanoseconds of processor time that the calling thread has used, the kernel's work for it included. A system call.
  public static func threadNanoseconds() -> UInt64 { cport_thread_ns() }
}
