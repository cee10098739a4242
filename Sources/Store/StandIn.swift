import FoundationEssentials
import Glibc
import Synchronization

/// A database in a directory of its own, copied from another with its log: read there, it is as the other is, and the
/// other stays as it is. It ends with its owner.
final class StandIn: Sendable {
  let directory: String
  private let isGiven = Atomic(false)
  var database: String { directory + "/rack.sqlite" }

  /// - Parameter file: a database; its log is beside it, or it has none.
  init(for file: String) throws(StoreFault) {
    var name = Array((FileManager.default.temporaryDirectory.path + "/toprack-state-XXXXXX").utf8CString)
    guard mkdtemp(&name) != nil else { throw .unavailable("making a temporary directory", errno) }
    directory = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    try Self.copy(file, to: database)
    if StateDirectory.size(file + "-wal") > 0 { try Self.copy(file + "-wal", to: database + "-wal") }
  }

  deinit { if !isGiven.load(ordering: .relaxed) { remove() } }

  func remove() { try? FileManager.default.removeItem(atPath: directory) }

  /// Nobody else has been able to look into the directory until then. Afterwards the new owner can put a link into the
  /// place of anything in it, so only who is that owner may `remove` it.
  func give(to owner: (user: uid_t, group: gid_t)) throws(StoreFault) {
    isGiven.store(true, ordering: .relaxed)
    for file in [database, database + "-wal", directory] {
      guard chown(file, owner.user, owner.group) == 0 || errno == ENOENT else {
        throw .unavailable("giving \(file) to user \(owner.user)", errno)
      }
    }
  }

  /// Into a new file for its owner alone; on disk when this returns.
  static func copy(_ source: String, to target: String) throws(StoreFault) {
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw .unavailable("reading \(source)", errno) }
    defer { close(from) }
    let into = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard into >= 0 else { throw .unavailable("writing \(target)", errno) }
    defer { close(into) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(from, &buffer, buffer.count)
      guard count >= 0 else { throw .unavailable("reading \(source)", errno) }
      if count == 0 { break }
      var done = 0
      while done < count {
        let written = buffer.withUnsafeBytes { write(into, $0.baseAddress! + done, count - done) }
        guard written > 0 else { throw .unavailable("writing \(target)", errno) }
        done += written
      }
    }
    guard fsync(into) == 0 else { throw .unavailable("writing \(target)", errno) }
  }
}
