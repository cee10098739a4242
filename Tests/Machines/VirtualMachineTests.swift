import Net
import Testing

@testable import Machines

@Suite("Virtual machine") struct VirtualMachineTests {
  private func running(_ restart: MachineSpec.Restart = .no) -> VirtualMachine {
    var machine = VirtualMachine(of: "web1", restart: restart, isOn: true)
    #expect(machine.handle(.run, at: 0) == [.start(.normal)])
    #expect(machine.phase == .starting)
    #expect(
      machine.handle(.started("QEMU is process 7"), at: 0)
        == [.tell(.started, "the virtual machine of web1 runs: QEMU is process 7")])
    #expect(machine.phase == .running && machine.deadline == nil)
    return machine
  }

  @Test("to stop is to press the button, and after 30 s the end; force is the end at once")
  func stop() {
    let deaf = ", and its power was cut, since its guest did not heed the power button for 30 s"
    var machine = running()
    #expect(machine.handle(.stop(force: false), at: 100) == [.powerDown])
    #expect(machine.phase == .stopping && machine.deadline == 30_100)
    #expect(machine.handle(.tick, at: 30_099) == [])
    #expect(machine.handle(.tick, at: 30_100) == [.kill])
    #expect(machine.deadline == nil && machine.handle(.tick, at: 40_000) == [], "once")
    #expect(
      machine.handle(.ended("x"), at: 30_200) == [
        .tell(.stopped, "the virtual machine of web1 has ended: by 'toprack vm stop'\(deaf)")
      ])
    #expect(machine.phase == .stopped && machine.reason == "by 'toprack vm stop'\(deaf)")
    #expect(machine.advice == "'toprack vm run web1 --disk IMAGE' starts one, its power does not")
    _ = machine.handle(.run, at: 40_000)
    #expect(machine.advice == nil)
    _ = machine.handle(.started(""), at: 40_000)
    _ = machine.handle(.stop(force: false), at: 40_001)
    _ = machine.handle(.ended(""), at: 40_002)
    #expect(machine.reason == "by 'toprack vm stop'", "this one has heeded it")

    machine = running()
    #expect(machine.handle(.stop(force: true), at: 0) == [.kill])
    machine = running()
    _ = machine.handle(.stop(force: false), at: 0)
    #expect(machine.handle(.stop(force: true), at: 10) == [.kill], "who is in a hurry need not wait")
    #expect(machine.handle(.stop(force: true), at: 20) == [])
  }

  @Test("one that is stopped while it starts is ended as soon as it runs")
  func stopWhileStarting() {
    var machine = VirtualMachine(of: "web1", restart: .no, isOn: true)
    _ = machine.handle(.run, at: 0)
    #expect(machine.handle(.stop(force: false), at: 0) == [])
    #expect(machine.handle(.started(""), at: 100) == [.powerDown] && machine.deadline == 30_000)
    _ = machine.handle(.ended(""), at: 200)
    #expect(machine.phase == .stopped)
    _ = machine.handle(.run, at: 0)
    _ = machine.handle(.stop(force: true), at: 300)
    #expect(machine.handle(.started(""), at: 400) == [.kill])
    _ = machine.handle(.ended(""), at: 500)
    _ = machine.handle(.run, at: 600)
    _ = machine.handle(.stop(force: true), at: 600)
    _ = machine.handle(.startFailed("no memory"), at: 600)
    #expect(machine.phase == .stopped)
  }

  @Test("a guest is held until the console is there, for 3 s at most; who stops it meanwhile waits for no guest")
  func held() {
    func held() -> VirtualMachine {
      var machine = VirtualMachine(of: "web1", restart: .no, isOn: true)
      _ = machine.handle(.run, at: 0)
      #expect(machine.handle(.held("QEMU is process 7"), at: 100) == [.look])
      #expect(machine.phase == .starting && machine.deadline == 3100)
      return machine
    }
    let story = VirtualMachine.Effect.tell(.started, "the virtual machine of web1 runs: QEMU is process 7")
    var machine = held()
    #expect(machine.handle(.looked(isThere: false), at: 110) == [] && machine.deadline == 130)
    #expect(machine.handle(.looked(isThere: true), at: 111) == [], "nobody has asked")
    #expect(machine.handle(.tick, at: 129) == [])
    #expect(machine.handle(.tick, at: 130) == [.look] && machine.deadline == 3100)
    #expect(machine.handle(.looked(isThere: true), at: 140) == [.go, story])
    #expect(machine.phase == .running && machine.deadline == nil)
    #expect(machine.handle(.looked(isThere: true), at: 150) == [])

    machine = held()
    #expect(machine.handle(.tick, at: 3099) == [])
    #expect(machine.handle(.tick, at: 3100) == [.go, story], "no console, no answer: the guest is more than its log")

    for event in [VirtualMachine.Event.stop(force: false), .switched(on: false), .removed, .reinstall] {
      machine = held()
      #expect(machine.handle(event, at: 200) == [.kill], "a paused guest hears no button")
      #expect(machine.handle(.looked(isThere: true), at: 210) == [] && machine.phase == .stopping)
    }
    machine = held()
    #expect(machine.handle(.reboot, at: 200) == [], "it is about to boot")
    #expect(machine.handle(.ended("killed"), at: 201).count == 1 && machine.phase == .failed)

    machine = VirtualMachine(of: "web1", restart: .no, isOn: true)
    _ = machine.handle(.run, at: 0)
    _ = machine.handle(.stop(force: false), at: 1)
    #expect(machine.handle(.held(""), at: 2) == [.kill] && machine.deadline == nil)
  }

  @Test("one of before the daemon's start that is held is let go; one that is to stop hears it when it can")
  func foundHeld() {
    func found(isOn: Bool = true) -> VirtualMachine {
      var machine = VirtualMachine(of: "web1", restart: .no, isOn: true, isWanted: true, hasRun: true)
      _ = machine.handle(.found, at: 0)
      _ = machine.handle(.switched(on: isOn), at: 0)
      return machine
    }
    var machine = found()
    #expect(machine.handle(.held("x"), at: 10) == [.look] && machine.phase == .starting)
    #expect(machine.handle(.looked(isThere: true), at: 20).first == .go)
    machine = found()
    #expect(machine.handle(.started("x"), at: 10) == [] && machine.phase == .running)
    machine = found(isOn: false)
    #expect(machine.handle(.held("x"), at: 10) == [.kill])
    machine = found(isOn: false)
    #expect(machine.handle(.started("x"), at: 10) == [.powerDown] && machine.deadline == 30_000)
  }

  @Test("the power of the server is its power: off presses the button, on starts it again, also on its way out")
  func power() {
    var machine = running()
    #expect(machine.handle(.switched(on: false), at: 0) == [.powerDown])
    _ = machine.handle(.shutDown(guest: true, reason: "guest-shutdown"), at: 1)
    #expect(
      machine.handle(.ended(""), at: 2)
        == [.tell(.stopped, "the virtual machine of web1 has ended: web1 is switched off")])
    #expect(machine.handle(.switched(on: true), at: 3) == [.start(.normal)])
    _ = machine.handle(.started(""), at: 4)
    _ = machine.handle(.switched(on: false), at: 5)
    #expect(machine.handle(.switched(on: true), at: 6) == [])
    #expect(machine.handle(.ended(""), at: 7) == [.start(.normal)])
    _ = machine.handle(.started(""), at: 8)
    _ = machine.handle(.stop(force: true), at: 9)
    _ = machine.handle(.ended(""), at: 10)
    _ = machine.handle(.switched(on: false), at: 11)
    #expect(machine.handle(.switched(on: true), at: 12) == [], "one that somebody has stopped stays so")
  }

  @Test("reboot resets it, rescue and reinstall cut its power, and each boots what it says")
  func boots() {
    var machine = running()
    #expect(machine.handle(.reboot, at: 0) == [.reset])
    #expect(machine.handle(.rescue, at: 1) == [.kill])
    #expect(machine.handle(.ended(""), at: 2) == [.start(.rescue)])
    #expect(
      machine.handle(.started("x"), at: 3) == [.tell(.started, "the virtual machine of web1 runs its rescue system: x")]
    )
    #expect(machine.handle(.reboot, at: 4) == [.kill], "out of the rescue system")
    #expect(machine.handle(.ended(""), at: 5) == [.start(.normal)])
    _ = machine.handle(.started(""), at: 6)
    #expect(machine.handle(.reinstall, at: 7) == [.kill])
    #expect(machine.handle(.ended(""), at: 8) == [.start(.normal)])
    _ = machine.handle(.started(""), at: 9)
    _ = machine.handle(.shutDown(guest: true, reason: "guest-shutdown"), at: 10)
    #expect(machine.handle(.ended(""), at: 11).count == 1)
    #expect(machine.phase == .stopped && machine.reason == "its guest has powered it off")
    #expect(machine.handle(.reboot, at: 12) == [.start(.normal)])
  }

  @Test(
    "it fails with its reason; on failure it is started after 1, 2, 4 s … a minute, and after a long life after 1 s")
  func failure() {
    var machine = running()
    #expect(
      machine.handle(.ended("killed"), at: 0) == [.tell(.failed, "the virtual machine of web1 has failed: killed")])
    #expect(machine.phase == .failed && machine.reason == "killed" && machine.deadline == nil)
    #expect(machine.handle(.run, at: 0) == [.start(.normal)])

    machine = running(.onFailure)
    var (now, pauses) = (Instant(0), [Instant]())
    for _ in 0..<8 {
      _ = machine.handle(.ended("killed"), at: now)
      let due = machine.deadline ?? 0
      pauses.append(due - now)
      #expect(machine.handle(.tick, at: due - 1) == [])
      #expect(machine.handle(.tick, at: due) == [.start(.normal)])
      now = due
      _ = machine.handle(.started(""), at: now)
    }
    #expect(pauses == [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
    _ = machine.handle(.ended("killed"), at: now + 60_000)
    #expect(machine.deadline == now + 61_000)
    // In the pause nobody has to wait to be heard.
    #expect(machine.handle(.stop(force: false), at: now + 60_001) == [] && machine.phase == .stopped)
    #expect(machine.deadline == nil)
  }

  @Test("a first start that fails is not tried again, a later one is")
  func firstStart() {
    var machine = VirtualMachine(of: "web1", restart: .onFailure, isOn: true)
    _ = machine.handle(.run, at: 0)
    _ = machine.handle(.startFailed("no memory"), at: 0)
    #expect(machine.phase == .failed && machine.deadline == nil)
    machine = VirtualMachine(
      of: "web1", restart: .onFailure, isOn: true, isWanted: true, reason: "killed", hasFailed: true)
    #expect(machine.phase == .failed && machine.handle(.tick, at: 5) == [.start(.normal)])
    _ = machine.handle(.startFailed("no memory"), at: 6)
    #expect(machine.deadline == 1006)
  }

  @Test("50 000 seeded events: one QEMU at most, words to one that is there, and always an end", arguments: 1...6)
  func model(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var machine = VirtualMachine(of: "m", restart: seed.isMultiple(of: 2) ? .onFailure : .no, isOn: true)
    // What there is: QEMU being started, or running, or told to end.
    var (isStarting, isUp, isDying, isHeld, isAsked) = (false, false, false, false, false)
    var now = Instant(0)
    func take(_ effects: [VirtualMachine.Effect]) {
      for effect in effects {
        switch effect {
        case .start:
          #expect(!isStarting && !isUp, "two of them")
          isStarting = true
        case .look:
          #expect(isUp && isHeld && !isAsked && !isDying)
          isAsked = true
        case .go:
          #expect(isUp && isHeld && !isDying)
          (isHeld, isAsked) = (false, false)
        case .powerDown, .reset: #expect(isUp && !isHeld)
        case .kill:
          #expect(isUp)
          (isDying, isAsked) = (true, false)
        case .tell: break
        }
      }
    }
    func happen() {
      if isStarting {
        isStarting = false
        if Int.random(in: 0..<4, using: &random) == 0 { return take(machine.handle(.startFailed("no"), at: now)) }
        isUp = true
        isHeld = .random(using: &random)
        take(machine.handle(isHeld ? .held("yes") : .started("yes"), at: now))
      } else if isAsked, .random(using: &random) {
        isAsked = false
        take(machine.handle(.looked(isThere: .random(using: &random)), at: now))
      } else if isUp, isDying || .random(using: &random) {
        if .random(using: &random) { take(machine.handle(.shutDown(guest: true, reason: "guest-shutdown"), at: now)) }
        (isUp, isDying, isHeld, isAsked) = (false, false, false, false)
        take(machine.handle(.ended("gone"), at: now))
      }
    }
    for _ in 0..<50_000 {
      now += .random(in: 0...2000, using: &random)
      if let due = machine.deadline, due <= now { take(machine.handle(.tick, at: now)) }
      switch Int.random(in: 0..<12, using: &random) {
      case 0: take(machine.handle(.run, at: now))
      case 1: take(machine.handle(.stop(force: .random(using: &random)), at: now))
      case 2, 3: take(machine.handle(.switched(on: .random(using: &random)), at: now))
      case 4: take(machine.handle(.reboot, at: now))
      case 5: take(machine.handle(.rescue, at: now))
      case 6: take(machine.handle(.reinstall, at: now))
      default: happen()
      }
      let phase = machine.phase
      #expect(!isUp || phase == (isHeld ? .starting : .running) || phase == .stopping)
      #expect(!isStarting || phase == .starting || phase == .stopping)
      #expect(isUp || isStarting || machine.isAtRest)
    }
    take(machine.handle(.removed, at: now))
    for _ in 0..<4 where !machine.isAtRest {
      if let due = machine.deadline { take(machine.handle(.tick, at: max(now, due))) }
      if isStarting || isDying { happen() }
    }
    #expect(machine.isAtRest && !isUp && !isStarting && machine.deadline == nil)
  }
}

