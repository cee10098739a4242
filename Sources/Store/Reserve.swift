import Glibc

/// Room on the disk of the state that is held back for what gives room back.
///
/// Each commit needs room, a delete and the revoking of a token as well. So there is a file of nothing in the state
/// directory; when the disk is full it is given up for such a commit, and made again as soon as there is room. Until it
/// is there again nothing else is committed, or whoever has filled the disk would have the reserve, too.
///
/// What the log has must fit the database that grows into the room of the reserve, or nothing could ever make the log
/// short again. So the log is written back when it has an eighth of the reserve: it is longer while somebody reads, and
/// where the disk ends before.
struct Reserve: Sendable {
  private let directory: StateDirectory
  private var file: String { directory.path + "/reserve" }

  static let sizes = 512 << 10...8 << 20
  /// What a commit may need at least.
  static let least = 256 << 10

  init(_ directory: StateDirectory) { self.directory = directory }

  /// Of a small disk an eighth.
  private var size: Int {
    var status = statvfs()
    guard statvfs(directory.path, &status) == 0 else { return Self.sizes.lowerBound }
    let share = Int(status.f_blocks) * Int(status.f_frsize) / 8
    return min(max(share, Self.sizes.lowerBound), Self.sizes.upperBound)
  }

  /// Pages of 4 KiB after which the log is written into the database.
  var logPages: Int { size / 8 / 4096 }

  /// Bytes that are free for the daemon.
  var free: Int {
    var status = statvfs()
    guard statvfs(directory.path, &status) == 0 else { return .max }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }

  /// Makes the reserve unless it is there. False: there is no room for it.
  func make() -> Bool { Self.allocate(size, file) }

  func giveUp() { unlink(file) }

  /// Whether there is room for a change, beside the reserve.
  var hasRoom: Bool {
    let probe = directory.path + "/backup-room"
    defer { unlink(probe) }
    return Self.allocate(Self.least, probe)
  }

  /// True also where files cannot be allocated: then there is nothing to hold back.
  private static func allocate(_ size: Int, _ file: String) -> Bool {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return errno != ENOSPC && errno != EDQUOT }
    defer { close(descriptor) }
    var status = stat()
    let before = fstat(descriptor, &status) == 0 ? Int(status.st_blocks) * 512 : 0
    let fault = posix_fallocate(descriptor, 0, off_t(size))
    guard fault == ENOSPC || fault == EDQUOT else { return true }
    // One that is there and too small for a disk that has grown is better than none.
    if before >= Self.least { return true }
    unlink(file)
    return false
  }
}
