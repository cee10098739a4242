import Gateway
import Impairments
import Net
import Observers
import Ports
import Rings
import Switching
import Wire

/// One forwarding thread: reads batches, decides, writes batches.
///
/// ## How it works
/// A turn: wait for something to be readable; of the readable NICs, those first that have used least of the worker's
/// time (`TurnBudget`), read a batch, decide about each frame, note where it goes, write everything noted; then do what
/// control asked for. Between two batches nothing is in flight, which is when letters are done: a frame sees all of a
/// change or nothing of it.
///
/// A frame that leaves in another form than it came (with, without, or with another tag) is edited in place when it has
/// one receiver. A flood does not touch it: receivers of the other form get a gathering write of a second header and
/// the same payload, so a flood to any number of ports copies no payload at all.
///
/// ## Threads
/// Everything here belongs to the worker's thread, which also made it. In: `Mailbox`, and what the other workers tell
/// (`Crew`). Out: `CounterTable`, the replies to letters, news of stations, and the slow path's queues. Nothing on the
/// path of a frame allocates, locks or counts references.
///
/// This file has the turn, the links and the path of a frame; `Worker+Letters` what others ask.
struct Worker: ~Copyable {
  var plane: Switch
  var router: Router
  var egress: Egress
  private var batch = Batch()
  var budget: TurnBudget
  let poller: Poller
  /// This worker's place in the crew.
  let index: Int
  let crew: Crew
  private let mailbox: Mailbox<WorkerLetter>
  private let slowPath: SlowPathInbox
  private var slowLimit: SlowLimit
  private var packetLimits: PacketLimits
  private var post: GuardPost
  /// How often the slow path hears of frames that an aggregate leaves out.
  private var outsideLimit: SlowLimit
  /// Second of the worker's clock: starts at 1, so that 0 is never a time.
  var now: UInt32 = 1
  /// Where the clock of all workers starts.
  private let epoch: UInt64
  /// Whether it looks again and again instead of sleeping.
  private let isPolling: Bool
  var scans = StationScans()
  var stopped = false

  init(
    plane: consuming Switch, egress: consuming Egress, poller: consuming Poller, index: Int, of crew: Crew,
    slowPath: SlowPathInbox, post: consuming GuardPost, epoch: UInt64, polling: Bool
  ) {
    self.post = post
    slowLimit = SlowLimit(nics: plane.limits.nics, perSecond: SlowLimit.slowProtocols)
    packetLimits = PacketLimits(nics: plane.limits.nics)
    outsideLimit = SlowLimit(nics: plane.limits.nics, perSecond: 1)
    budget = TurnBudget(nics: plane.limits.nics)
    router = Router(portLimit: plane.limits.ports)
    self.plane = plane
    self.egress = egress
    self.poller = poller
    self.index = index
    self.crew = crew
    mailbox = crew.mailboxes[index]
    self.epoch = epoch
    isPolling = polling
    self.slowPath = slowPath
  }

  /// Works until a `stop` letter comes.
  mutating func run() {
    while !stopped {
      let count = poller.wait(nanoseconds: timeout())
      let start = Clock.nanoseconds()
      plane.clock = start / 1_000_000
      let second = UInt32(truncatingIfNeeded: (plane.clock &- epoch) / 1_000) &+ 1
      if second != now {
        now = second
        expire()
        egress.expire(at: start)
      }
      hearNews()
      budget.begin(at: start)
      for index in 0..<count {
        guard let event = poller.event(index) else { continue }
        handle(event)
      }
      if egress.impairs { sendDue() }
      while let nic = budget.next() { forward(from: nic) }
      // Behind the events, because looking at a wake-up clears it: a letter that comes later wakes again.
      if let letters = mailbox.take() {
        // What was told before a letter was sent holds for what was before the letter.
        hearNews()
        answer(letters)
        egress.skipReading()
      }
      if plane.stations.hasMoves { tellMoves() }
      if !scans.isEmpty { scans.work(on: plane.stations, at: now) }
    }
  }

  /// Stations that move again and again.
  private mutating func tellMoves() {
    while let move = plane.stations.nextMove() { post.tell(move) }
  }

