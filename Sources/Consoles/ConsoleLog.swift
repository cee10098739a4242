// What a console has said, on disk.

import Glibc
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// The file `NAME.log` of a directory, for the daemon's user alone; at 10 MB it becomes `NAME.log.1`, and three of
/// those are kept.
///
/// ## Whose it is
/// Names are given again, and what a server has said is nobody's business but its project's. So beside the file
/// `NAME.server` says whose the file is: one of another server, or of nobody, is put aside before anything is written,
/// and never shown.
///
/// ## Threads
/// `append` and `rename` belong to one thread. Writing happens on another, in order; what waits for the disk is
/// bounded, and what is beyond that is not written, so that no console waits for a disk.
final class ConsoleLog {
  static let limit = 10_000_000
  static let kept = 3
  /// Bytes that may wait for the disk.
  private static let backlogLimit = 4 << 20
  /// One for all: disks are not faster with several.
  private static let threads: NIOThreadPool = {
    let threads = NIOThreadPool(numberOfThreads: 1)
    threads.start()
    return threads
  }()

  private let file: File
  private let waiting = NIOLockedValueBox(0)

  /// `directory` is made when it is not there. `owner`: the server, in one line.
  init(_ directory: String, _ name: String, of owner: String, limit: Int = limit, logger: Logger) {
    file = File(directory: directory, name: name, owner: owner, limit: limit, logger: logger)
  }

  /// What the server has said last, as far as its newest file has it. `done` is called on another thread.
  func tail(_ count: Int, _ done: @escaping @Sendable ([UInt8]) -> Void) {
    Self.threads.submit { [file] _ in done(file.tail(count)) }
  }

  func append(_ bytes: [UInt8]) {
    let isTaken = waiting.withLockedValue { waiting in
      guard waiting + bytes.count <= Self.backlogLimit else { return false }
      waiting += bytes.count
      return true
    }
    guard isTaken else { return }
    Self.threads.submit { [file, waiting] _ in
      file.append(bytes)
      waiting.withLockedValue { $0 -= bytes.count }
    }
  }

  /// The next bytes go to another file.
  func rename(to name: String) { Self.threads.submit { [file] _ in file.rename(to: name) } }

  /// Returns when all that was appended is written.
  func flush() async { await withCheckedContinuation { done in Self.threads.submit { _ in done.resume() } } }

  /// Lives on the thread of the disk.
  private final class File: @unchecked Sendable {
    private let directory: String
    private var name: String
    private let owner: String
    private let limit: Int
    private let logger: Logger
    private var descriptor: Int32 = -1
    private var size = 0
    private var hasFailed = false

    init(directory: String, name: String, owner: String, limit: Int, logger: Logger) {
      (self.directory, self.name, self.owner) = (directory, name, owner)
      (self.limit, self.logger) = (limit, logger)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private var path: String { "\(directory)/\(name).log" }
    private var mark: String { "\(directory)/\(name).server" }

    func rename(to new: String) {
      if descriptor >= 0 { close(descriptor) }
      (name, descriptor, hasFailed) = (new, -1, false)
    }

    func append(_ bytes: [UInt8]) {
      if descriptor < 0 { open() }
      guard descriptor >= 0 else { return }
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return complain("written") }
        hasFailed = false
        size += count
        rest = rest.dropFirst(count)
      }
      if size >= limit { rotate() }
    }

    private func open() {
      if mkdir(directory, 0o700) < 0, errno != EEXIST { return complain("made") }
      if !isOwn {
        shift()
        guard claim() else { return complain("claimed") }
      }
      descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else { return complain("opened") }
      var status = stat()
      size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Whether the file that is there, if any, is this server's.
    private var isOwn: Bool { Self.read(mark, last: 256).map { $0.elementsEqual(owner.utf8) } ?? false }

    private func claim() -> Bool {
      let mark = Glibc.open(mark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard mark >= 0 else { return false }
      defer { close(mark) }
      return write(mark, owner, owner.utf8.count) == owner.utf8.count
    }

    func tail(_ count: Int) -> [UInt8] { isOwn ? Self.read(path, last: count) ?? [] : [] }

    private static func read(_ path: String, last count: Int) -> [UInt8]? {
      let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { return nil }
      var bytes = [UInt8](repeating: 0, count: min(count, Int(status.st_size)))
      let got = pread(descriptor, &bytes, bytes.count, status.st_size - bytes.count)
      return got < 0 ? nil : Array(bytes.prefix(got))
    }

    private func rotate() {
      close(descriptor)
      descriptor = -1
      shift()
    }

    private func shift() {
      for number in (1..<ConsoleLog.kept).reversed() {
        _ = Glibc.rename("\(path).\(number)", "\(path).\(number + 1)")
      }
      _ = Glibc.rename(path, "\(path).1")
    }

    /// Once until it works again: a full disk is full for each line.
    private func complain(_ what: String) {
      guard !hasFailed else { return }
      hasFailed = true
      logger.warning("\(path) cannot be \(what): \(String(cString: strerror(errno)))")
    }
  }
}
