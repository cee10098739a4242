// How QEMU is started: by this process, or by a service that systemd starts for it.

import Glibc
import Host
import Ports

/// Runs QEMU until it ends or is in the background.
///
/// ## How it works
/// A daemon that is root by itself runs it. One that is closed in by its service manager asks at a socket, behind which
/// `scripts/machine-start` is started for each connection, in a control group of its own: the request is words that end
/// with NUL, first the path of a network namespace or nothing, then the program and its arguments; the end of what we say
/// is its end. The answer is the exit status, a line feed, what the program has said, and NUL: systemd holds the
/// connection open.
///
/// ## Threads
/// Any. `run` blocks.
struct QEMURunner: Sendable {
  /// `nil`: by this process.
  let socket: String?

  typealias Result = (status: Int, output: String)

  /// Seconds without an answer.
  private static let patience = 30

  /// Whether somebody can be asked.
  var isThere: Bool {
    var status = stat()
    return socket.map { stat($0, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK } ?? false
  }

  func run(_ program: SystemProgram, _ arguments: [String], in namespace: String? = nil) throws(PortsFault) -> Result {
    guard let socket else {
      let result = try program.run(arguments, in: namespace)
      return (result.status, result.output)
    }
    let place = namespace.map { "/run/netns/\($0)" } ?? ""
    let request: [UInt8] = ([place, program.path] + arguments).flatMap { Array($0.utf8) + [0] }
    let connection = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard connection >= 0 else { throw fault(socket, "cannot be asked") }
    defer { close(connection) }
    var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard Self.connect(connection, to: socket) else { throw fault(socket, "cannot be reached") }
    var rest = request[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw fault(socket, "does not listen") }
      rest = rest.dropFirst(count)
    }
    shutdown(connection, Int32(SHUT_WR))
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while answer.count < SystemProgram.outputLimit {
      let count = recv(connection, &piece, piece.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw fault(socket, "does not answer") }
      if count == 0 { break }
      answer += piece.prefix(count)
      if answer.last == 0 {
        answer.removeLast()
        break
      }
    }
    let parts = answer.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let line = parts.first, let status = Int(String(decoding: line, as: UTF8.self)) else {
      throw PortsFault(
        errno: EPROTO,
        message: "\(socket) has hung up without an answer: 'journalctl -u toprack-machine@*' may say why")
    }
    return (status, parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "")
  }

  private func fault(_ socket: String, _ what: String) -> PortsFault {
    let number = errno
    return PortsFault(errno: number, message: "\(socket) \(what): \(String(cString: strerror(number)))")
  }

  private static func connect(_ connection: Int32, to path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      errno = ENAMETOOLONG
      return false
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
