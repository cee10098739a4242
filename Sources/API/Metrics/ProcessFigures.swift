// What the daemon takes of the machine, by proc_pid_stat(5).

import FoundationEssentials
import Glibc

struct ProcessFigures: Sendable {
  /// Seconds, user and system.
  var processorTime = 0.0
  /// Bytes.
  var residentMemory = 0, virtualMemory = 0
  var threads = 0
  var openFiles = 0, fileLimit = 0

  /// `nil`: there is no /proc.
  static func now() -> ProcessFigures? {
    guard let stat = read("/proc/self/stat") else { return nil }
    // The second field is the name, in parentheses, with anything in it.
    let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
    guard fields.count > 22 else { return nil }
    // fields[1] is the third, the state.
    func field(_ number: Int) -> Int { Int(fields[number - 2]) ?? 0 }
    var figures = ProcessFigures()
    let ticks = max(1, sysconf(Int32(_SC_CLK_TCK)))
    figures.processorTime = Double(field(14) + field(15)) / Double(ticks)
    figures.threads = field(20)
    figures.virtualMemory = field(23)
    figures.residentMemory = field(24) * max(1, sysconf(Int32(_SC_PAGESIZE)))
    figures.openFiles = files()
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      figures.fileLimit = Int(clamping: limit.rlim_cur)
    }
    return figures
  }

  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }

  /// Without the one by which they are counted.
  private static func files() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
      if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
    }
    return max(0, count - 1)
  }
}