  /// Nanoseconds; −1: until something happens.
  private borrowing func timeout() -> Int64 {
    if isPolling || !scans.isEmpty { return 0 }
    if egress.impairs, let next = egress.impairer.deadline {
      let now = Clock.nanoseconds()
      return next > now ? Int64(min(next - now, 1_000_000_000)) : 0
    }
    return plane.stations.count == 0 ? -1 : 1_000_000_000
  }

  /// Frames that impaired links have held back, and whose time has come: those to servers are written, those from them
  /// are decided about as if they came now.
  private mutating func sendDue() {
    var numbers = InlineArray<64, Int32>(repeating: 0)
    var count = 0
    egress.begin()
    while let (number, held) = egress.impairer.next(at: Clock.nanoseconds()) {
      numbers[count] = number
      switch held.direction {
      case .toServer: if egress.driver.descriptor(of: held.nic.value) >= 0 { egress.sendNow(held.frame, to: held.nic) }
      case .fromServer:
        if case .header(let header) = held.frame.decode() {
          dispatch(held.frame, header, plane.look(header, from: held.nic), at: count, from: held.nic)
        }
      }
      count += 1
      guard count == numbers.count || egress.isFull else { continue }
      finishSends()
      for place in 0..<count { egress.impairer.free(numbers[place]) }
      count = 0
    }
    finishSends()
    for place in 0..<count { egress.impairer.free(numbers[place]) }
  }

  // MARK: Stations

  /// The whole table once in 16 seconds, or as fast as the other workers hear of it; a station whose time is over is
  /// not used meanwhile.
  private mutating func expire() {
    var left = plane.stations.capacity / 16
    while left > 0, crew.keepsUp(with: index) {
      left -= plane.stations.expire(budget: left, at: now)
      tellNews()
    }
  }

  /// What this worker has learned since the last call goes to the others.
  private mutating func tellNews() {
    while let news = plane.stations.nextNews() { crew.tell(news, from: index) }
  }

  private mutating func hearNews() {
    guard crew.count > 1 else { return }
    for sender in 0..<crew.count where sender != index {
      while let news = crew.nextNews(from: sender, to: index) { plane.hear(news, at: now) }
    }
  }

  // MARK: Events of NICs

  private mutating func handle(_ event: Poller.Event) {
    let nic = NICIndex(event.nic)
    if event.hasFailed { return retire(nic) }
    if event.isWritable { linkCameUp(nic) }
    if event.isReadable { budget.note(nic) }
  }

  borrowing func owns(_ nic: NICIndex) -> Bool { crew.owner(of: nic) == index }

  private mutating func linkCameUp(_ nic: NICIndex) {
    setLink(nic, up: true)
    let descriptor = egress.driver.descriptor(of: nic.value)
    if descriptor >= 0 { poller.watch(descriptor, as: nic.value, link: false) }
  }

  mutating func noteLink(_ nic: NICIndex, up isUp: Bool) {
    plane.setLink(nic, up: isUp)
    if let port = plane.port(of: nic) { refit(port) }
  }

  /// What the owner of `nic` says, everybody hears.
  mutating func setLink(_ nic: NICIndex, up isUp: Bool) {
    noteLink(nic, up: isUp)
    slowPath.mailbox.post(.link(nic, up: isUp))
    crew.postToAll(.link(nic, up: isUp), but: index)
    if !isUp, let carrier = plane.passOn(from: nic) { tellCarrier(carrier) }
  }

  /// Which member of a bond without a partner carries is this worker's to say, which reads from both.
  func tellCarrier(_ nic: NICIndex) {
    slowPath.mailbox.post(.carrier(nic))
    crew.postToAll(.carrier(nic), but: index)
  }

  mutating func linkWentDown(_ nic: NICIndex) {
    guard plane.isLinkUp(nic) else { return }
    guard owns(nic) else {
      // Until the owner says how it is.
      noteLink(nic, up: false)
      return crew.post(.checkLink(nic), toOwnerOf: nic)
    }
    setLink(nic, up: false)
    let descriptor = egress.driver.descriptor(of: nic.value)
    if descriptor >= 0 { poller.watch(descriptor, as: nic.value, link: true) }
  }

