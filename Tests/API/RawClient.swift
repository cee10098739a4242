import Foundation
import Glibc
import Testing

/// A client that is no HTTP library.
final class RawClient: Sendable {
  private let descriptor: Int32

  /// `window`: bytes that the system keeps for this client unread; `nil`: as many as it likes.
  init(_ port: UInt16, window: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if var window { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &window, socklen_t(MemoryLayout<Int32>.size)) }
    let result = loopback(port).withUnsafeBytes {
      connect(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    setPatience()
  }

  /// At a Unix socket.
  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let bytes = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + Array(path.utf8) + [0]
    let result = bytes.withUnsafeBytes {
      connect(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    setPatience()
  }

  /// Longer than any machine takes for what a test waits for; a test that has failed ends by it.
  private func setPatience() {
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Ends the connection now, whoever still holds this.
  func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  @discardableResult
  func send(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  func send(bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  /// Sends as much as the other side takes within `limit`.
  func send(_ text: String, within limit: Duration) { send(bytes: Array(text.utf8), within: limit) }

  func send(bytes: [UInt8], within limit: Duration) {
    var sent = 0
    let end = ContinuousClock.now + limit
    while sent < bytes.count, ContinuousClock.now < end {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if count > 0 {
        sent += count
      } else if errno != EAGAIN {
        return
      } else {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let left = (end - ContinuousClock.now) / .milliseconds(1)
        if poll(&entry, 1, Int32(max(0, left))) == 0 { return }
      }
    }
  }

  /// What comes until `end` is seen, or the other side closes. On a thread of its own, since it waits.
  func receive(until end: String? = nil) async -> String {
    await withCheckedContinuation { continuation in
      Thread { continuation.resume(returning: self.read(until: end)) }.start()
    }
  }

  private func read(until end: String?) -> String {
    var bytes = Data()
    let mark = end.map { Data($0.utf8) }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count <= 0 { break }
      let searched = max(0, bytes.count - (mark?.count ?? 0))
      bytes += buffer[..<count]
      if let mark, bytes.range(of: mark, in: searched..<bytes.count) != nil { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A socket that listens on the loopback interface, and its port.
func makeListener() throws -> (descriptor: Int32, port: UInt16) {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
  var address = loopback(0)
  var length = socklen_t(address.count)
  let result = address.withUnsafeMutableBytes { bytes in
    let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
    return bind(descriptor, address, length) == 0 && listen(descriptor, 64) == 0
      && getsockname(descriptor, address, &length) == 0
  }
  try #require(result)
  return (descriptor, UInt16(address[2]) << 8 | UInt16(address[3]))
}

/// A `sockaddr_in` for 127.0.0.1 by its octets: which module has its members depends on who imports first.
private func loopback(_ port: UInt16) -> [UInt8] {
  let family = withUnsafeBytes(of: sa_family_t(AF_INET)) { Array($0) }
  return family + [UInt8(port >> 8), UInt8(port & 0xFF), 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
}
