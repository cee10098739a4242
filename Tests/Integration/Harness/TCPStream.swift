import CPcap
import Foundation
import Glibc
import Synchronization

/// One TCP connection between two namespaces that is kept full for a while.
struct TCPStream {
  let bytes: Int
  let seconds: Double
  var gigabitsPerSecond: Double { Double(bytes) * 8 / seconds / 1e9 }

  /// Sends from `sender` to `address` in `receiver` for `duration`, and counts what the receiver got, from its first
  /// byte to its last.
  static func measure(
    from sender: NetworkNamespace, to address: String, in receiver: NetworkNamespace, for duration: Duration
  ) throws -> TCPStream {
    let (listener, port) = try receiver.inside { try listen(on: address) }
    defer { close(listener) }
    let connection = try sender.inside { try connect(to: address, port: port) }
    // The connection is made: it waits in the queue of the listener.
    let accepted = accept(listener, nil, nil)
    guard accepted >= 0 else { throw HarnessError("accept: \(String(cString: strerror(errno)))") }
    defer { close(accepted) }

    let finished = Answer<Void>()
    Thread {
      let block = [UInt8](repeating: 0x5A, count: 1 << 18)
      let end = Deadline.after(duration)
      while !end.hasPassed {
        if send(connection, block, block.count, Int32(MSG_NOSIGNAL)) < 0, errno != EINTR { break }
      }
      close(connection)
      finished.give(.success(()))
    }.start()

    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var total = 0
    let begin = ContinuousClock.now
    while true {
      var entry = pollfd(fd: accepted, events: Int16(POLLIN), revents: 0)
      guard Glibc.poll(&entry, 1, 10_000) > 0 else { throw HarnessError("the TCP stream stalled after \(total) bytes") }
      let count = recv(accepted, &buffer, buffer.count, 0)
      if count <= 0 { break }
      total += count
    }
    let (seconds, attoseconds) = begin.duration(to: .now).components
    try finished.take()
    return TCPStream(bytes: total, seconds: Double(seconds) + Double(attoseconds) / 1e18)
  }

  static func listen(on address: String) throws -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(family(of: address), Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0, withInternetAddress(address, 0, { bind(descriptor, $0, $1) }) == 0,
      Glibc.listen(descriptor, 1) == 0
    else { throw HarnessError("listening on \(address): \(String(cString: strerror(errno)))") }
    return (descriptor, try boundPort(of: descriptor))
  }

  static func connect(to address: String, port: UInt16) throws -> Int32 {
    let descriptor = socket(family(of: address), Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    // Bounds connecting as well as sending.
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard descriptor >= 0, withInternetAddress(address, port, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
      throw HarnessError("connecting to \(address): \(String(cString: strerror(errno)))")
    }
    return descriptor
  }
}

/// A UDP socket in a namespace: what a program there sends and hears, through the whole stack.
final class UDPSocket: Sendable {
  private let descriptor: Int32
  let port: UInt16

  init(on address: String, in namespace: NetworkNamespace) throws {
    (descriptor, port) = try namespace.inside {
      let descriptor = socket(family(of: address), Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0, withInternetAddress(address, 0, { bind(descriptor, $0, $1) }) == 0 else {
        throw HarnessError("UDP on \(address): \(String(cString: strerror(errno)))")
      }
      var size: Int32 = 8 << 20
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, socklen_t(MemoryLayout<Int32>.size))
      return (descriptor, try boundPort(of: descriptor))
    }
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8], to address: String, port: UInt16) throws {
    let sent = withInternetAddress(address, port) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
    guard sent == bytes.count else { throw HarnessError("UDP to \(address): \(String(cString: strerror(errno)))") }
  }

  /// The next datagram; nil when none came before `deadline`.
  func receive(until deadline: Deadline) -> [UInt8]? {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&entry, 1, deadline.milliseconds) > 0 else { return nil }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count >= 0 ? Array(buffer.prefix(count)) : nil
  }
}

/// Calls `body` with the socket address `address`:`port`, of IPv4 or IPv6.
func withInternetAddress<Value>(
  _ address: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
) -> Value {
  if address.contains(":") {
    var name = sockaddr_in6()
    name.sin6_family = sa_family_t(AF_INET6)
    name.sin6_port = port.bigEndian
    inet_pton(AF_INET6, address, &name.sin6_addr)
    return withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
    }
  }
  var name = sockaddr_in()
  name.sin_family = sa_family_t(AF_INET)
  name.sin_port = port.bigEndian
  inet_pton(AF_INET, address, &name.sin_addr)
  return withUnsafePointer(to: &name) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}

/// Of an address that a program would bind or connect to: AF_INET or AF_INET6.
func family(of address: String) -> Int32 { address.contains(":") ? AF_INET6 : AF_INET }

private func boundPort(of descriptor: Int32) throws -> UInt16 {
  // sin_port and sin6_port are in the same place.
  var name = sockaddr_in6()
  var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
  let failure = withUnsafeMutablePointer(to: &name) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  guard failure == 0 else { throw HarnessError("getsockname: \(String(cString: strerror(errno)))") }
  return UInt16(bigEndian: name.sin6_port)
}
