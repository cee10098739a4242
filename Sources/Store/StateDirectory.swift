import FoundationEssentials
import Glibc

/// The directory of a rack's state: what is in it, and who may touch it.
///
///     rack.sqlite        the database; its log, rack.sqlite-wal, beside it
///     rack.sqlite.copy   the database as it was when the daemon had started last, or an hour ago
///     reserve            nothing: room for deleting when the disk is full
///     rack-id            whose directory it is: says that there has been a database
///     lock               held by the daemon that runs
///     token, tls-….pem   the API's
///     rack-DATE.sqlite   what a restore or a new rack has put aside
///
/// The directory belongs to the user that the daemon runs as, and is closed to all others (0700), its files too (0600).
/// Who else could write here could be anybody in the rack, so such a directory is refused, not mended; one that others
/// can only read is mended.
struct StateDirectory: Sendable {
  let path: String

  var database: String { path + "/rack.sqlite" }
  var log: String { database + "-wal" }
  var copy: String { database + ".copy" }
  var mark: String { path + "/rack-id" }
  var lock: String { path + "/lock" }
  var token: String { path + "/token" }

  /// What the names of our files begin with.
  private static let ours = ["rack", "lock", "token", "tls-", "backup", "reserve"]

  /// Makes the directory when it is not there, and closes it and its files to others.
  ///
  /// - Parameter owner: whose it has to be.
  func close(to owner: uid_t = geteuid()) throws(StoreFault) {
    let isNew = mkdir(path, 0o700) == 0
    if !isNew, errno != EEXIST { throw .unavailable("making the state directory \(path)", errno) }
    do throws(StoreFault) { try closeExisting(owner) } catch {
      if isNew { rmdir(path) }
      throw error
    }
  }

  private func closeExisting(_ owner: uid_t) throws(StoreFault) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unavailable("opening the state directory \(path)", errno) }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unavailable("looking at \(path)", errno) }
    try check(status, owner)
    try checkParents()
    // On a file system that is read-only they stay as they are.
    if status.st_mode & 0o777 != 0o700, fchmod(descriptor, 0o700) != 0, errno != EROFS {
      throw .unavailable("closing the state directory \(path) to others", errno)
    }
    try closeFiles(owner)
  }

  /// The owner of the directory.
  var owner: (user: uid_t, group: gid_t)? {
    var status = stat()
    return stat(path, &status) == 0 ? (status.st_uid, status.st_gid) : nil
  }

  private func check(_ status: stat, _ owner: uid_t) throws(StoreFault) {
    guard status.st_uid == owner else {
      throw StoreFault(
        .open,
        "the state directory \(path) belongs to \(Self.name(status.st_uid)), and toprackd runs as \(Self.name(owner)): "
          + "give it to that user ('chown -R'), or choose another directory with --state")
    }
    guard status.st_mode & 0o022 == 0 else {
      let who = status.st_mode & 0o002 != 0 ? "everybody" : "its group"
      throw StoreFault(
        .open,
        "the state directory \(path) can be written by \(who), who may have put anything there: if you trust what is in it, "
          + "'chmod 700 \(path)', else choose another with --state")
    }
  }

  /// A directory above that everybody can write: there somebody could put another one in this one's place.
  private func checkParents() throws(StoreFault) {
    guard let real = realpath(path, nil) else { throw .unavailable("looking at \(path)", errno) }
    defer { free(real) }
    var parent = String(cString: real)
    while let slash = parent.lastIndex(of: "/"), parent != "/" {
      parent = slash == parent.startIndex ? "/" : String(parent[..<slash])
      var status = stat()
      guard stat(parent, &status) == 0 else { throw .unavailable("looking at \(parent)", errno) }
      if status.st_mode & 0o002 != 0, status.st_mode & UInt32(S_ISVTX) == 0 {
        throw StoreFault(
          .open,
          "the state directory \(path) is below \(parent), which everybody can write and where it could be exchanged: "
            + "'chmod o-w \(parent)', or choose another with --state")
      }
    }
  }

  private func closeFiles(_ owner: uid_t) throws(StoreFault) {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw .unavailable("reading the state directory \(path)", errno)
    }
    for name in names where Self.ours.contains(where: name.hasPrefix) {
      let file = path + "/" + name
      var status = stat()
      guard lstat(file, &status) == 0 else { continue }
      guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == owner else {
        let what =
          status.st_mode & S_IFMT == S_IFREG ? "belongs to \(Self.name(status.st_uid))" : "is not a plain file"
        throw StoreFault(
          .open,
          "\(file) \(what): in a state directory there are plain files of \(Self.name(owner)) alone; "
            + "move it away, or give it to that user")
      }
      if status.st_mode & 0o777 != 0o600, chmod(file, 0o600) != 0, errno != EROFS {
        throw .unavailable("closing \(file) to others", errno)
      }
    }
  }

  private static func name(_ user: uid_t) -> String {
    guard let entry = getpwuid(user) else { return "user \(user)" }
    return String(cString: entry.pointee.pw_name)
  }
}

