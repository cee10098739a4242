import Glibc

/// Exclusive use of a state directory, so that two daemons cannot work on one state.
///
/// An advisory lock (flock) on the file `lock` in it: the kernel releases it when the process ends, however it ends, so
/// there is nothing to clean up after a crash. The file itself stays. A process that was killed may be a while in
/// ending on a busy machine, so the lock is waited for, as long as interfaces are.
final class StateLock: Sendable {
  private let descriptor: Int32
  private static let step = Duration.milliseconds(10)

  /// Takes the lock; waits for it so long, by `pause`, which a test can exchange.
  init(
    _ directory: StateDirectory, patience: Duration, pause: (Duration) -> Void = StateLock.sleep
  ) throws(StoreFault) {
    let path = directory.lock
    // Of a file system that is read-only the file that is there can be locked.
    var descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if descriptor < 0, errno == EROFS { descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    guard descriptor >= 0 else { throw .unavailable("opening \(path)", errno) }
    self.descriptor = descriptor
    var left = patience
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      guard code == EWOULDBLOCK else { throw .unavailable("locking \(path)", code) }
      guard left > .zero else {
        throw StoreFault(
          .locked,
          "another toprackd uses the state directory \(directory.path); stop it, or choose another one")
      }
      pause(Self.step)
      left -= Self.step
    }
  }

  deinit { close(descriptor) }

  /// Whether somebody has it. `directory`: of the state.
  static func isHeld(in directory: String) -> Bool {
    let descriptor = open(StateDirectory(path: directory).lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  /// Lets another take the directory. Once is enough; the descriptor's closing would do the same.
  func release() { _ = flock(descriptor, LOCK_UN) }

  static func sleep(_ time: Duration) { usleep(UInt32(time / .microseconds(1))) }
}

extension StoreFault {
  static func unavailable(_ what: String, _ code: Int32) -> StoreFault {
    StoreFault(.unavailable, "\(what): \(String(cString: strerror(code)))")
  }
}

extension Store {
  /// Whether a daemon works on the state in `directory`.
  public static func isInUse(_ directory: String) -> Bool { StateLock.isHeld(in: directory) }
}
