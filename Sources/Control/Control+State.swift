import FoundationEssentials
import Glibc
import Logging
public import Rack
import Store

/// A backup of the rack's database: a file without a name, which ends with its owner.
public final class BackupFile: Sendable {
  private let descriptor: Int32
  /// In bytes.
  public let size: Int

  /// Takes the descriptor over.
  public init(descriptor: Int32) {
    var status = stat()
    size = fstat(descriptor, &status) == 0 ? status.st_size : 0
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// At most `count` bytes from `offset` on; empty: there are no more. Throws when the disk does not give them.
  public func read(from offset: Int, count: Int) throws(Unavailable) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let read = pread(descriptor, &bytes, count, off_t(offset))
    guard read >= 0 else {
      throw Unavailable(message: "the backup cannot be read: \(String(cString: strerror(errno)))")
    }
    return Array(bytes.prefix(read))
  }
}

/// The database as people see it: backups, and what is wrong with it.
extension Control {
  static let stateProblem = "state"

  /// The rack and its journal as they are now, as one file of SQLite. Changes go on meanwhile.
  public func backup() async throws -> BackupFile {
    do {
      return BackupFile(descriptor: try await store.backup())
    } catch {
      throw Unavailable(message: "a backup cannot be made: \(error.message)")
    }
  }

  /// Brings the copy beside the database up to date, as long as there is somebody to wait for: at the start, and each
  /// hour.
  public func keepCopy() async {
    do { try await store.makeCopy() } catch {
      logger.warning("the copy of the database is not up to date", metadata: ["error": "\(error)"])
    }
  }

  /// Why no change is taken, in a sentence or two; `nil`: changes are.
  public nonisolated var readOnlyReason: String? { store.readOnlyReason }

  /// Throws when nothing can be written.
  func mustTakeChanges() throws(Unavailable) {
    if let reason = store.readOnlyReason { throw Unavailable(message: reason) }
  }

  static func full(_ store: Store) -> Problem {
    let reason =
      store.fullReason
      ?? "changes cannot be written: the disk of \(store.directoryPath) is full; the rack forwards as it is, what is "
      + "deleted and revoked is taken, and each change is tried again; make room there, or delete something"
    return Problem(kind: stateProblem, text: reason)
  }

  /// What a commit has shown: a fault is a problem until one succeeds.
  ///
  /// - Parameter givesBack: what was committed says nothing of other changes.
  func noteCommit(_ fault: StoreFault?, givesBack: Bool = false) {
    if let fault {
      isDiskFull = fault.kind == .full
    } else if isDiskFull {
      isDiskFull = store.fullReason != nil || givesBack && !store.hasRoom
    }
    if isDiskFull {
      problems.raise(Self.full(store))
      return
    }
    guard let fault else {
      problems.clear(kind: Self.stateProblem)
      return
    }
    problems.raise(
      Problem(
        kind: Self.stateProblem,
        text:
          "changes cannot be written: \(fault.message); the rack forwards as it is, and the next change is tried again")
    )
  }
}