  /// The interface is gone, its namespace perhaps: nothing more comes from it. Control still has to detach it.
  private mutating func retire(_ nic: NICIndex) {
    setLink(nic, up: false)
    let descriptor = egress.driver.descriptor(of: nic.value)
    if descriptor >= 0 { poller.forget(descriptor) }
  }

  // MARK: A batch

  private mutating func forward(from nic: NICIndex) {
    let places = egress.driver.receive(from: nic.value, atMost: budget.frames(of: nic))
    guard places > 0 else {
      if places < 0 { retire(nic) }
      return
    }
    if !plane.isLinkUp(nic) { linkCameUp(nic) }
    for index in 0..<places { batch.note(egress.driver.received(index), at: index, from: nic, plane) }
    batch.prefetch()
    egress.begin()
    var frames = 0
    var bytes = 0
    for index in 0..<places {
      let entry = batch[index]
      guard let frame = entry.frame else { continue }
      frames &+= 1
      bytes &+= frame.count
      switch entry.decoded {
      case .fault(let fault): egress.drop(frame, from: nic, DropReason(fault))
      case .header(let header):
        if egress.impairs, egress.isImpaired(nic, .fromServer), egress.takes(frame, header, from: nic) { continue }
        dispatch(frame, header, entry.passage, at: index, from: nic)
      }
    }
    egress.counters.received(nic, frames: frames, bytes: bytes)
    if let carrier = plane.takeMoved() { tellCarrier(carrier) }
    finishSends()
    let end = Clock.nanoseconds()
    let (writes, sent) = egress.written
    if budget.charge(nic, frames: frames, writes: writes, bytes: sent, at: end) > ReceiverWatch.notice {
      egress.suspectReceivers(at: end)
    }
  }

  @inline(__always)
  private mutating func dispatch(
    _ frame: FrameBuffer, _ header: FrameHeader, _ passage: Passage, at index: Int, from nic: NICIndex
  ) {
    guard frame.hasSoundOffload(header) else { return egress.drop(frame, from: nic, .badOffload) }
    if LoopProbe.isSuspected(header), let taken = post.takes(frame, header, from: nic, plane, at: now) {
      return taken == .tooMany ? egress.drop(frame, from: nic, .slowProtocol) : egress.take(frame, from: nic)
    }
    let size = frame.packetSize(header)
    var verdict = plane.forward(header, from: nic, at: now, as: passage)
    if case .drop(.bondStandby) = verdict {
      if takesOver(nic) {
        verdict = plane.forward(header, from: nic, at: now, as: passage)
      } else {
        tellOutside(header, nic)
      }
    }
    switch verdict {
    case .drop(let reason):
      egress.drop(frame, from: nic, reason, in: passage.domain)
    case .forward(let target, let tagControl):
      egress.take(frame, from: nic, in: passage.domain)
      send(frame, header, size, to: target, tagControl, passage)
    case .balance(let port, let tagControl):
      egress.take(frame, from: nic, in: passage.domain)
      guard let target = plane.member(of: port, for: frame.flowHash) else {
        // Its members have gone since they were looked at.
        return egress.drop(frame, for: plane.counter(of: port) ?? nic, .linkDown, in: passage.domain)
      }
      send(frame, header, size, to: target, tagControl, passage)
    case .slowProtocol:
      handOver(frame, from: nic)
    case .route(let port):
      route(frame, header, size, from: nic, port)
    case .flood(let domain, let origin):
      flood(frame, header, size, at: index, from: nic, in: domain, origin)
    }
  }

  @inline(__always)
  private mutating func send(
    _ frame: FrameBuffer, _ header: FrameHeader, _ size: Int, to target: NICIndex, _ tagControl: Int32,
    _ passage: Passage
  ) {
    guard size <= plane.mtu(of: target) else {
      return egress.drop(frame, for: target, .mtuExceeded, in: passage.domain)
    }
    if egress.isFull { finishSends() }
    egress.send(frame.withTag(tagControl, header), to: target)
  }

