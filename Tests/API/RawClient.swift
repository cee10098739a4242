import Foundation
import Glibc
import Testing

/// A client that is no HTTP library.
final class RawClient: Sendable {
  private let descriptor: Int32

  init(_ port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let result = loopback(port).withUnsafeBytes {
      connect(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    try #require(result == 0)
    var patience = timeval(tv_sec: 10, tv_usec: 0)
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

  /// What comes until `end` is seen, or the other side closes. On a thread of its own, since it waits.
  func receive(until end: String? = nil) async -> String {
    await withCheckedContinuation { continuation in
      Thread { continuation.resume(returning: self.read(until: end)) }.start()
    }
  }

  private func read(until end: String?) -> String {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4096)
    while end.map({ !text.contains($0) }) ?? true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count <= 0 { break }
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
    return text
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
