// One virtual machine at the edge: the value decides, and what it wants is done here.

import Dispatch
import Glibc
import Host
import Logging
import Machines
import NIOCore
import Net
import Rack

/// Performs what a `VirtualMachine` wants, keeps its record, and the links between its NICs and the server's. Also of a
/// machine that somebody else runs, of which there is nothing but links.
///
/// ## Threads
/// Belongs to one event loop. What blocks is done on a queue of its own, one thing after another, so that no start
/// meets the links of the last stop half taken away.
final class MachineDesk {
  /// The same for all machines.
  struct Context: Sendable {
    var directory: String
    var rescue: RescueSystem?
    var probe: KVMProbe
    var logger: Logger
    var note: @Sendable (MachineNote) -> Void
    /// Where the console of a server is now.
    var console: @Sendable (ServerID, String?) -> Void
  }

  typealias Answer = @Sendable (Result<MachineStatus, MachineFault>) -> Void

  /// How long QEMU has to end by its own word before it is killed.
  private static let graceOfQuit = 2000
  /// Between the end of its monitor and its own.
  private static let graceOfEnd = 3000

  private let loop: any EventLoop
  private let context: Context
  private let files: MachineFiles
  private let queue: DispatchQueue
  private(set) var server: MachineServer
  private var record: MachineRecord
  /// `nil`: there is none of ours.
  private var machine: VirtualMachine?
  private var monitor: MonitorLine?
  /// Why a NIC's frames get nowhere.
  private var linkFaults: [String: String] = [:]
  private var devices: [String: String] = [:]
  private var starters: [Answer] = []
  private var stoppers: [Answer] = []
  private var timer: Scheduled<Void>?
  /// For the next start.
  private var newSeed: [UInt8]?
  /// As it is on disk, or will be.
  private var saved: MachineRecord?
  private var isRemoved = false

  init(of server: MachineServer, _ record: MachineRecord?, on loop: any EventLoop, _ context: Context) {
    (self.server, self.loop, self.context) = (server, loop, context)
    self.record = record ?? MachineRecord()
    saved = record
    files = MachineFiles(in: context.directory, of: server.id)
    queue = DispatchQueue(label: "toprack.machine")
    publishConsole()
  }

  /// Nothing is left of it.
  var isEmpty: Bool { machine == nil && record.attachment == nil }

  // MARK: What there is

  var status: MachineStatus? {
    let state: MachineStatus.State
    if let machine {
      state = MachineStatus.State(rawValue: machine.phase.rawValue) ?? .failed
    } else if record.attachment != nil {
      state = .attached
    } else {
      return nil
    }
    let isUp = machine.map { $0.phase == .running || $0.phase == .stopping } ?? false
    return MachineStatus(
      server: server.id, state: state, reason: reason, process: isUp ? record.process?.id : nil,
      accelerator: isUp || machine == nil ? record.accelerator : nil, nics: nics, console: console, spec: record.spec)
  }

  private var reason: String? {
    machine?.reason.map { reason in reason + (machine?.advice.map { "; \($0)" } ?? "") }
  }

  private var nics: [MachineStatus.NIC] {
    server.nics.map { nic in
      let link = record.links[nic.name.rawValue]
      let moved = link.flatMap {
        $0.namespace == nic.namespace ? nil : "it is in another network namespace than its machine"
      }
      return MachineStatus.NIC(
        name: nic.name, how: link?.how ?? .forward, interface: nic.interface,
        tap: link?.tap ?? server.tap(of: nic.name, .forward), device: devices[nic.name.rawValue], mac: nic.mac,
        namespace: nic.namespace, fault: linkFaults[nic.name.rawValue] ?? moved)
    }
  }

  private var console: String { record.attachment?.console ?? files.console }

  /// A machine that was stopped has none; the server's own is there again.
  private func publishConsole() {
    let isThere = record.attachment != nil || record.spec != nil && record.isWanted
    context.console(server.id, isThere ? console : nil)
  }

  // MARK: What people want

