// Whether KVM runs guests here, found out by running one.

import Glibc
import Host
import Machines
import NIOConcurrencyHelpers
import Ports

/// Says what runs guests on this host.
///
/// ## How it works
/// That /dev/kvm opens says little: within another virtual machine it may be there and boot nothing, or be slower than
/// emulation. So once in the daemon's life QEMU is started with KVM and a disk of one sector. Its code turns on paging
/// and the 64-bit mode, as every kernel does, and tells QEMU to end by a device that is for that. Where it does not get
/// there within three seconds (with KVM that works it takes a tenth of one) guests are emulated.
///
/// ## Threads
/// Safe to share. `choose` blocks, the first time.
final class KVMProbe: Sendable {
  private let directory: String
  /// Where guests will be started, there it is tried.
  let runner: QEMURunner
  private let found = NIOLockedValueBox<Accelerator?>(nil)

  /// `directory`: where a file may be made.
  init(in directory: String, by runner: QEMURunner) { (self.directory, self.runner) = (directory, runner) }

  func choose(_ qemu: SystemProgram) -> Accelerator {
    // Who comes meanwhile waits for the answer.
    found.withLockedValue { found in
      if let found { return found }
      let reason = reason(qemu)
      let choice = Accelerator(isKVM: reason == nil, reason: reason)
      found = choice
      return choice
    }
  }

  /// Why KVM is not used; `nil`: it works.
  private func reason(_ qemu: SystemProgram) -> String? {
    guard runner.socket != nil || Self.opens else { return "/dev/kvm: \(String(cString: strerror(errno)))" }
    guard let timeout = SystemProgram(named: "timeout") else {
      return "timeout (coreutils), by which it is tried, is missing"
    }
    let disk = "\(directory)/probe.img"
    guard MachineFiles.write(Self.sector, to: disk) else { return "\(disk) cannot be written, by which it is tried" }
    defer { unlink(disk) }
    let words = [
      "-machine", "pc,accel=kvm", "-cpu", "host", "-m", "16", "-nodefaults",
      "-no-user-config",
      "-display", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive",
      "if=ide,format=raw,file=\(disk.doublingCommas)",
    ]
    do throws(PortsFault) {
      // The service behind a socket has a time limit of its own.
      let result: QEMURunner.Result
      if runner.socket == nil {
        let direct = try timeout.run(["-k", "1", "3", qemu.path] + words)
        result = (direct.status, direct.output)
      } else {
        result = try runner.run(qemu, words)
      }
      // The device ends QEMU with twice the number that it was told, and one.
      if result.status == Self.proof << 1 | 1 { return nil }
      if result.status == 124 || result.status == 137 {
        return "/dev/kvm is there, and a guest does not get far with it"
      }
      // What went wrong is said before what came of it.
      let line = result.output.firstError ?? result.output.lastLine ?? "QEMU ended with status \(result.status)"
      return "/dev/kvm is there, and no guest starts with it: \(line)"
    } catch {
      return error.message
    }
  }

  /// Leaves errno behind. A closed-in daemon may not open what its machines may.
  private static var opens: Bool {
    let device = open("/dev/kvm", O_RDWR | O_CLOEXEC)
    if device >= 0 { close(device) }
    return device >= 0
  }

  private static let proof = 0x10

  /// The boot sector.
  private static let sector: [UInt8] = {
    let code: [UInt8] = [
      // Cli; no segments; the stack below.
      0xFA, 0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0xBC, 0x00, 0x7C, 0xFC,
      // Three empty pages of tables at 0x1000.
      0xBF, 0x00, 0x10, 0x66, 0x31, 0xC0, 0xB9, 0x00, 0x0C, 0x66, 0xF3, 0xAB,
      // The first 2 MiB of memory, as they are.
      0x66, 0xC7, 0x06, 0x00, 0x10, 0x03, 0x20, 0x00, 0x00, 0x66, 0xC7, 0x06, 0x00, 0x20, 0x03, 0x30,
      0x00, 0x00, 0x66, 0xC7, 0x06, 0x00, 0x30, 0x83, 0x00, 0x00, 0x00,
      // Cr3: the tables; cr4: PAE.
      0x66, 0xB8, 0x00, 0x10, 0x00, 0x00, 0x0F, 0x22, 0xD8, 0x66, 0xB8, 0x20, 0x00, 0x00, 0x00, 0x0F,
      0x22, 0xE0,
      // EFER: long mode.
      0x66, 0xB9, 0x80, 0x00, 0x00, 0xC0, 0x0F, 0x32, 0x66, 0x0D, 0x00, 0x01, 0x00, 0x00, 0x0F, 0x30,
      // Lgdt; cr0: paging and protection; ljmp to 64-bit code.
      0x0F, 0x01, 0x16, 0x90, 0x7C, 0x66, 0xB8, 0x01, 0x00, 0x00, 0x80, 0x0F, 0x22, 0xC0, 0xEA, 0x69,
      0x7C, 0x08, 0x00,
      // A hundred thousand rounds.
      0xB9, 0xA0, 0x86, 0x01, 0x00, 0xFF, 0xC9, 0x75, 0xFC,
      // Out 0x10 to port 0xf4.
      0x66, 0xBA, 0xF4, 0x00, 0xB0, 0x10, 0xEE,
      // Hlt, for ever.
      0xF4, 0xEB, 0xFD, 0x8D, 0x74, 0x26, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      // The table of segments, and where it is.
      0x00, 0x00, 0x00, 0x00, 0x00, 0x9A, 0x20, 0x00, 0x0F, 0x00, 0x80, 0x7C,
    ]
    return code + [UInt8](repeating: 0, count: 510 - code.count) + [0x55, 0xAA]
  }()
}

extension String {
  /// As a value within a word of QEMU's, where a comma stands between two.
  var doublingCommas: String { split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,") }

  /// What QEMU has said first that is no warning.
  fileprivate var firstError: String? {
    split(whereSeparator: \.isNewline).lazy.compactMap { line in
      line.firstRange(of: "error: ").map { String(line[$0.upperBound...]) }
    }.first
  }

  /// Without the name of the program that says it.
  var lastLine: String? {
    split(whereSeparator: \.isNewline).last.map { line in
      line.firstRange(of: "qemu-system-x86_64: ").map { String(line[$0.upperBound...]) } ?? String(line)
    }
  }
}
