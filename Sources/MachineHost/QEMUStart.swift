// One start of QEMU, from what is known to a process that runs.

import Glibc
import Host
import Machines
import Ports
import Rack

/// All that a start needs, as a value that can go to another thread.
///
/// QEMU puts itself into the background (`-daemonize`): it is in a session of its own and nobody's child, so that it
/// outlives us, and it says whether it runs before it does, with the reason in its log when it does not. Disks, TAPs
/// and sockets are opened before it becomes a user of no rights.
struct QEMUStart: Sendable {
  var server: MachineServer
  var spec: MachineSpec
  var format: DiskFormat?
  var hasSeed: Bool
  /// Of a machine that is new.
  var newSeed: [UInt8]?
  /// What to boot instead of what the spec says.
  var rescue: RescueSystem?
  var files: MachineFiles
  var probe: KVMProbe

  struct Running: Sendable {
    var process: MachineProcess
    var accelerator: Accelerator
  }

  /// By the NIC's name: what its start makes.
  var links: [String: GuestLink] {
    var links: [String: GuestLink] = [:]
    for nic in server.nics {
      links[nic.name.rawValue] = GuestLink(
        how: .forward, interface: nic.interface, namespace: nic.namespace, tap: server.tap(of: nic.name, .forward))
    }
    return links
  }

  /// Blocks, for a tenth of a second and up to some seconds.
  func start() throws(MachineFault) -> Running {
    guard let qemu = SystemProgram(named: QEMUArguments.program) else {
      throw MachineFault(.unavailable, "QEMU is not installed: apt-get install qemu-system-x86")
    }
    if let fault = files.fault { throw fault }
    guard files.make() else {
      throw MachineFault(.unavailable, "\(files.folder) cannot be made: \(String(cString: strerror(errno)))")
    }
    if let newSeed, !MachineFiles.write(newSeed, to: files.seed) {
      throw MachineFault(.unavailable, "\(files.seed) cannot be written: \(String(cString: strerror(errno)))")
    }
    let namespace = try server.namespace()
    let accelerator = probe.choose(qemu)
    for (_, link) in links.sorted(by: { $0.key < $1.key }) { try link.make() }
    try endOrphan()
    for path in [files.console, files.monitor, files.log, files.processID] { unlink(path) }
    do throws(MachineFault) {
      let process = try launch(qemu, accelerator, in: namespace)
      process.volunteer()
      return Running(process: process, accelerator: accelerator)
    } catch {
      // It may be there all the same: in the background before whoever started it could say so.
      try? endOrphan()
      throw error
    }
  }

  /// One that a daemon before us started in its last moment, or that nobody knows to run, has the TAPs and the disk.
  private func endOrphan() throws(MachineFault) {
    guard let orphan = files.orphan, !orphan.end() else { return }
    throw MachineFault(
      .unavailable,
      "process \(orphan.process.id), an earlier QEMU of \(server.name), does not end: it may wait for a disk")
  }

  private func launch(
    _ qemu: SystemProgram, _ accelerator: Accelerator, in namespace: String?
  ) throws(MachineFault) -> MachineProcess {
    do throws(PortsFault) {
      let result = try probe.runner.run(qemu, words(accelerator), in: namespace)
      guard result.status == 0 else {
        let reason = files.lastWord ?? result.output.lastLine ?? "it ended with status \(result.status)"
        throw PortsFault(errno: EIO, message: reason)
      }
    } catch {
      throw MachineFault(.unavailable, "QEMU does not start: \(error.message)")
    }
    guard let process = QEMUProcess.number(in: files.processID).flatMap(MachineProcess.init) else {
      throw MachineFault(.unavailable, "QEMU has ended at once: \(files.lastWord ?? "it does not say why")")
    }
    return process
  }

  private func words(_ accelerator: Accelerator) -> [String] {
    let own = spec.kernel.map { QEMUArguments.Kernel($0, initrd: spec.initrd, append: spec.append) }
    let kernel = rescue.map { QEMUArguments.Kernel($0.kernel, initrd: $0.initrd, append: "console=ttyS0") } ?? own
    let disk = spec.disk.flatMap { path in
      format.map { QEMUArguments.Disk(path, $0, isSnapshot: spec.snapshot) }
    }
    let nics = server.nics.compactMap { nic in
      links[nic.name.rawValue].map { VirtualNIC(name: nic.name.rawValue, mac: nic.mac, back: .tap($0.tap)) }
    }
    var words = QEMUArguments(
      name: server.name, disk: disk, kernel: kernel, nics: nics, memory: spec.memory, cpus: spec.cpus,
      accelerator: accelerator.isKVM ? .kvm : .tcg, console: files.console, consoleLog: files.consoleLog,
      monitor: files.monitor, seed: hasSeed ? files.seed : nil
    ).words
    words += ["-uuid", "\(server.id)"]
    // Of what QEMU can log, system calls of user programs are none here; without anything to log it would close its
    // standard error, by which it says why it ends.
    // The guest is held until its console is there.
    words += ["-S", "-daemonize", QEMUProcess.fileOption, files.processID, "-D", files.log, "-d", "strace"]
    if getuid() == 0 || probe.runner.socket != nil {
      words += ["-runas", "\(server.user):\(server.user)", "-sandbox", "on,obsolete=deny,resourcecontrol=deny"]
    }
    return words
  }
}

/// What a machine boots when its own system is not to be.
public struct RescueSystem: Hashable, Sendable {
  public var kernel: String
  public var initrd: String?

  public init(kernel: String, initrd: String?) { (self.kernel, self.initrd) = (kernel, initrd) }
}

extension MachineServer {
  /// Where its NICs are, which a machine on them must be in, too.
  func namespace() throws(MachineFault) -> String? {
    guard nics.count == PortName.nics.count else {
      throw MachineFault(.unavailable, "NICs of \(name) are lost: 'toprack server show \(name)' says why")
    }
    let places = Set(nics.map(\.namespace))
    guard let place = places.first, places.count == 1, place?.hasPrefix("net:") != true else {
      throw MachineFault(
        .unavailable,
        "the NICs of \(name) are not together in one network namespace that has a name: "
          + "'toprack server repair \(name)' puts them back")
    }
    return place
  }
}