  /// Runs what was checked before. `seed`: files for cloud-init.
  func run(_ spec: MachineSpec, format: DiskFormat?, seed: [UInt8]?, _ answer: @escaping Answer) {
    if record.attachment != nil {
      return answer(
        refused("is prepared for a machine of somebody else's: 'toprack vm detach \(server.name)' takes that back"))
    }
    if let machine, !machine.isAtRest || machine.deadline != nil {
      return answer(
        refused(
          "has a virtual machine already, which is \(machine.phase.rawValue): 'toprack vm stop \(server.name)' ends it")
      )
    }
    guard server.isOn else {
      return answer(refused("is switched off: 'toprack server power \(server.name) on' comes first"))
    }
    (record.spec, record.format, record.hasSeed, record.isWanted) = (spec, format, seed != nil, true)
    machine = VirtualMachine(of: server.name, restart: spec.restart, isOn: server.isOn)
    starters.append(answer)
    newSeed = seed
    // Before QEMU: whoever comes after us has to look for it.
    save()
    handle(.run)
    publishConsole()
  }

  func stop(force: Bool, _ answer: @escaping Answer) {
    if record.attachment != nil {
      return answer(
        refused("has a machine that somebody else runs: 'toprack vm detach \(server.name)' takes back what is prepared")
      )
    }
    guard machine != nil else { return answer(.failure(Self.nothing(of: server))) }
    stoppers.append(answer)
    record.isWanted = false
    handle(.stop(force: force))
  }

  private func refused(_ why: String) -> Result<MachineStatus, MachineFault> {
    .failure(MachineFault(.refused, "\(server.name) \(why)"))
  }

  static func nothing(of server: MachineServer) -> MachineFault { MachineHub.nothing(of: server.name) }

  func attach(_ how: GuestLink.How, taps: [String: String], console: String?, _ answer: @escaping Answer) {
    if let machine, !machine.isAtRest || machine.deadline != nil {
      return answer(
        refused(
          "has a virtual machine of Toprack's, which is \(machine.phase.rawValue): 'toprack vm stop \(server.name)' ends it"
        ))
    }
    let old = record.links
    var links: [String: GuestLink] = [:]
    do throws(MachineFault) { _ = try server.namespace() } catch { return answer(.failure(error)) }
    for nic in server.nics {
      links[nic.name.rawValue] = GuestLink(
        how: how, interface: nic.interface, namespace: nic.namespace,
        tap: taps[nic.name.rawValue] ?? server.tap(of: nic.name, how))
    }
    // Somebody else's machine is none of ours, also not one that has ended.
    machine = nil
    (record.spec, record.process, record.isWanted) = (nil, nil, false)
    record.accelerator = nil
    record.attachment = MachineRecord.Attachment(console: console)
    record.links = links
    save()
    publishConsole()
    let (before, wanted, probe) = (old, links, context.probe)
    work { () throws(MachineFault) -> ([String: Int], Accelerator?) in
      for (nic, link) in before where wanted[nic] != link { link.remove() }
      let indexes = try Self.make(wanted)
      return (indexes, SystemProgram(named: QEMUArguments.program).map(probe.choose))
    } then: { desk, result in
      switch result {
      case .success((let indexes, let accelerator)):
        desk.linked(indexes)
        desk.record.accelerator = accelerator
        desk.save()
        desk.note("vm.attached", "the NICs of \(desk.server.name) are prepared for a virtual machine")
        answer(desk.status.map(Result.success) ?? .failure(Self.nothing(of: desk.server)))
      case .failure(let fault):
        // Half a way is none.
        desk.withdraw { answer(.failure(fault)) }
      }
    }
  }

  func detach(_ answer: @escaping @Sendable (Result<Void, MachineFault>) -> Void) {
    guard record.attachment != nil else {
      return answer(
        .failure(
          MachineFault(.unknown, "nothing is prepared at \(server.name) for a virtual machine of somebody else's")))
    }
    note("vm.detached", "the NICs of \(server.name) are not prepared for a virtual machine any more")
    withdraw { answer(.success(())) }
  }

