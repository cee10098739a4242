/// What somebody wants of a virtual machine: what it boots, and how large it is.
public struct MachineSpec: Codable, Hashable, Sendable {
  public enum Restart: String, Codable, CaseIterable, Sendable {
    case no
    /// When QEMU ends without anybody having asked for it.
    case onFailure = "on-failure"
  }

  /// Path of an image.
  public var disk: String?
  /// What the guest writes is forgotten at its end.
  public var snapshot: Bool
  /// Booted directly, without the disk's boot loader.
  public var kernel: String?
  public var initrd: String?
  /// The kernel's command line.
  public var append: String?
  /// Bytes.
  public var memory: Int
  public var cpus: Int
  /// It gets a NoCloud seed of its server.
  public var cloudInit: Bool
  public var restart: Restart

  /// What a machine gets of which nobody has said how large it is.
  public static let defaultMemory = 512 << 20
  /// No system boots in less.
  public static let leastMemory = 64 << 20
  /// Of a path: PATH_MAX.
  public static let pathLimit = 4096
  /// Of the kernel's command line: what Linux takes on x86.
  public static let appendLimit = 2048

  public init(
    disk: String? = nil, snapshot: Bool = false, kernel: String? = nil, initrd: String? = nil, append: String? = nil,
    memory: Int = defaultMemory, cpus: Int = 1, cloudInit: Bool = false, restart: Restart = .no
  ) {
    (self.disk, self.snapshot, self.kernel, self.initrd, self.append) = (disk, snapshot, kernel, initrd, append)
    (self.memory, self.cpus, self.cloudInit, self.restart) = (memory, cpus, cloudInit, restart)
  }

  /// What is wrong with it wherever it is to run; `nil`: nothing is.
  public var fault: String? {
    if disk == nil, kernel == nil { return "neither a disk nor a kernel is given: a machine boots one of them" }
    if snapshot, disk == nil { return "snapshot is given without a disk: it is the disk whose changes are forgotten" }
    if kernel == nil, initrd != nil { return "initrd is given without a kernel, which is what loads it" }
    if kernel == nil, append != nil { return "append is given without a kernel, whose command line it is" }
    for (name, path) in [("disk", disk), ("kernel", kernel), ("initrd", initrd)] {
      if let path, let fault = Self.fault(ofPath: path) { return "\(name) \(fault)" }
    }
    if let append, append.utf8.count > Self.appendLimit || append.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      return "append must be one line of at most \(Self.appendLimit) bytes"
    }
    if memory < Self.leastMemory {
      return "memory is \(Self.size(memory)); a machine needs at least \(Self.size(Self.leastMemory))"
    }
    return cpus < 1 ? "cpus must be at least 1, not \(cpus)" : nil
  }

  private static func fault(ofPath path: String) -> String? {
    let isPlain = path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    guard path.hasPrefix("/"), path.utf8.count < pathLimit, isPlain else {
      return "must be an absolute path of this host, without control characters"
    }
    return nil
  }

  /// `512 MiB`, `2 GiB`; what is no whole number of them is cut.
  public static func size(_ bytes: Int) -> String {
    if bytes >= 1 << 30, bytes.isMultiple(of: 1 << 30) { return "\(bytes >> 30) GiB" }
    return bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes) bytes"
  }
}