  // MARK: Routed packets

  @inline(__always)
  private mutating func route(
    _ arrived: FrameBuffer, _ header: FrameHeader, _ size: Int, from nic: NICIndex, _ port: PortIndex
  ) {
    var frame = arrived.withTag(TagForm.untagged, header)
    let judgement = router.judge(frame, header, packetSize: size, from: port)
    let reason = reasonToDrop(frame, judgement, size, from: nic)
    // Those who look see it as it came.
    if header.isTagged { frame.pushTag(header.tagControl) }
    if let reason { return egress.drop(frame, from: nic, reason) }
    egress.take(frame, from: nic, fate: judgement.fate)
    if header.isTagged { frame.popTag() }
    router.rewrite(&frame, judgement)
    switch judgement.verdict {
    case .drop: break
    case .forward(let neighbour, let isWatched):
      if isWatched {
        router.unwatch(neighbour)
        tellUse(of: neighbour, from: nic, port)
      }
      transmit(frame, by: neighbour.port)
    case .slow(let kind, let queue, let neighbour): handOver(kind, queue, frame, from: nic, port, neighbour)
    }
  }

  /// The slow path takes so many packets of a class from one NIC, by the frames that will come of them.
  @inline(__always)
  private mutating func reasonToDrop(
    _ frame: FrameBuffer, _ judgement: Judgement, _ size: Int, from nic: NICIndex
  ) -> DropReason? {
    switch judgement.verdict {
    case .drop(let reason): return reason
    case .forward: return nil
    case .slow(let kind, let queue, let neighbour):
      let pieces = kind == .fragment ? frame.pieceCount(packetSize: size, mtu: router.mtu(of: neighbour.port)) : 1
      return packetLimits.allows(nic, queue, at: Clock.milliseconds(), cost: pieces) ? nil : .gatewayBusy
    }
  }

  @inline(__always)
  private mutating func transmit(_ frame: FrameBuffer, by port: PortIndex) {
    let target: NICIndex
    switch plane.egress(by: port) {
    case .forward(let nic, tagControl: _): target = nic
    case .balance:
      guard let nic = plane.member(of: port, for: frame.flowHash) else { return loseRouted(frame, by: port) }
      target = nic
    case .drop, .flood, .slowProtocol, .route: return loseRouted(frame, by: port)
    }
    if egress.isFull { finishSends() }
    egress.send(frame, to: target)
  }

  private mutating func loseRouted(_ frame: FrameBuffer, by port: PortIndex) {
    if let nic = plane.counter(of: port) { egress.drop(frame, for: nic, .linkDown) }
  }

  /// A stale neighbour was sent to. Where the slow path cannot hear of it now, it hears of the next use.
  private mutating func tellUse(of neighbour: Neighbour, from nic: NICIndex, _ port: PortIndex) {
    guard slowPath.packets[.transit].push(.used, nil, ingress: port, nic: nic, neighbour: neighbour) else {
      return router.watch(neighbour)
    }
    slowPath.waker.wake()
  }

  /// To the slow path. It was told as one that goes on; a full queue is the slow path's fault, and rare.
  private mutating func handOver(
    _ kind: SlowPacket.Kind, _ queue: SlowClass, _ frame: FrameBuffer, from nic: NICIndex, _ port: PortIndex,
    _ neighbour: Neighbour
  ) {
    guard slowPath.packets[queue].push(kind, frame, ingress: port, nic: nic, neighbour: neighbour) else {
      return egress.forget(frame, nic, .gatewayBusy)
    }
    slowPath.waker.wake()
  }

  /// A slow protocols frame goes to the slow path, ten a second from a NIC: IEEE 802.3-2018 57A.2.
  private mutating func handOver(_ frame: FrameBuffer, from nic: NICIndex) {
    guard slowLimit.allows(nic, at: now),
      slowPath.queue.push(
        SlowEntry(nic: UInt16(nic.value), pdu: frame.decodeSlowProtocol()))
    else {
      return egress.drop(frame, from: nic, .slowProtocol)
    }
    egress.take(frame, from: nic)
    slowPath.waker.wake()
  }

