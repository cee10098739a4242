/// How QEMU is started for a server: what the machine is goes in, the words of a command line come out.
///
/// ## What every machine gets
/// The server's two NICs, in order and before all other devices, so that systems that count devices name them in that
/// order; their MAC addresses, a speed and a duplex (`VirtualNIC.speed`). The serial line is a Unix socket that QEMU
/// listens at: the console hub is its only client. What it says while nobody listens goes to a file, if there is one.
///
/// A kernel of the user's is loaded by QEMU, before any disk; the NICs then have no boot ROM, which boots sooner.
///
/// `words` is the whole machine, as the daemon runs it: nothing but what is named here, no devices of QEMU's own
/// choice, no configuration file. `attachment` is what joins a machine that somebody else runs: NICs and serial line.
public struct QEMUArguments: Hashable, Sendable {
  public enum Accelerator: String, CaseIterable, Sendable { case kvm, tcg }

  public struct Disk: Hashable, Sendable {
    public var path: String
    public var format: DiskFormat
    /// What is written is forgotten at the end.
    public var isSnapshot: Bool

    public init(_ path: String, _ format: DiskFormat, isSnapshot: Bool = false) {
      (self.path, self.format, self.isSnapshot) = (path, format, isSnapshot)
    }
  }

  /// A system that QEMU loads itself.
  public struct Kernel: Hashable, Sendable {
    public var path: String
    public var initrd: String?
    public var append: String?

    public init(_ path: String, initrd: String? = nil, append: String? = nil) {
      (self.path, self.initrd, self.append) = (path, initrd, append)
    }
  }

  public static let program = "qemu-system-x86_64"
  /// Identifiers within QEMU.
  public static let (consoleID, monitorID) = ("console", "monitor")

  public var name: String
  /// Booted from, unless there is a kernel. Without both the machine boots from the network.
  public var disk: Disk?
  public var kernel: Kernel?
  public var nics: [VirtualNIC]
  /// In bytes; rounded up to whole MiB.
  public var memory: Int
  public var cpus: Int
  public var accelerator: Accelerator
  /// Path of the serial line's socket.
  public var console: String?
  /// Path of the file for what the serial line says.
  public var consoleLog: String?
  /// Path of the socket for QMP.
  public var monitor: String?
  /// Path of the disk with the files of a `CloudInitSeed`.
  public var seed: String?

  public init(
    name: String, disk: Disk? = nil, kernel: Kernel? = nil, nics: [VirtualNIC], memory: Int = 512 << 20, cpus: Int = 1,
    accelerator: Accelerator = .tcg, console: String? = nil, consoleLog: String? = nil, monitor: String? = nil,
    seed: String? = nil
  ) {
    (self.name, self.disk, self.kernel) = (name, disk, kernel)
    (self.nics, self.memory, self.cpus) = (nics, memory, cpus)
    (self.accelerator, self.console, self.consoleLog) = (accelerator, console, consoleLog)
    (self.monitor, self.seed) = (monitor, seed)
  }

  /// After the name of the program.
  public var words: [String] {
    machine + Self.words(of: nics, bootROM: kernel == nil, first: disk == nil ? 0 : 1) + drives
      + Self.serial(console, log: consoleLog) + control
  }

  /// What joins somebody else's machine to a server: its NICs and its serial line.
  ///
  /// `bootROM`: whether the NICs keep QEMU's own, by which the machine can boot from the network.
  public static func attachment(of nics: [VirtualNIC], console: String?, bootROM: Bool = true) -> [String] {
    words(of: nics, bootROM: bootROM, first: nil) + serial(console, log: nil)
  }

  // MARK: Parts

  /// `first`: the place of the first NIC among what is booted from; `nil`: somebody else's matter.
  private static func words(of nics: [VirtualNIC], bootROM: Bool, first: Int?) -> [String] {
    nics.enumerated().flatMap { number, nic in
      let back =
        switch nic.back {
        case .tap(let name): "ifname=\(value(name)),script=no,downscript=no"
        case .macvtap(let descriptor, _): "fd=\(descriptor)"
        }
      let order = first.flatMap { bootROM ? ",bootindex=\($0 + number)" : nil } ?? ""
      return [
        "-netdev", "tap,id=nic\(number),\(back),vhost=off", "-device",
        "virtio-net-pci,netdev=nic\(number),mac=\(nic.mac),speed=\(VirtualNIC.speed),duplex=\(VirtualNIC.duplex)"
          + order + (bootROM ? "" : ",romfile="),
      ]
    }
  }

  private static func serial(_ path: String?, log: String?) -> [String] {
    guard let path else { return [] }
    let file = log.map { ",logfile=\(value($0)),logappend=on" } ?? ""
    return [
      "-chardev", "socket,id=\(consoleID),path=\(value(path)),server=on,wait=off\(file)", "-serial",
      "chardev:\(consoleID)",
    ]
  }

  private var machine: [String] {
    // Under emulation "max" is all that QEMU can do; with KVM "host" is what this processor can.
    let processor = accelerator == .kvm ? "host" : "max"
    return [
      "-name", "guest=\(Self.value(name))", "-machine", "pc,accel=\(accelerator.rawValue)", "-cpu", processor, "-smp",
      "\(cpus)", "-m", "\((memory + (1 << 20) - 1) >> 20)M", "-nodefaults", "-no-user-config", "-display", "none",
      "-rtc", "base=utc",
    ]
  }

  private var drives: [String] {
    var words: [String] = []
    if let disk {
      let end = disk.isSnapshot ? ",snapshot=on" : ""
      words += [
        "-drive", "if=none,id=disk,file=\(Self.value(disk.path)),format=\(disk.format.rawValue)\(end)", "-device",
        "virtio-blk-pci,drive=disk" + (kernel == nil ? ",bootindex=0" : ""),
      ]
    }
    if let kernel {
      words += ["-kernel", kernel.path]
      if let initrd = kernel.initrd { words += ["-initrd", initrd] }
      if let append = kernel.append { words += ["-append", append] }
    }
    if let seed {
      words += [
        "-drive", "if=none,id=seed,file=\(Self.value(seed)),format=raw,read-only=on", "-device",
        "virtio-blk-pci,drive=seed",
      ]
    }
    return words
  }

  /// Entropy for whoever makes keys at the first boot, and the way to say "power off".
  private var control: [String] {
    var words = ["-device", "virtio-rng-pci"]
    if let monitor {
      words += [
        "-chardev", "socket,id=\(Self.monitorID),path=\(Self.value(monitor)),server=on,wait=off", "-mon",
        "chardev=\(Self.monitorID),mode=control",
      ]
    }
    return words
  }

  /// A value among others of one word, where a comma stands between two.
  private static func value(_ text: String) -> String {
    text.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }
}
