// What belongs to a virtual machine on disk, and the process that runs it.

import FoundationEssentials
import Glibc
import Machines
import Rack

/// The folder of one virtual machine: `machines/UUID` in the state directory, for the daemon's user alone.
///
///     record.json   what it is to be and what became of it, replaced by rename
///     console.sock  the serial port      qmp.sock   QEMU's monitor
///     console.log   what the serial port has said
///     qemu.log      what QEMU has said since its last start
///     seed.img      what cloud-init reads
///
/// Blocks. One thread at a time.
struct MachineFiles: Sendable {
  /// Of all machines.
  let directory: String
  let folder: String

  init(in directory: String, of server: ServerID) {
    (self.directory, folder) = (directory, "\(directory)/\(server)")
  }

  var record: String { "\(folder)/record.json" }
  var console: String { "\(folder)/console.sock" }
  var consoleLog: String { "\(folder)/console.log" }
  var monitor: String { "\(folder)/qmp.sock" }
  var log: String { "\(folder)/qemu.log" }
  var seed: String { "\(folder)/seed.img" }
  var processID: String { "\(folder)/pid" }

  /// What fits `sockaddr_un`, unix(7), with the NUL at the end.
  static let socketPathLimit = 107
  /// Of what a serial port has said while nobody looked after it.
  static let logLimit = 10_000_000

  var fault: MachineFault? {
    guard console.utf8.count > Self.socketPathLimit else { return nil }
    return MachineFault(
      .unavailable,
      "\(console) has \(console.utf8.count) bytes, and a socket's path has at most "
        + "\(Self.socketPathLimit): choose a state directory with a shorter name")
  }

  func make() -> Bool {
    mkdir(directory, 0o700)
    return mkdir(folder, 0o700) == 0 || errno == EEXIST
  }

  func load() -> MachineRecord? {
    guard let bytes = Self.read(record, limit: 1 << 20) else { return nil }
    return try? JSONDecoder().decode(MachineRecord.self, from: Data(bytes))
  }

  func save(_ new: MachineRecord) -> Bool {
    guard make(), let data = try? JSONEncoder().encode(new) else { return false }
    let draft = "\(record).new"
    guard Self.write(Array(data), to: draft, isDurable: true) else { return false }
    return rename(draft, record) == 0
  }

  func removeAll() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  /// The last line that QEMU has said.
  var lastWord: String? { Self.read(log, limit: 1 << 16).flatMap { String(decoding: $0, as: UTF8.self).lastLine } }

  /// A QEMU of this machine that was started and not written down any more.
  var orphan: QEMUProcess? { QEMUProcess(writtenIn: processID) }

  /// QEMU writes behind whatever is there, so a file may be cut under it.
  func trim() {
    for path in [consoleLog, log] {
      var status = stat()
      if stat(path, &status) == 0, status.st_size > Self.logLimit { truncate(path, 0) }
    }
  }

  /// All of a file, or the last `limit` bytes.
  static func read(_ path: String, limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    // Files of /proc have no size.
    let size = status.st_size > 0 ? Int(status.st_size) : limit
    var bytes = [UInt8](repeating: 0, count: min(limit, size))
    let count = pread(descriptor, &bytes, bytes.count, status.st_size > limit ? status.st_size - off_t(limit) : 0)
    return count < 0 ? nil : Array(bytes.prefix(count))
  }

  static func write(_ bytes: [UInt8], to path: String, isDurable: Bool = false) -> Bool {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return !isDurable || fdatasync(descriptor) == 0
  }
}

/// What is known of a virtual machine from one start of the daemon to the next.
struct MachineRecord: Codable, Hashable, Sendable {
  /// Prepared for a machine that somebody else runs.
  struct Attachment: Codable, Hashable, Sendable {
    /// `nil`: the folder's.
    var console: String?
  }

  /// `nil`: somebody else's.
  var spec: MachineSpec?
  /// Of the spec's disk.
  var format: DiskFormat?
  var hasSeed = false
  var isWanted = false
  var boot = VirtualMachine.Boot.normal
  var reason: String?
  /// It has ended by itself.
  var hasFailed = false
  var process: MachineProcess?
  var accelerator: Accelerator?
  var attachment: Attachment?
  /// By the NIC's name.
  var links: [String: GuestLink] = [:]
}
