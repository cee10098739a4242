import FoundationEssentials
import GRDB
import Glibc
import Rack
import Synchronization

/// Copies of the database while it is at work: one beside it for the day when it is damaged, and backups for whoever
/// asks.
///
/// A copy is written by SQLite (`VACUUM INTO`) from one moment of the database; commits go on meanwhile. It is a single
/// file without a log, and takes its name when it is whole and on disk.
extension Store {
  /// Brings the copy beside the database up to date. Nothing is done when there is no commit that it does not have, or
  /// when nothing can be written.
  public func makeCopy() async throws(StoreFault) {
    guard readOnlyReason == nil, commitsSinceCopy.exchange(0, ordering: .relaxed) > 0 else { return }
    let new = directory.copy + ".new"
    do throws(StoreFault) {
      unlink(new)
      // Not the last room: changes need it more.
      let size = try await reading { db in
        func number(_ name: String) throws -> Int { try Int.fetchOne(db, sql: "PRAGMA \(name)") ?? 0 }
        return try (number("page_count") - number("freelist_count")) * number("page_size")
      }
      guard takeReserve(), reserve.free > size + Reserve.least else {
        throw StoreFault(.full, "\(directory.path) has no room for a copy of the database")
      }
      try await writeCopy(to: new)
      guard rename(new, directory.copy) == 0 else { throw StoreFault.unavailable("writing \(directory.copy)", errno) }
      directory.synchronize()
    } catch {
      unlink(new)
      commitsSinceCopy.add(1, ordering: .relaxed)
      throw error
    }
  }

  /// A backup: a descriptor for reading, which the caller owns, of a file that has no name any more.
  public func backup() async throws(StoreFault) -> Int32 {
    try mustBeOpen()
    // Beside the database at work, where there is room for a second one, or nowhere.
    let file = String(pool.path.dropLast("rack.sqlite".count)) + "backup-\(UUID().uuidString.lowercased())"
    defer { unlink(file) }
    try await writeCopy(to: file)
    let descriptor = Glibc.open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unavailable("reading \(file)", errno) }
    return descriptor
  }

  private func writeCopy(to file: String) async throws(StoreFault) {
    let source = pool.path
    try await Self.translating(source) {
      let descriptor = Glibc.open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw StoreFault.unavailable("writing \(file)", errno) }
      defer { Glibc.close(descriptor) }
      var configuration = Configuration()
      configuration.label = "copy"
      configuration.readonly = true
      configuration.busyMode = .timeout(5)
      let queue = try DatabaseQueue(path: source, configuration: configuration)
      try await queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [file]) }
      guard fsync(descriptor) == 0 else { throw StoreFault.unavailable("writing \(file)", errno) }
    }
  }
}