  /// The standby member of a bond has sent something: is the other one still up? If not, `nic` carries from here on.
  private mutating func takesOver(_ nic: NICIndex) -> Bool {
    guard let carrier = plane.otherCarrier(than: nic), !egress.driver.isUp(carrier.value) else { return false }
    linkWentDown(carrier)
    return plane.carries(nic)
  }

  /// The server uses a link that its aggregate leaves out: LACP may have something to say about it. Multicast proves
  /// nothing.
  private mutating func tellOutside(_ header: FrameHeader, _ nic: NICIndex) {
    guard plane.isOutside(nic), !header.destination.isGroup || header.destination.isBroadcast,
      outsideLimit.allows(nic, at: now)
    else { return }
    slowPath.mailbox.post(.outside(nic))
  }

  private mutating func flood(
    _ frame: FrameBuffer, _ header: FrameHeader, _ size: Int, at index: Int, from nic: NICIndex,
    in domain: DomainIndex, _ origin: PortIndex
  ) {
    guard post.admitsFlood(from: nic, at: now) else { return egress.drop(frame, from: nic, .storm, in: domain) }
    let ownForm = header.isTagged ? Int32(header.tagControl) : TagForm.untagged
    var untagged: ImageHandle?
    var tagged: ImageHandle?
    var place = 0
    let flowHash = frame.flowHash
    while let receiver = plane.nextReceiver(
      of: header, flowHash: flowHash, in: domain, from: origin, place: place)
    {
      if place == 0 { egress.take(frame, from: nic, in: domain) }
      place = receiver.next
      guard receiver.isUp else {
        // A hop is the sender's doing, as it is where the frame has one receiver.
        if receiver.isHop {
          egress.forget(frame, nic, .vlanNotAllowed)
        } else {
          egress.drop(frame, for: receiver.nic, receiver.isShut ? .loopGuard : .linkDown, in: domain)
        }
        continue
      }
      guard size <= plane.mtu(of: receiver.nic) else {
        egress.drop(frame, for: receiver.nic, .mtuExceeded, in: domain)
        continue
      }
      if egress.isFull { finishSends() }
      if receiver.tagControl == ownForm {
        egress.send(frame, to: receiver.nic)
      } else if receiver.tagControl < 0 {
        let image =
          untagged ?? egress.driver.makeImage(of: frame, at: index, which: 0, tagControl: nil, header: header)
        untagged = image
        egress.send(image, to: receiver.nic)
      } else {
        let image =
          tagged
          ?? egress.driver.makeImage(
            of: frame, at: index, which: 1, tagControl: UInt16(truncatingIfNeeded: receiver.tagControl), header: header)
        tagged = image
        egress.send(image, to: receiver.nic)
      }
    }
    if place == 0 { egress.drop(frame, from: nic, .noReceiver, in: domain) }
  }

  /// Writes what was noted. Frames that a bond's member did not take because its link has gone go to the other member:
  /// a second pass at most, because a link that is down is given nothing more.
  private mutating func finishSends() {
    // Before anybody gets the frame: the answer may come in by another worker.
    tellNews()
    var count = egress.flush()
    while count > 0 {
      for index in 0..<count {
        let result = egress.driver.result(index)
        if result.errno == 0 {
          egress.sent(index, result, plane)
        } else {
          finishFailed(index, result)
        }
      }
      count = egress.flush()
    }
  }

  /// A frame that its NIC has refused goes to the member that carries instead; when there is none, it is lost.
  private mutating func finishFailed(_ index: Int, _ result: SendResult) {
    let nic = NICIndex(result.nic)
    if result.errno == SendResult.refused { return egress.lost(index, nic, .receiverSlow, plane) }
    if egress.driver.isUp(nic.value) { return egress.lost(index, nic, .transmitFailed, plane) }
    linkWentDown(nic)
    guard let other = plane.substitute(for: nic) else { return egress.lost(index, nic, .linkDown, plane) }
    egress.driver.resend(index, to: other.value)
  }
}