@Suite("What a virtual machine is to be") struct MachineSpecTests {
  @Test("what does not go together is said in a line; sizes read as people write them")
  func faults() {
    func fault(_ change: (inout MachineSpec) -> Void) -> String? {
      var spec = MachineSpec(disk: "/d")
      change(&spec)
      return spec.fault
    }
    #expect(fault { _ in } == nil && fault { $0.kernel = "/k" } == nil)
    #expect(fault { $0.disk = nil }?.hasPrefix("neither a disk nor a kernel") == true)
    #expect(fault { ($0.disk, $0.kernel, $0.snapshot) = (nil, "/k", true) }?.hasPrefix("snapshot is given") == true)
    #expect(fault { $0.initrd = "/i" }?.hasPrefix("initrd is given without a kernel") == true)
    #expect(fault { $0.append = "x" }?.hasPrefix("append is given without a kernel") == true)
    for path in ["d", "", "/a\nb", "/" + String(repeating: "x", count: 5000)] {
      #expect(fault { $0.disk = path } == "disk must be an absolute path of this host, without control characters")
    }
    #expect(fault { ($0.kernel, $0.append) = ("/k", "a\nb") }?.hasPrefix("append must be one line") == true)
    #expect(fault { $0.memory = 1 << 20 } == "memory is 1 MiB; a machine needs at least 64 MiB")
    #expect(fault { $0.cpus = 0 } == "cpus must be at least 1, not 0")
    #expect(MachineSpec.size(1 << 30) == "1 GiB" && MachineSpec.size(1536 << 20) == "1536 MiB")
    #expect(MachineSpec.size(25_276_518_400) == "24105 MiB" && MachineSpec.size(5) == "5 bytes")
  }
}