/// What the directory says about the database.
extension StateDirectory {
  /// Whether nothing can be written here: the error number that says why, else `nil`.
  var writeError: Int32? {
    for file in [path, database] where access(file, W_OK) != 0 && errno != ENOENT { return errno }
    return nil
  }

  /// Whether there is no database, or an empty file in its place.
  var isDatabaseGone: Bool { Self.size(database) == 0 }

  /// Whether there has been one: then a new one would be somebody's loss.
  var hasBeenUsed: Bool {
    Self.size(mark) > 0 || Self.size(copy) > 0 || Self.size(log) > 0
      || Self.size(lock, absent: -1) >= 0
        && Self.size(token) > 0
  }

  /// Of the rack that was here last, as far as it is known without the database.
  var rackID: UUID? {
    guard let data = FileManager.default.contents(atPath: mark), data.count < 100 else { return nil }
    return UUID(uuidString: String(decoding: data.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }

  func write(rackID id: UUID) throws(StoreFault) {
    guard id != rackID else { return }
    let new = mark + ".new"
    unlink(new)
    let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .unavailable("writing \(mark)", errno) }
    defer { Glibc.close(descriptor) }
    let text = Array((id.uuidString.lowercased() + "\n").utf8)
    guard Glibc.write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0, rename(new, mark) == 0
    else { throw .unavailable("writing \(mark)", errno) }
    synchronize()
  }

  /// Puts names on disk, which renaming alone does not.
  func synchronize() {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    Glibc.close(descriptor)
  }

  /// Files that a process has left unfinished.
  func tidy() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    for name in names where name.hasPrefix("backup-") || name == "rack.sqlite.copy.new" || name == "rack-id.new" {
      unlink(path + "/" + name)
    }
  }

  static func size(_ file: String, absent: Int = 0) -> Int {
    var status = stat()
    return stat(file, &status) == 0 ? status.st_size : absent
  }

  // MARK: Putting aside

  /// A name for what is put aside, `rack-20261126T210000Z.sqlite`, that nothing has.
  private func asideName(_ now: Date) -> String {
    let stamp = now.formatted(.iso8601).filter { $0.isNumber || $0 == "T" || $0 == "Z" }
    for number in 1... {
      let name = "\(path)/rack-\(stamp)" + (number == 1 ? "" : "-\(number)")
      if [".sqlite", ".sqlite-wal", ".token"].allSatisfy({ access(name + $0, F_OK) != 0 }) { return name }
    }
    return path
  }

  /// Gives the database, its log and its copy further names; they stay under their own as well. SQLite finds the log by
  /// the new name. Returns the names.
  func keep(at now: Date) throws(StoreFault) -> [String] {
    let name = asideName(now)
    var kept: [String] = []
    let pairs = [(database, ".sqlite"), (log, ".sqlite-wal"), (copy, ".copy.sqlite")]
    for (file, suffix) in pairs where Self.size(file) > 0 {
      guard link(file, name + suffix) == 0 else { throw .unavailable("keeping \(file) as \(name + suffix)", errno) }
      kept.append(name + suffix)
    }
    synchronize()
    return kept
  }

  /// Puts all of a rack aside: afterwards the directory is as if it had not been used. Returns the new names.
  func beginAnew(at now: Date) throws(StoreFault) -> [String] {
    var kept = try keep(at: now)
    if access(token, F_OK) == 0 {
      let name = asideName(now) + ".token"
      guard rename(token, name) == 0 else { throw .unavailable("keeping \(token) as \(name)", errno) }
      kept.append(name)
    }
    // The mark last: until then a start without --new-rack is refused.
    for file in [database + "-shm", log, copy, database, mark] {
      guard unlink(file) == 0 || errno == ENOENT else { throw .unavailable("removing \(file)", errno) }
    }
    synchronize()
    return kept
  }
}
