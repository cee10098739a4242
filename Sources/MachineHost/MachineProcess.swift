// Processes that are nobody's child here: how they are known again, and how QEMU's are told from all others.

import Glibc
import Machines

/// A process that is not our child, or may be that of a daemon before us: a number that the kernel gives again, and the
/// moment at which it was given.
struct MachineProcess: Codable, Hashable, Sendable {
  var id: Int
  /// Clock ticks since the machine's start, proc(5) field 22.
  var startTime: UInt64

  init?(_ id: Int) {
    guard let status = Self.status(id) else { return nil }
    (self.id, startTime) = (id, status.startTime)
  }

  /// It is there, and not just a line in a table. One whose first thread has ended has its files, TAPs among them, until
  /// the last thread has.
  var isAlive: Bool {
    guard let status = Self.status(id), status.startTime == startTime else { return false }
    return status.state != "Z" && status.state != "X" || status.threads > 1
  }

  func kill() { if isAlive { Glibc.kill(pid_t(id), SIGKILL) } }

  /// Waits until it is gone, for `milliseconds`. Blocks.
  func waitForEnd(_ milliseconds: Int) -> Bool {
    for _ in 0...milliseconds / 10 {
      if !isAlive { return true }
      usleep(10_000)
    }
    return !isAlive
  }

  /// When memory is short, a guest goes before the switch.
  func volunteer() { _ = MachineFiles.write(Array("500".utf8), to: "/proc/\(id)/oom_score_adj") }

  private static func status(_ id: Int) -> (state: Substring, threads: Int, startTime: UInt64)? {
    // The name, in parentheses, may have anything in it.
    guard let bytes = MachineFiles.read("/proc/\(id)/stat", limit: 1024),
      let end = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
    guard fields.count > 19, let threads = Int(fields[17]), let startTime = UInt64(fields[19]) else { return nil }
    return (fields[0], threads, startTime)
  }
}

/// A QEMU that has written its number into a file, as the kernel tells of it.
///
/// ## How it works
/// A number alone may be anybody's by now. So the process with the number that the file has must run a QEMU that was
/// told to write just this file (`-pidfile`): no other program has such words, and no second QEMU gets the file, which
/// the first holds locked.
struct QEMUProcess: Hashable, Sendable {
  let process: MachineProcess
  /// After the name of the program.
  let words: [String]

  /// `nil`: there is none.
  init?(writtenIn file: String) {
    guard let number = Self.number(in: file), let process = MachineProcess(number), process.isAlive,
      let words = Self.words(of: number), Self.value(of: Self.fileOption, in: words) == file
    else { return nil }
    (self.process, self.words) = (process, words)
  }

  /// What a QEMU of ours is told to write its number into.
  static let fileOption = "-pidfile"

  /// As it was told.
  var accelerator: Accelerator? {
    Self.value(of: "-machine", in: words).map { Accelerator(isKVM: $0.hasSuffix("accel=kvm")) }
  }

  /// Ends it, and waits until it is gone. False: it does not go. Blocks.
  @discardableResult
  func end() -> Bool {
    process.kill()
    return process.waitForEnd(Self.patience)
  }

  /// A process that writes to a disk ends when the disk has it.
  private static let patience = 10_000

  static func number(in file: String) -> Int? {
    MachineFiles.read(file, limit: 32).flatMap { Int(String(decoding: $0.filter { $0 > 0x20 }, as: UTF8.self)) }
  }

  /// Of a process that runs QEMU, without the program; `nil`: it runs something else, or is gone.
  static func words(of number: Int) -> [String]? {
    guard let bytes = MachineFiles.read("/proc/\(number)/cmdline", limit: 1 << 17) else { return nil }
    let words = bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    guard words[0].split(separator: "/").last?.hasPrefix("qemu-system-") == true else { return nil }
    return Array(words.dropFirst())
  }

  static func value(of option: String, in words: [String]) -> String? {
    words.firstIndex(of: option).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
  }
}
