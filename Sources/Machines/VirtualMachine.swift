public import Net

/// One virtual machine: whether it runs, and what has to be done so that it does what somebody wants of it.
///
/// ## How it works
/// Sans-IO: events and the time come in as arguments, effects leave as the result, `deadline` says when to come back.
/// Somebody else starts QEMU, talks to it and notices its end.
///
///     stopped ──run, power on──▶ starting ──QEMU runs──▶ running ──stop, power off──▶ stopping ──ended──▶ stopped
///        ▲                          │                      │ ▲
///        └──────────────────────────┴─── failed ◀──ended───┘ └─ after a pause, where that is wanted
///
/// QEMU starts with its guest held, and lets it go when the console is at the serial port: what a system says first is
/// what one looks for when it does not boot. A console that does not come within 3 s is waited for no longer.
///
/// To stop is to press the power button; a guest that has not followed within 30 s is ended. A machine that ends by
/// itself has failed, unless its guest has powered it off. One that is to be started again on failure is, after 1 s, 2,
/// 4 and so on up to a minute; a minute of life makes the pause short again.
///
/// ## Invariants
/// 1. `start` comes only while no QEMU runs, and none is being started.
/// 2. `powerDown`, `reset` and `kill` come only while one runs.
/// 3. After `removed` nothing is started any more.
/// 4. `look` and `go` come only while QEMU holds its guest, and no guest is held for longer than `consolePatience`.
public struct VirtualMachine: Sendable {
  /// Between the power button and the end.
  public static let patience: Instant = 30_000
  /// How long a guest is held for its console.
  public static let consolePatience: Instant = 3000
  /// Between an answer and the next question.
  public static let consolePause: Instant = 20
  public static let shortestPause: Instant = 1000
  public static let longestPause: Instant = 60_000

  public enum Phase: String, Sendable { case starting, running, stopping, stopped, failed }

  /// What it boots.
  public enum Boot: String, Codable, Sendable { case normal, rescue }

  public enum Event: Sendable {
    /// Somebody wants it to run from now on.
    case run
    case stop(force: Bool)
    /// The server is switched on or off.
    case switched(on: Bool)
    case reboot
    /// Boots the rescue system.
    case rescue
    /// Boots its own system anew.
    case reinstall
    /// The server is deleted.
    case removed
    /// QEMU runs, and so does its guest. `text`: with what, for people.
    case started(String)
    /// QEMU runs and holds its guest, also one of before the daemon's start, which has not come to let it go.
    case held(String)
    /// Whether the console is at the serial port.
    case looked(isThere: Bool)
    /// QEMU of before the daemon's start runs.
    case found
    case startFailed(String)
    /// QEMU says that the guest is over, `guest`: by its own will.
    case shutDown(guest: Bool, reason: String)
    /// QEMU is gone.
    case ended(String)
    case tick
  }

  public enum Effect: Equatable, Sendable {
    case start(Boot)
    /// Asks QEMU whether somebody is at the serial port.
    case look
    /// Lets the guest go.
    case go
    case powerDown
    case reset
    case kill
    case tell(Note, String)
  }

  /// For the journal.
  public enum Note: String, Sendable {
    case started = "vm.started"
    case stopped = "vm.stopped"
    case failed = "vm.failed"
  }

  /// Why it is being stopped.
  private enum Farewell: Equatable, Sendable {
    case stop, powerOff, restart, removal
  }

  private enum State: Equatable, Sendable {
    case stopped
    case starting
    /// QEMU is there with `text` and holds its guest. `next`: when to look again; `nil`: the answer is to come.
    case held(text: String, until: Instant, next: Instant?)
    case running(since: Instant)
    /// `isUp`: QEMU runs by now. `hard`: when it is ended, if it has not by itself.
    case stopping(Farewell, isUp: Bool, hard: Instant?)
    case failed(again: Instant?)
  }

  /// Of the server.
  public var name: String
  public let restart: MachineSpec.Restart
  private var state = State.stopped
  /// Why it is not running.
  public private(set) var reason: String?
  /// Somebody wants it to run whenever the server has power.
  public private(set) var isWanted: Bool
  public private(set) var isOn: Bool
  public private(set) var boot: Boot
  private var pause = shortestPause
  /// It has run before, so that to start it again can help.
  private var hasRun: Bool
  /// For who reads why it is not running: what starts it, where that is not what they would try.
  public var advice: String? {
    phase == .stopped && !isWanted ? "'toprack vm run \(name) --disk IMAGE' starts one, its power does not" : nil
  }
  /// Its guest has not heeded the button, and was ended.
  private var wasDeaf = false
  /// What QEMU has said of the guest's end.
  private var lastWord: (guest: Bool, reason: String)?