  /// Takes back what was prepared.
  private func withdraw(_ done: @escaping @Sendable () -> Void) {
    let links = record.links
    (record, saved) = (MachineRecord(), nil)
    publishConsole()
    work { [files] in
      for link in links.values { link.remove() }
      files.removeAll()
    } then: { _, _ in
      done()
    }
  }

  private static func make(_ links: [String: GuestLink]) throws(MachineFault) -> [String: Int] {
    var indexes: [String: Int] = [:]
    for (nic, link) in links.sorted(by: { $0.key < $1.key }) { indexes[nic] = try link.make() }
    return indexes
  }

  private func linked(_ indexes: [String: Int]) {
    linkFaults = [:]
    for (nic, index) in indexes where record.links[nic]?.how == .macvtap { devices[nic] = "/dev/tap\(index)" }
  }

  // MARK: What becomes of the server

  /// What is known of the server now. `isFirst`: after the daemon's start.
  func follow(_ new: MachineServer, isFirst: Bool = false) {
    let old = server
    server = new
    server.isOn = old.isOn
    machine?.name = new.name
    if isFirst || old.nics != new.nics { refresh() }
  }

  /// Power and boot, as somebody wants them by the server's.
  func act(_ event: VirtualMachine.Event) {
    if case .switched(let on) = event { server.isOn = on }
    if case .rescue = event, context.rescue == nil { return }
    handle(event)
  }

  /// Finds QEMU of before the daemon's start again.
  func takeUp() {
    guard let spec = record.spec else { return }
    let orphan = record.process == nil ? files.orphan : nil
    let process = record.process ?? orphan?.process
    if let orphan { record.accelerator = orphan.accelerator }
    // Somebody was told nothing: not that it runs, and not that it does not.
    let wasStarting =
      process == nil && record.isWanted && record.reason == nil && !record.hasFailed
    machine = VirtualMachine(
      of: server.name, restart: spec.restart, isOn: process != nil || server.isOn, isWanted: record.isWanted,
      boot: record.boot, reason: record.reason, hasRun: process != nil, hasFailed: record.hasFailed)
    guard let process else {
      if wasStarting { handle(.switched(on: server.isOn)) }
      return wasStarting && server.isOn ? handle(.run) : schedule()
    }
    record.process = process
    handle(.found)
    if process.isAlive {
      connect { desk in desk.lookForEnd() }
    } else {
      // It has gone meanwhile.
      ended("QEMU has ended while toprackd did not run" + (files.lastWord.map { ": \($0)" } ?? ""))
    }
    if !record.isWanted { handle(.stop(force: false)) }
    handle(.switched(on: server.isOn))
  }

  /// Brings the links to where the NICs are now.
  private func refresh() {
    guard !record.links.isEmpty else { return }
    var links: [String: GuestLink] = [:]
    for nic in server.nics {
      // One in another namespace waits there for the machine, which cannot follow by itself.
      guard var link = record.links[nic.name.rawValue], link.namespace == nic.namespace else { continue }
      link.interface = nic.interface
      links[nic.name.rawValue] = link
    }
    let (wanted, old) = (links, record.links)
    work { () -> [String: Result<Int, MachineFault>] in
      // Rules of a name that the NIC had would be there beside those of its new one.
      for (nic, link) in wanted { if let old = old[nic], old != link { old.cut() } }
      return wanted.mapValues { link in
        do throws(MachineFault) { return .success(try link.make()) } catch { return .failure(error) }
      }
    } then: { desk, result in
      guard case .success(let results) = result else { return }
      desk.linked(results.compactMapValues { try? $0.get() })
      for (nic, result) in results {
        desk.record.links[nic] = wanted[nic]
        guard case .failure(let fault) = result else { continue }
        desk.linkFaults[nic] = fault.message
        desk.context.logger.warning(
          "\(nic) of \(desk.server.name) does not reach its virtual machine: \(fault.message)")
      }
      desk.save()
    }
  }

  /// The server is gone; so will be everything of its machine.
  func remove() {
    isRemoved = true
    if machine == nil { discard() } else { handle(.removed) }
  }

