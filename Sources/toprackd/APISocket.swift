// The Unix socket that the API listens on: free before, guarded by a group after.

import Foundation

/// A path for a listening socket.
struct APISocket {
  let path: String

  /// Makes sure that nobody listens there and that somebody can. A socket file that nobody answers at is left by a daemon
  /// that died; it is removed.
  func prepare() throws(StartFault) {
    let directory = (path as NSString).deletingLastPathComponent
    if !directory.isEmpty, mkdir(directory, 0o755) != 0, errno != EEXIST {
      throw StartFault("the directory of the socket, \(directory), cannot be made: \(Self.reason)")
    }
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw StartFault("the socket \(path) cannot be used: \(Self.reason)")
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw StartFault("\(path) exists and is not a socket; move it away, or choose another with --socket")
    }
    guard try !isAnswered() else {
      throw StartFault("another daemon answers at \(path); stop it, or choose another socket with --socket")
    }
    guard unlink(path) == 0 || errno == ENOENT else {
      throw StartFault("the stale socket \(path) cannot be removed: \(Self.reason)")
    }
  }

  /// Lets root and the members of `group` in: mode 0660. Until then the mode is what bind(2) leaves, which lets only the
  /// owner connect. Without such a group it stays so. Returns whether there is one.
  func open(to group: String) throws(StartFault) -> Bool {
    let entry = getgrnam(group)
    if let entry, chown(path, uid_t.max, entry.pointee.gr_gid) != 0 {
      throw StartFault("the socket \(path) cannot be given to the group \(group): \(Self.reason)")
    }
    guard chmod(path, 0o660) == 0 else { throw StartFault("the mode of \(path) cannot be set: \(Self.reason)") }
    return entry != nil
  }

  func remove() {
    unlink(path)
  }

  private func isAnswered() throws(StartFault) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw StartFault("a socket cannot be made: \(Self.reason)") }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    if result == 0 { return true }
    switch errno {
    case ECONNREFUSED, ENOENT: return false
    case EAGAIN: return true  // its queue of connections is full
    default: throw StartFault("it cannot be known whether a daemon answers at \(path): \(Self.reason)")
    }
  }

  private static var reason: String { String(cString: strerror(errno)) }
}
