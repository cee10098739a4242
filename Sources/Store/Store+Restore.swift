public import FoundationEssentials
import GRDB
import Glibc
public import Rack

/// Putting a backup in the place of a database, and beginning anew: what a person asks for when a state is lost.
extension Store {
  /// What a restore has done.
  public struct Restored: Sendable {
    public let rack: Rack
    /// Where the database that was there before is now.
    public let kept: [String]
  }

  /// The rack in a backup. The file is only read.
  ///
  /// - Throws: `StoreFault` when it is no backup, is damaged, or was written by a newer version.
  public static func check(backup file: String) throws(StoreFault) -> Rack { try checked(file).rack }

  private static func checked(_ file: String) throws(StoreFault) -> (rack: Rack, standIn: StandIn) {
    var status = stat()
    guard stat(file, &status) == 0 else { throw .unavailable("reading \(file)", errno) }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      throw StoreFault(
        .damaged,
        "\(file) is no backup of a rack: it is \(status.st_mode & S_IFMT == S_IFREG ? "empty" : "not a file")")
    }
    let standIn = try StandIn(for: file)
    do {
      return (
        try translating(standIn.database) {
          try Schema.mustBePlain(standIn.database)
          let pool = try pool(standIn.database)
          try pool.read(Schema.mustBeOurs)
          guard let rack = try pool.read({ try soundRack($0, file, AddressPlan()) }) else {
            throw StoreFault(.damaged, "it has no rack")
          }
          try mustHold(rack, file)
          _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
          try pool.close()
          return rack
        }, standIn
      )
    } catch {
      switch error.kind {
      case .newer:
        throw StoreFault(.newer, "\(file) is a backup of a newer version of toprack: restore it with that one")
      case .damaged:
        throw StoreFault(
          .damaged,
          "\(file) is no backup of a rack, or damaged: "
            + error.message.components(separatedBy: "; ")[0].replacing(standIn.database, with: "it"))
      default: throw error
      }
    }
  }

  /// Puts the backup `file` into the state directory `path`, in which no daemon is at work, and keeps the database that
  /// is there under another name. All of it or nothing.
  ///
  /// - Parameter allowingOtherRack: also when the directory is that of another rack.
  public static func restore(
    _ file: String, to path: String, allowingOtherRack: Bool = false, now: Date = SystemEntropy().now
  ) throws(StoreFault) -> Restored {
    let (rack, standIn) = try checked(file)
    let directory = StateDirectory(path: path)
    try directory.close()
    let lock = try StateLock(directory, patience: .zero)
    defer { lock.release() }
    if let present = presentRack(directory), present != rack.id, !allowingOtherRack {
      throw StoreFault(
        .otherRack,
        "\(file) is a backup of rack \(rack.id.uuidString.lowercased()), and \(path) is the state directory of rack "
          + "\(present.uuidString.lowercased()): nothing was changed; --other-rack puts it there all the same")
    }
    let new = "\(path)/backup-restored"
    unlink(new)
    defer { unlink(new) }
    try StandIn.copy(standIn.database, to: new)
    settle(directory)
    let kept = try directory.keep(at: now)
    // The log of the old database would be taken for the new one's.
    for file in [directory.log, directory.database + "-shm"] {
      guard unlink(file) == 0 || errno == ENOENT else { throw .unavailable("removing \(file)", errno) }
    }
    guard rename(new, directory.database) == 0 else { throw .unavailable("writing \(directory.database)", errno) }
    directory.synchronize()
    try directory.write(rackID: rack.id)
    return Restored(rack: rack, kept: kept)
  }

  /// The same for whoever the directory belongs to, when root asks for it: nothing is done there that its owner could
  /// not do. What runs as the owner may watch the directory, and exchange a file in it for a link to one of root's.
  ///
  /// Changes the user of the whole process while it lasts.
  public static func restoreForOwner(
    _ file: String, to path: String, allowingOtherRack: Bool = false
  ) throws(StoreFault) -> Restored {
    guard geteuid() == 0, let owner = StateDirectory(path: path).owner, owner.user != 0 else {
      return try restore(file, to: path, allowingOtherRack: allowingOtherRack)
    }
    // With the names that whoever asks has given.
    _ = try check(backup: file)
    let (backup, groups) = (try StandIn(for: file), (getegid(), geteuid()))
    try backup.give(to: owner)
    setenv("TMPDIR", backup.directory, 1)
    guard setgroups(0, nil) == 0, setegid(owner.group) == 0, seteuid(owner.user) == 0 else {
      throw .unavailable("becoming user \(owner.user), whose \(path) is", errno)
    }
    defer {
      backup.remove()
      seteuid(groups.1)
      setegid(groups.0)
    }
    do { return try restore(backup.database, to: path, allowingOtherRack: allowingOtherRack) } catch {
      throw StoreFault(error.kind, error.message.replacing(backup.database, with: file))
    }
  }

  /// The rack of the directory, as far as it can be known.
  private static func presentRack(_ directory: StateDirectory) -> UUID? {
    if let standIn = try? StandIn(for: directory.database), let pool = try? pool(standIn.database),
      let text = try? pool.read({ try String.fetchOne($0, sql: "SELECT id FROM rack") })
    {
      return UUID(uuidString: text)
    }
    return directory.rackID
  }

  /// Writes the log into the database, so that a crash between taking the log away and putting the new database there
  /// leaves the old one whole. Of a damaged one both are kept as they are.
  private static func settle(_ directory: StateDirectory) {
    guard !directory.isDatabaseGone, let pool = try? DatabasePool(path: directory.database) else { return }
    _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    try? pool.close()
  }

  /// Puts aside what is in the directory, unless it is a state that can be read. Returns the new names.
  static func beginAnew(_ directory: StateDirectory, _ now: Date) throws(StoreFault) -> [String] {
    if !directory.isDatabaseGone {
      let rack: Rack
      do {
        rack = try check(backup: directory.database)
      } catch {
        guard error.kind == .damaged else { throw error }
        return try directory.beginAnew(at: now)
      }
      let count = rack.servers.count
      throw StoreFault(
        .otherRack,
        "\(directory.path) has a rack that is in order, \(rack.id.uuidString.lowercased()) with "
          + "\(count == 1 ? "1 server" : "\(count) servers"): --new-rack begins anew only where the database is gone or damaged; "
          + "leave it out, or choose another directory with --state")
    }
    guard directory.hasBeenUsed else { return [] }
    return try directory.beginAnew(at: now)
  }

  static func gone(_ directory: StateDirectory) -> StoreFault {
    let what = access(directory.database, F_OK) == 0 ? "is empty" : "is gone"
    let id = directory.rackID.map { " \($0.uuidString.lowercased())" } ?? ""
    let copy =
      directory.copyDate.map { "; \(directory.copy) is of \($0.formatted(.iso8601))" } ?? ""
    return StoreFault(
      .gone,
      "\(directory.database) \(what), and the directory is that of a rack\(id): 'toprack restore FILE --state \(directory.path)' "
        + "puts a backup there\(copy); 'toprackd --new-rack' begins anew and keeps what is there")
  }
}

extension StateDirectory {
  /// When the copy was made; `nil`: there is none.
  var copyDate: Date? {
    var status = stat()
    guard stat(copy, &status) == 0, status.st_size > 0 else { return nil }
    return Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec))
  }
}