  private func discard() {
    timer?.cancel()
    let links = record.links
    let answers = stoppers
    stoppers = []
    (record, saved, machine) = (MachineRecord(), nil, nil)
    publishConsole()
    work { [files] in
      for link in links.values { link.remove() }
      files.removeAll()
    } then: { desk, _ in
      let gone = MachineFault(.unknown, "\(desk.server.name) was deleted")
      for answer in answers { answer(.failure(gone)) }
    }
  }

  // MARK: The value and its effects

  func handle(_ event: VirtualMachine.Event) {
    guard machine != nil else { return }
    let effects = machine?.handle(event, at: now) ?? []
    if let machine {
      (record.boot, record.reason, record.hasFailed) = (machine.boot, machine.reason, machine.phase == .failed)
    }
    for effect in effects { perform(effect) }
    settle()
    schedule()
  }

  private var now: Instant { NIODeadline.now().uptimeNanoseconds / 1_000_000 }

  private func schedule() {
    timer?.cancel()
    timer = machine?.deadline.map { deadline in
      let wait = TimeAmount.milliseconds(Int64(deadline - min(deadline, now)))
      let desk = NIOLoopBound(self, eventLoop: loop)
      return loop.scheduleTask(in: wait) { desk.value.handle(.tick) }
    }
  }

  /// None of these calls `handle` before it returns.
  private func perform(_ effect: VirtualMachine.Effect) {
    switch effect {
    case .start(let boot): start(boot)
    case .look: monitor?.send(.askConsole)
    case .go: monitor?.send(.go)
    case .powerDown: monitor?.send(.pressButton)
    case .reset: monitor?.send(.reset)
    case .kill: kill()
    case .tell(let note, let text): self.note(note.rawValue, text)
    }
  }

  private func note(_ type: String, _ text: String) {
    context.note(MachineNote(type: type, server: server.id, text: text))
  }

  /// Answers those who wait, when there is an answer.
  private func settle() {
    guard let machine else { return }
    if !machine.isAtRest { return answerStarters(machine) }
    // A start that was the first and failed leaves nothing behind but its answer, which comes when there is nothing.
    let isFirstFailure = !starters.isEmpty && machine.phase == .failed && machine.deadline == nil
    let failed = isFirstFailure ? starters : []
    if isFirstFailure { starters = [] }
    answerStarters(machine)
    if isRemoved {
      for answer in failed { answer(.failure(MachineFault(.unknown, "\(server.name) was deleted"))) }
      return discard()
    }
    save()
    guard !stoppers.isEmpty || isFirstFailure else { return }
    let (answers, links, status) = (stoppers, record.links, status)
    let fault = MachineFault(.unavailable, machine.reason ?? "QEMU does not start")
    stoppers = []
    record.links = [:]
    if isFirstFailure { (self.machine, record, saved) = (nil, MachineRecord(), nil) }
    publishConsole()
    work { [files] in
      for link in links.values { link.remove() }
      if isFirstFailure { files.removeAll() }
    } then: { desk, _ in
      if !isFirstFailure { desk.save() }
      for answer in failed { answer(.failure(fault)) }
      for answer in answers { if let status { answer(.success(status)) } }
    }
  }

  private func answerStarters(_ machine: VirtualMachine) {
    guard machine.phase != .starting, !starters.isEmpty else { return }
    let answers = starters
    starters = []
    for answer in answers {
      if machine.phase == .running, let status {
        answer(.success(status))
      } else {
        let reason = machine.reason ?? "the virtual machine of \(server.name) was stopped meanwhile"
        answer(.failure(MachineFault(.unavailable, reason)))
      }
    }
  }

  private func save() {
    let record = record
    guard record != saved, record.spec != nil || record.attachment != nil else { return }
    saved = record
    work { [files, context] in
      if !files.save(record) {
        context.logger.error("\(files.record) cannot be written: \(String(cString: strerror(errno)))")
      }
    } then: { _, _ in
    }
  }

  /// Does something that blocks, behind all that is under way.
  private func work<Value: Sendable>(
    _ body: @escaping @Sendable () throws(MachineFault) -> Value,
    then: @escaping @Sendable (MachineDesk, Result<Value, MachineFault>) -> Void
  ) {
    let (loop, desk) = (loop, NIOLoopBound(self, eventLoop: loop))
    queue.async {
      let result: Result<Value, MachineFault>
      do throws(MachineFault) { result = .success(try body()) } catch { result = .failure(error) }
      loop.execute { then(desk.value, result) }
    }
  }

