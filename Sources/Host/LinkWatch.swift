import CHost
import CPort
import Glibc
public import Ports

/// Hears which interfaces of a namespace something happens to: a netlink socket in it (RTNLGRP_LINK, rtnetlink(7)).
///
/// It keeps the namespace alive, so it is meant for those that are kept alive anyway.
public struct LinkWatch: ~Copyable {
  let descriptor: Int32

  public init(in space: NamespaceHandle) throws(PortsFault) {
    descriptor = Int32(try PortsFault.check(chost_link_watch(space.descriptor), "watching a namespace"))
  }

  deinit { close(descriptor) }

  public enum News: Equatable {
    /// Indexes of interfaces.
    case some(Set<Int>)
    /// More than the kernel has kept for us: anything may have happened.
    case lost
  }

  /// What has happened since the last call. Bounded: of a flood it takes what the socket's buffer holds, some hundred
  /// messages, and says `lost`.
  public borrowing func take() -> News {
    var indexes = [Int32](repeating: 0, count: 256)
    var seen: Set<Int> = []
    for _ in 0..<16 {
      let count = unsafe chost_link_watch_read(descriptor, &indexes, Int32(indexes.count))
      if count < 0 {
        // The rest is of no interest any more, and would be told as news the next time.
        for _ in 0..<16 where unsafe chost_link_watch_read(descriptor, &indexes, Int32(indexes.count)) <= 0 { break }
        return .lost
      }
      for index in indexes.prefix(Int(count)) { seen.insert(Int(index)) }
      if count < indexes.count { return .some(seen) }
    }
    return .lost
  }
}

/// Waits for any of many `LinkWatch`es.
@safe public struct LinkPoller: ~Copyable {
  private let descriptor: Int32
  public let waker: Waker
  private static let wakeToken = UInt32.max

  public init() throws(PortsFault) {
    let waker = try Waker()
    let descriptor = Int32(try PortsFault.check(cport_poll_open(), "making an epoll descriptor"))
    _ = cport_poll_set(descriptor, waker.descriptor, Self.wakeToken, UInt32(CPORT_READABLE))
    (self.waker, self.descriptor) = (waker, descriptor)
  }

  deinit { close(descriptor) }

  /// `isHeard` false: it stays, and says nothing until it is heard again.
  public func set(_ watch: borrowing LinkWatch, token: Int, isHeard: Bool) {
    if isHeard {
      _ = cport_poll_set(descriptor, watch.descriptor, UInt32(token), UInt32(CPORT_READABLE))
    } else {
      // Taken out: an overrun is a failure, which epoll would tell whether it is asked for or not.
      _ = cport_poll_remove(descriptor, watch.descriptor)
    }
  }

  public func remove(_ watch: borrowing LinkWatch) { _ = cport_poll_remove(descriptor, watch.descriptor) }

  /// Tokens of those that have something to say, at most 64. Waits up to `milliseconds`, or until somebody wakes it.
  public func wait(milliseconds: Int) -> [Int] {
    var events = [cport_event](repeating: cport_event(), count: 64)
    let timeout = milliseconds < 0 ? -1 : Int64(milliseconds) * 1_000_000
    let count = unsafe cport_poll_wait(descriptor, &events, Int32(events.count), timeout)
    var tokens: [Int] = []
    for event in events.prefix(Int(max(0, count))) {
      if event.token == Self.wakeToken { waker.clear() } else { tokens.append(Int(event.token)) }
    }
    return tokens
  }
}
