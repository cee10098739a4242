import Net
import Observers
import Ports
import Switching
import Wire

/// The third thread of the forwarding plane: it gives `LoopGuard` the time and what happens, sends its probes, and has
/// ports shut.
///
/// It sleeps while no NIC is loud and no port is shut. A probe goes straight to the TAP (one write is one frame,
/// whoever writes), of a bond to each member, since only one of them may be heard.
///
/// ## Threads
/// Everything here belongs to this thread. In: its mailbox. Out: letters to the workers, events, and replies.
struct GuardThread: ~Copyable {
  private let poller: Poller
  private let mailbox: Mailbox<GuardLetter>
  private let crew: Crew
  private let key: SipKey
  private let events: AsyncStream<GuardEvent>.Continuation
  private var machine: LoopGuard
  private var outbox: Outbox
  private var vidOf: [DomainIndex: VLANID] = [:]
  private var stopped = false

  /// Deadlines are met this late at most.
  private static let granularity: UInt64 = 5

  init(
    poller: consuming Poller, mailbox: Mailbox<GuardLetter>, crew: Crew, key: SipKey,
    events: AsyncStream<GuardEvent>.Continuation, outbox: consuming Outbox, seed: UInt64
  ) {
    self.outbox = outbox
    self.poller = poller
    (self.mailbox, self.crew, self.key, self.events) = (mailbox, crew, key, events)
    machine = LoopGuard(seed: seed)
  }

  /// Works until a `stop` letter comes.
  mutating func run() {
    while !stopped {
      // Looking at a wake-up clears it; what comes later wakes again.
      for index in 0..<poller.wait(milliseconds: timeout()) { _ = poller.event(index) }
      if let letters = mailbox.take() {
        for letter in letters { answer(letter) }
      }
      machine.tick(at: Clock.milliseconds())
      sendOutputs()
    }
    events.finish()
  }

  private borrowing func timeout() -> Int {
    guard let next = machine.deadline else { return -1 }
    let now = Clock.milliseconds()
    return Int(max(Self.granularity, next > now ? min(next - now, 60_000) : 0))
  }

  private mutating func answer(_ letter: GuardLetter) {
    let now = Clock.milliseconds()
    switch letter {
    case .attach(let attached, let nic):
      outbox.attach(attached, as: nic)
    case .detach(let nic, let reply):
      outbox.detach(nic)
      reply()
    case .apply(let change, let reply):
      for (domain, vid) in change.domains { vidOf[domain] = vid }
      machine.apply(change, at: now)
      // Before whoever made the change hears that it is done.
      sendOutputs()
      reply()
    case .reopen(let port, let reply):
      let wasShut = machine.reopen(port, at: now)
      sendOutputs()
      reply(wasShut)
    case .loud(let nic): machine.noteLoud(nic, at: now)
    case .storm(let nic): machine.noteStorm(nic, at: now)
    case .slow(let receiver): machine.noteSlow(receiver, at: now)
    case .returned(let number, let arrival): machine.noteReturn(of: number, at: arrival, now)
    case .moved(let move): machine.noteMove(move, at: now)
    case .watch(let watch, let place, let nics, let reply):
      outbox.observers.set(watch, at: place, nics: nics)
      reply()
    case .stop(let reply):
      stopped = true
      reply()
    }
  }

  private mutating func sendOutputs() {
    while let output = machine.nextOutput() {
      switch output {
      case .probe(let number, let place): send(number, to: place)
      case .setShut(let port, let isShut): crew.postToAll(.setShut(port, isShut))
      case .tell(let event): events.yield(event)
      }
    }
  }

  private mutating func send(_ number: UInt64, to place: Switch.Arrival) {
    guard let vid = vidOf[place.domain], let form = machine.form(of: place) else { return }
    let frame = LoopProbe.frame(number: number, key: key, tagControl: form.isTagged ? vid.value : nil)
    // An interface that is down takes none, and loops nothing.
    for nic in form.members { _ = outbox.send(frame, to: nic, isCounted: false, in: place.domain) }
  }
}
