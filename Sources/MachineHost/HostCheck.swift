// What a host must have for a machine: files that are what they are said to be, memory, processors.

import Glibc
import Machines

/// Looks at the host before anything is done. Blocks.
enum HostCheck {
  /// Throws what is in the way of `spec`. Whether a service may write to a disk it says itself: a daemon that is closed in
  /// may write nowhere. Returns the format of its disk.
  static func check(_ spec: MachineSpec, by runner: QEMURunner) throws(MachineFault) -> DiskFormat? {
    if let fault = spec.fault { throw MachineFault(.refused, fault) }
    let available = memory
    guard spec.memory <= available else {
      throw MachineFault(
        .refused, "memory is \(MachineSpec.size(spec.memory)), and the host has \(MachineSpec.size(available))")
    }
    let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    guard spec.cpus <= processors else {
      throw MachineFault(.refused, "cpus is \(spec.cpus), and the host has \(processors)")
    }
    if let kernel = spec.kernel { try checkKernel(kernel) }
    if let initrd = spec.initrd { _ = try beginning(of: initrd, "initrd", 1) }
    return try spec.disk.map { (path) throws(MachineFault) in
      try format(of: path, isSnapshot: spec.snapshot || runner.socket != nil, boots: spec.kernel == nil)
    }
  }

  private static var memory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

  /// An ELF image, or one with the header of Linux' boot protocol.
  private static func checkKernel(_ path: String) throws(MachineFault) {
    let head = try beginning(of: path, "kernel", 0x206)
    let isKernel = head.starts(with: [0x7F] + Array("ELF".utf8)) || head.dropFirst(0x202).starts(with: "HdrS".utf8)
    guard isKernel else {
      throw MachineFault(
        .refused, "kernel \(path) is none: valid is what a distribution has as vmlinuz, or an ELF image")
    }
  }

  /// QEMU is told what an image is, and never guesses: a guest could write a header on a raw disk that names a file of
  /// the host. `boots`: it is what the machine boots, so a raw one must look so.
  private static func format(of path: String, isSnapshot: Bool, boots: Bool) throws(MachineFault) -> DiskFormat {
    let head = try beginning(of: path, "disk", 0x8006)
    if !isSnapshot, access(path, W_OK) != 0 {
      throw MachineFault(
        .refused, "disk \(path) cannot be written: \(String(cString: strerror(errno))); snapshot leaves it as it is")
    }
    let format = DiskFormat(header: head)
    guard format == .raw else { return format }
    let isDisk = head.dropFirst(510).starts(with: [0x55, 0xAA]) || head.dropFirst(512).starts(with: "EFI PART".utf8)
    let isDisc = head.dropFirst(0x8001).starts(with: "CD001".utf8)
    guard isDisk || isDisc || !boots, head.count >= 512 else {
      throw MachineFault(
        .refused,
        "disk \(path) is no disk image: valid are qcow2, vmdk, vdi, vhdx, vpc, and a raw disk with a boot sector")
    }
    return .raw
  }

  /// The first bytes of a file, or of a device. `count`: of them, if there are as many.
  private static func beginning(of path: String, _ what: String, _ count: Int) throws(MachineFault) -> [UInt8] {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw MachineFault(.refused, "\(what) \(path): \(String(cString: strerror(errno)))")
    }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFBLK else {
      throw MachineFault(.refused, "\(what) \(path) is neither a file nor a disk of this host")
    }
    guard let bytes = read(path, count) else {
      throw MachineFault(.refused, "\(what) \(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    guard !bytes.isEmpty else { throw MachineFault(.refused, "\(what) \(path) is empty") }
    return bytes
  }

  private static func read(_ path: String, _ count: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(descriptor, &bytes, count, 0)
    return got < 0 ? nil : Array(bytes.prefix(got))
  }
}