  /// `hasRun`, `hasFailed`: it is one of before the daemon's start. One that was to be started again is at once.
  public init(
    of name: String, restart: MachineSpec.Restart, isOn: Bool, isWanted: Bool = false, boot: Boot = .normal,
    reason: String? = nil, hasRun: Bool = false, hasFailed: Bool = false
  ) {
    (self.name, self.restart, self.isOn, self.isWanted) = (name, restart, isOn, isWanted)
    (self.boot, self.reason, self.hasRun) = (boot, reason, hasRun || hasFailed)
    if hasFailed { state = .failed(again: restart == .onFailure && isWanted && isOn ? 0 : nil) }
  }

  public var phase: Phase {
    switch state {
    case .stopped: .stopped
    case .starting, .held: .starting
    case .running: .running
    case .stopping: .stopping
    case .failed: .failed
    }
  }

  /// No QEMU runs, and none will by itself in this moment.
  public var isAtRest: Bool { phase == .stopped || phase == .failed }

  /// When `tick` is due.
  public var deadline: Instant? {
    switch state {
    case .stopping(_, isUp: _, let hard): hard
    case .failed(let again): again
    case .held(text: _, let until, let next): min(until, next ?? until)
    case .stopped, .starting, .running: nil
    }
  }

  /// An event that does not fit the state has no effect.
  public mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    var effects: [Effect] = []
    switch event {
    case .run:
      (isWanted, boot, pause) = (true, .normal, Self.shortestPause)
      startAgain(&effects)
    case .stop(let force):
      isWanted = false
      end(.stop, after: force ? 0 : Self.patience, now, &effects)
    case .switched(let on): switchPower(on, now, &effects)
    case .reboot: reboot(now, &effects)
    case .rescue: bootAnew(.rescue, now, &effects)
    case .reinstall: bootAnew(.normal, now, &effects)
    case .removed:
      isWanted = false
      end(.removal, after: 0, now, &effects)
    case .started(let text): started(text, now, &effects)
    case .held(let text): hold(text, now, &effects)
    case .looked(let isThere): looked(isThere, now, &effects)
    case .found: if isAtRest { (state, reason, hasRun) = (.running(since: now), nil, true) }
    case .startFailed(let reason): ended(reason, now, &effects)
    case .shutDown(let guest, let reason): lastWord = (guest, reason)
    case .ended(let reason): ended(reason, now, &effects)
    case .tick: tick(now, &effects)
    }
    return effects
  }

  // MARK: What people want

  /// Starts it where nothing runs.
  private mutating func startAgain(_ effects: inout [Effect]) {
    guard isAtRest, isWanted, isOn else { return }
    (state, reason, lastWord, wasDeaf) = (.starting, nil, nil, false)
    effects.append(.start(boot))
  }

  private mutating func switchPower(_ on: Bool, _ now: Instant, _ effects: inout [Effect]) {
    guard on != isOn else { return }
    isOn = on
    guard on else { return end(.powerOff, after: Self.patience, now, &effects) }
    // One that is on its way out comes back.
    if case .stopping(.powerOff, let isUp, let hard) = state { state = .stopping(.restart, isUp: isUp, hard: hard) }
    boot = .normal
    startAgain(&effects)
  }

  private mutating func reboot(_ now: Instant, _ effects: inout [Effect]) {
    if boot == .rescue { return bootAnew(.normal, now, &effects) }
    if case .running = state { effects.append(.reset) } else { startAgain(&effects) }
  }

  /// As one whose power is cut and given again.
  private mutating func bootAnew(_ boot: Boot, _ now: Instant, _ effects: inout [Effect]) {
    self.boot = boot
    guard isWanted else { return }
    isOn = true
    if isAtRest { startAgain(&effects) } else { end(.restart, after: 0, now, &effects) }
  }

  /// `patience` 0: at once.
  private mutating func end(
    _ farewell: Farewell, after patience: Instant, _ now: Instant, _ effects: inout [Effect]
  ) {
    switch state {
    case .stopped, .failed: settle(farewell)
    case .starting:
      state = .stopping(farewell, isUp: false, hard: patience == 0 ? now : now + patience)
    case .held:
      // A guest that has not begun has nothing to finish.
      state = .stopping(farewell, isUp: true, hard: nil)
      effects.append(.kill)
    case .running:
      state = .stopping(farewell, isUp: true, hard: patience == 0 ? nil : now + patience)
      effects.append(patience == 0 ? .kill : .powerDown)
    case .stopping(let former, let isUp, let hard):
      // Whoever wants more than to restart it is heard; nothing takes back that it is to go.
      let next = former == .removal || former == .stop && farewell != .removal ? former : farewell
      let isHurried = isUp && patience == 0 && hard != nil
      if isHurried { effects.append(.kill) }
      state = .stopping(next, isUp: isUp, hard: patience == 0 ? (isUp ? nil : now) : hard)
    }
  }

  /// Nothing runs, and that is as it should be.
  private mutating func settle(_ farewell: Farewell) {
    state = .stopped
    switch farewell {
    case .stop: reason = "by 'toprack vm stop'\(deafness)"
    case .powerOff: reason = "\(name) is switched off\(deafness)"
    case .restart: reason = nil
    case .removal: reason = "\(name) was deleted"
    }
  }

  /// What its owner wants to know: a file system may have to be checked.
  private var deafness: String {
    wasDeaf ? ", and its power was cut, since its guest did not heed the power button for 30 s" : ""
  }

  // MARK: What becomes of QEMU

  private mutating func started(_ text: String, _ now: Instant, _ effects: inout [Effect]) {
    switch state {
    case .starting, .held:
      (state, hasRun, reason) = (.running(since: now), true, nil)
      effects.append(
        .tell(.started, "the virtual machine of \(name) runs\(boot == .rescue ? " its rescue system" : ""): \(text)"))
    case .stopping(let farewell, isUp: false, let hard):
      hasRun = true
      // Who is in no hurry has the button pressed, and the time that is left.
      let isLate = hard.map { $0 <= now } ?? true
      state = .stopping(farewell, isUp: true, hard: isLate ? nil : hard)
      effects.append(isLate ? .kill : .powerDown)
    case .stopping(_, isUp: true, hard: _?):
      // One of before the daemon's start, which nobody could tell: its monitor is there only now.
      effects.append(.powerDown)
    case .stopped, .running, .stopping, .failed: break
    }
  }

  private mutating func hold(_ text: String, _ now: Instant, _ effects: inout [Effect]) {
    switch state {
    case .starting, .running:
      state = .held(text: text, until: now + Self.consolePatience, next: nil)
      effects.append(.look)
    case .stopping(let farewell, isUp: let isUp, let hard) where !isUp || hard != nil:
      state = .stopping(farewell, isUp: true, hard: nil)
      effects.append(.kill)
    case .held, .stopped, .stopping, .failed: break
    }
  }

  private mutating func looked(_ isThere: Bool, _ now: Instant, _ effects: inout [Effect]) {
    guard case .held(let text, let until, next: nil) = state else { return }
    guard isThere else { return state = .held(text: text, until: until, next: now + Self.consolePause) }
    go(text, now, &effects)
  }

  private mutating func go(_ text: String, _ now: Instant, _ effects: inout [Effect]) {
    effects.append(.go)
    started(text, now, &effects)
  }

  private mutating func ended(_ why: String, _ now: Instant, _ effects: inout [Effect]) {
    let word = lastWord
    lastWord = nil
    switch state {
    case .stopped, .failed: break
    case .stopping(.restart, isUp: _, hard: _):
      state = .stopped
      startAgain(&effects)
      if !isOn { settle(.powerOff) }
    case .stopping(let farewell, isUp: _, hard: _):
      settle(farewell)
      effects.append(.tell(.stopped, "the virtual machine of \(name) has ended: \(reason ?? why)"))
    case .running where word?.guest == true && word?.reason == "guest-shutdown":
      (state, reason) = (.stopped, "its guest has powered it off")
      effects.append(.tell(.stopped, "the virtual machine of \(name) has ended: its guest has powered it off"))
    case .running(let since):
      if now - since >= Self.longestPause { pause = Self.shortestPause }
      fail(word.map { "\(why) (\($0.reason))" } ?? why, now, &effects)
    case .starting, .held: fail(why, now, &effects)
    }
  }

  private mutating func fail(_ why: String, _ now: Instant, _ effects: inout [Effect]) {
    reason = why
    effects.append(.tell(.failed, "the virtual machine of \(name) has failed: \(why)"))
    guard restart == .onFailure, hasRun, isWanted, isOn else { return state = .failed(again: nil) }
    state = .failed(again: now + pause)
    pause = min(pause * 2, Self.longestPause)
  }

  private mutating func tick(_ now: Instant, _ effects: inout [Effect]) {
    switch state {
    case .stopping(let farewell, isUp: true, let hard?) where now >= hard:
      state = .stopping(farewell, isUp: true, hard: nil)
      wasDeaf = true
      effects.append(.kill)
    case .stopping(let farewell, isUp: false, let hard?) where now >= hard:
      // It is ended as soon as it is there.
      state = .stopping(farewell, isUp: false, hard: nil)
    case .held(let text, let until, next: _) where now >= until: go(text, now, &effects)
    case .held(let text, let until, let next?) where now >= next:
      state = .held(text: text, until: until, next: nil)
      effects.append(.look)
    case .failed(let again?) where now >= again: startAgain(&effects)
    default: break
    }
  }
}
