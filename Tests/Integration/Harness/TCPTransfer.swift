import CPcap
import Foundation
import Glibc
import Net

/// One TCP connection that carries a known text, every byte of which is looked at on arrival.
enum TCPTransfer {
  /// What became of a transfer.
  struct Report {
    /// Bytes that arrived as they were sent, from the first one on.
    let right: Int
    /// Who the receiver thinks it talked to.
    let peer: String
  }

  /// Sends `bytes` bytes from `sender` to `address` in `receiver`. Throws when the connection is not made, or stands still for
  /// 10 s: what a black hole looks like.
  static func send(
    _ bytes: Int, from sender: NetworkNamespace, to address: String, in receiver: NetworkNamespace
  ) throws -> Report {
    let (listener, port) = try receiver.inside { try TCPStream.listen(on: address) }
    defer { close(listener) }
    let connection = try sender.inside { try TCPStream.connect(to: address, port: port) }
    var name = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let accepted = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { accept(listener, $0, &length) }
    }
    guard accepted >= 0 else { throw HarnessError("accept: \(String(cString: strerror(errno)))") }
    defer { close(accepted) }

    let finished = Answer<Void>()
    Thread {
      var rest = text.prefix(0)
      var left = bytes
      while left > 0 || !rest.isEmpty {
        if rest.isEmpty {
          rest = text.prefix(left)
          left -= rest.count
        }
        let count = rest.withUnsafeBytes {
          Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count < 0, errno != EINTR { break }
        rest = rest.dropFirst(max(count, 0))
      }
      close(connection)
      finished.give(.success(()))
    }.start()

    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var right = 0
    reading: while true {
      var entry = pollfd(fd: accepted, events: Int16(POLLIN), revents: 0)
      guard Glibc.poll(&entry, 1, 10_000) > 0 else {
        throw HarnessError("TCP to \(address) stands still after \(right) bytes")
      }
      let count = recv(accepted, &buffer, buffer.count, 0)
      if count <= 0 { break }
      // Compared piece by piece with the text, which begins again and again.
      var place = 0
      while place < count {
        let start = right % text.count
        let piece = min(count - place, text.count - start)
        guard buffer[place..<place + piece].elementsEqual(text[start..<start + piece]) else { break reading }
        place += piece
        right += piece
      }
    }
    // A sender that is stuck sees the connection break.
    shutdown(accepted, Int32(SHUT_RDWR))
    try finished.take()
    return Report(right: right, peer: presentation(of: name))
  }

  /// Of a prime length, so that a segment that is lost or comes twice shifts it.
  private static let text: [UInt8] = {
    var random = SeededGenerator(seed: 99)
    return random.bytes(999_983)
  }()

  private static func presentation(of name: sockaddr_in6) -> String {
    var name = name
    var text = [CChar](repeating: 0, count: 64)
    if name.sin6_family == sa_family_t(AF_INET6) {
      inet_ntop(AF_INET6, &name.sin6_addr, &text, 64)
    } else {
      withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
          var address = pointer.pointee.sin_addr
          inet_ntop(AF_INET, &address, &text, 64)
        }
      }
    }
    return String(cString: &text)
  }
}
