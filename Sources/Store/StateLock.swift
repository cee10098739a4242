import Glibc

/// Exclusive use of a state directory, so that two daemons cannot work on one state.
///
/// An advisory lock (flock) on the file `lock` in it: the kernel releases it when the process ends, however it ends, so
/// there is nothing to clean up after a crash. The file itself stays.
final class StateLock: Sendable {
  private let descriptor: Int32

  /// Makes the directory if it does not exist (mode 0700) and takes the lock, without waiting.
  init(directory: String) throws(StoreFault) {
    try Self.makeDirectory(directory)
    let path = directory + "/lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .unavailable("opening \(path)", errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      throw code == EWOULDBLOCK
        ? StoreFault(.locked, "another toprackd uses the state directory \(directory); stop it, or choose another one")
        : .unavailable("locking \(path)", code)
    }
  }

  deinit { close(descriptor) }

  /// Lets another take the directory. Once is enough; the descriptor's closing would do the same.
  func release() { _ = flock(descriptor, LOCK_UN) }

  private static func makeDirectory(_ path: String) throws(StoreFault) {
    guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
    throw .unavailable("making the state directory \(path)", errno)
  }
}

extension StoreFault {
  static func unavailable(_ what: String, _ code: Int32) -> StoreFault {
    StoreFault(.unavailable, "\(what): \(String(cString: strerror(code)))")
  }
}