  func trim() {
    queue.async { [files] in files.trim() }
  }
}

// MARK: QEMU

extension MachineDesk {
  private func start(_ boot: VirtualMachine.Boot) {
    guard let spec = record.spec else { return }
    let job = QEMUStart(
      server: server, spec: spec, format: record.format, hasSeed: record.hasSeed, newSeed: newSeed,
      rescue: boot == .rescue ? context.rescue : nil, files: files, probe: context.probe)
    newSeed = nil
    let (old, links) = (record.links, job.links)
    // Before they are made: whatever becomes of the start, somebody has to take them away.
    record.links = links
    save()
    work { () throws(MachineFault) in
      for (nic, link) in old where links[nic] != link { link.remove() }
      return try job.start()
    } then: { desk, result in
      switch result {
      case .failure(let fault): desk.handle(.startFailed(fault.message))
      case .success(let running):
        (desk.record.process, desk.record.accelerator) = (running.process, running.accelerator)
        desk.linkFaults = [:]
        // Before anything else: whoever comes after us has to find it.
        desk.save()
        desk.connect { desk in
          desk.kill()
          desk.lookForEnd()
        }
      }
    }
  }

  /// Opens the monitor. `orElse`: it does not answer.
  private func connect(orElse: @escaping @Sendable (MachineDesk) -> Void) {
    let (loop, desk) = (loop, NIOLoopBound(self, eventLoop: loop))
    MonitorLine.open(
      files.monitor, on: loop, heard: { desk.value.heard($0) },
      ended: {
        // After whoever waits for the connection has heard that there was one.
        loop.execute { desk.value.monitorEnded() }
      }
    )
    .whenComplete { result in
      switch result {
      case .success(let line): desk.value.monitor = line.value
      case .failure: orElse(desk.value)
      }
    }
  }

  private func heard(_ word: MonitorLine.Word) {
    switch word {
    case .status(let status):
      guard let process = record.process else { return }
      let how =
        record.accelerator.map { accelerator in
          accelerator.isKVM ? ", KVM" : ", emulated" + (accelerator.reason.map { ", since \($0)" } ?? "")
        } ?? ""
      let text = "QEMU is process \(process.id)\(how)"
      handle(status == MonitorLine.held ? .held(text) : .started(text))
    case .console(let isThere): handle(.looked(isThere: isThere))
    case .shutDown(let guest, let reason): handle(.shutDown(guest: guest, reason: reason))
    case .other: break
    }
  }

  private func monitorEnded() {
    guard monitor != nil else { return }
    monitor = nil
    lookForEnd()
  }

  /// Finds out what has become of QEMU, whose monitor does not answer.
  private func lookForEnd() {
    guard let process = record.process else { return }
    work { [files] () -> String? in
      process.waitForEnd(Self.graceOfEnd)
        ? files.lastWord ?? "QEMU has ended without a word, as when it is killed" : nil
    } then: { desk, result in
      guard desk.record.process == process else { return }
      guard case .success(let word?) = result else {
        return desk.connect { desk in
          desk.work { [files = desk.files] in
            process.kill()
            _ = process.waitForEnd(Self.graceOfEnd)
            return files.lastWord
          } then: { desk, _ in
            desk.ended("QEMU did not answer any more and was killed")
          }
        }
      }
      desk.ended(word)
    }
  }

  private func ended(_ reason: String) {
    (record.process, record.accelerator) = (nil, nil)
    monitor?.close()
    monitor = nil
    handle(.ended(reason))
    save()
  }

  /// Asks it to end, which saves what it has in memory of its disks, and ends it when it does not.
  private func kill() {
    monitor?.send(.quit)
    guard let process = record.process else { return }
    work {
      if !process.waitForEnd(Self.graceOfQuit) { process.kill() }
    } then: { _, _ in
    }
  }
}
