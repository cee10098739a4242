import CPcap
import Foundation
import Glibc

/// A program started by a test: its output goes to unlinked files, so that no pipe can fill up and no reader is needed.
final class ChildProcess {
  let pid: pid_t
  private let exitDescriptor: Int32
  private let output: Int32
  private let errors: Int32
  private var status: Int32?

  /// Starts `command`, whose first word is looked up in PATH. Inherits descriptors 0–2 only: all others of a test close on exec.
  /// `conversation`: a socket that is its standard input and output; `standardOutput` is then empty.
  init(_ command: [String], environment extra: [String: String] = [:], conversation: Int32? = nil) throws {
    output = try Self.unlinkedFile()
    errors = try Self.unlinkedFile()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let conversation {
      posix_spawn_file_actions_adddup2(&actions, conversation, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, conversation ?? output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)

    let environment = ProcessInfo.processInfo.environment.merging(extra) { _, new in new }
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer {
      for pointer in arguments + variables { free(pointer) }
    }
    var child: pid_t = 0
    let failure = posix_spawnp(&child, command[0], &actions, nil, &arguments, &variables)
    guard failure == 0 else { throw HarnessError("\(command[0]): \(String(cString: strerror(failure)))") }
    pid = child
    exitDescriptor = pidfd_open(child, 0)
  }

  deinit {
    if status == nil {
      kill(pid, SIGKILL)
      _ = wait(until: .after(.seconds(10)))
    }
    for descriptor in [exitDescriptor, output, errors] { close(descriptor) }
  }

  func signal(_ number: Int32) {
    if status == nil { kill(pid, number) }
  }

  /// The exit status, 128 + the number of the signal that ended it, or nil when it still runs at `deadline`.
  func wait(until deadline: Deadline) -> Int32? {
    if let status { return status }
    while true {
      var entry = pollfd(fd: exitDescriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&entry, 1, deadline.milliseconds)
      if ready > 0 { break }
      if ready == 0 { return nil }
    }
    var word: Int32 = 0
    while waitpid(pid, &word, 0) < 0, errno == EINTR {}
    status = word & 0x7F == 0 ? (word >> 8) & 0xFF : 128 + (word & 0x7F)
    return status
  }

  var hasExited: Bool { wait(until: .after(.zero)) != nil }
  var standardOutput: Data { Self.contents(of: output) }
  var standardError: Data { Self.contents(of: errors) }

  private static func unlinkedFile() throws -> Int32 {
    var path = Array("/tmp/toprack-test-output-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    guard descriptor >= 0 else { throw HarnessError("no temporary file: \(String(cString: strerror(errno)))") }
    unlink(path)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return descriptor
  }

  private static func contents(of descriptor: Int32) -> Data {
    var information = stat()
    guard fstat(descriptor, &information) == 0, information.st_size > 0 else { return Data() }
    var data = Data(count: Int(information.st_size))
    let read = data.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    return data.prefix(max(read, 0))
  }
}

/// What a program that has ended left behind.
struct Finished: Sendable {
  let command: [String]
  let status: Int32
  let output: Data
  let errors: String

  var text: String { String(decoding: output, as: UTF8.self) }
}

/// Runs `command` to its end. Throws only when it cannot be started or does not end; a failure is for the caller to judge.
func run(_ command: [String], environment: [String: String] = [:], limit: Duration = .seconds(60)) throws -> Finished {
  let child = try ChildProcess(command, environment: environment)
  guard let status = child.wait(until: .after(limit)) else {
    throw HarnessError("\(command.joined(separator: " ")) did not end within \(limit)")
  }
  return Finished(
    command: command, status: status, output: child.standardOutput,
    errors: String(decoding: child.standardError, as: UTF8.self))
}

/// Runs `command`, which must succeed.
@discardableResult
func runSuccessfully(_ command: [String], limit: Duration = .seconds(60)) throws -> Finished {
  let finished = try run(command, limit: limit)
  guard finished.status == 0 else {
    throw HarnessError("\(command.joined(separator: " ")) ended with \(finished.status): \(finished.errors)")
  }
  return finished
}
