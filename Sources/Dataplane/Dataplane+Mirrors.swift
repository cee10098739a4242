import Glibc
import Observers
public import Ports
import Switching
import Synchronization

/// The mirrors that run, and their thread while there is one.
///
/// ## Threads
/// Any may look. `Dataplane.setMirrors` alone changes it, one call at a time.
final class MirrorDesk: Sendable {
  struct Running {
    var order: MirrorOrder
    /// Nil: there was no place for another one.
    var watch: FrameWatch?
    let place: Int
    let counts: MirrorCounts
  }

  struct Thread {
    let mailbox: Mailbox<MirrorLetter>
    let id: pthread_t
  }

  struct State {
    var running: [String: Running] = [:]
    var thread: Thread?
    var nextPlace = 0
  }

  let state = Mutex(State())

  /// The thread's mailbox; nil: there is no mirror.
  var mailbox: Mailbox<MirrorLetter>? { state.withLock { $0.thread?.mailbox } }

  /// Starts the thread if there is none.
  func start(_ open: @escaping MirrorThread.Opener) throws(PortsFault) {
    guard mailbox == nil else { return }
    let poller = try Poller()
    let mailbox = Mailbox<MirrorLetter>(waker: poller.waker)
    let handover = Handover(poller)
    let thread = ForwardingThread("toprack-mirror") { ready in
      var thread = MirrorThread(poller: handover.take(), mailbox: mailbox, open: open)
      ready()
      thread.run()
    }
    let id = try thread.launch()
    state.withLock { $0.thread = Thread(mailbox: mailbox, id: id) }
  }

  /// Ends the thread, if there is one.
  func stop() {
    guard let thread = state.withLock({ $0.thread.take() }) else { return }
    thread.mailbox.post(.stop)
    pthread_join(thread.id, nil)
  }

  /// An interface is there as that NIC.
  func attach(_ tap: AttachedTAP, as nic: NICIndex) { mailbox?.post(.attach(tap, nic)) }

  /// Nothing is sent to that NIC any more when this returns.
  func detach(_ nic: NICIndex) async {
    guard let mailbox else { return }
    await withCheckedContinuation { continuation in mailbox.post(.detach(nic) { continuation.resume() }) }
  }
}

/// Mirrors: copies of frames for somebody who looks.
extension Dataplane {
  /// Has these mirrors run, by name, and no others. One that is the same goes on as it was, and one that is changed
  /// keeps its counts. One call at a time.
  public func setMirrors(_ wanted: [String: MirrorOrder]) async {
    let running = mirrors.state.withLock(\.running)
    for (name, mirror) in running where wanted[name] == nil {
      await stop(mirror)
      mirrors.state.withLock { $0.running[name] = nil }
    }
    guard !wanted.isEmpty else { return mirrors.stop() }
    for (name, order) in wanted.sorted(by: { $0.key < $1.key }) {
      var mirror: MirrorDesk.Running
      if let old = running[name] {
        if old.order.nics == order.nics, old.order.looksLike(order), old.order.end == order.end,
          old.order.tag == order.tag, old.watch != nil
        {
          continue
        }
        mirror = old
      } else {
        let place = mirrors.state.withLock { state in
          state.nextPlace += 1
          return state.nextPlace
        }
        mirror = MirrorDesk.Running(order: order, watch: nil, place: place, counts: MirrorCounts())
      }
      do {
        try await run(&mirror, by: order)
      } catch {
        mirror.counts.fault.withLock { $0 = error.message }
      }
      mirrors.state.withLock { $0.running[name] = mirror }
    }
  }

  /// What each has done since it runs.
  public func mirrorReports() -> [String: MirrorReport] {
    mirrors.state.withLock { $0.running.mapValues { $0.counts.report($0.watch) } }
  }

  /// The way to an interface of the daemon's own namespace. Throws where there is none, and where what is sent there
  /// would come into the switch.
  public func outlet(to device: String) throws(PortsFault) -> PacketOutlet {
    let outlet = try PacketOutlet(device: device)
    for (_, attached) in attachedNICs() where outlet.leads(to: attached.tap) {
      throw PortsFault(
        errno: EINVAL, message: "interface \(device) is a NIC of the rack: what is sent there comes into the switch")
    }
    return outlet
  }

  private func run(_ mirror: inout MirrorDesk.Running, by order: MirrorOrder) async throws(PortsFault) {
    try mirrors.start { [weak self] name in
      guard let self else { return .failure(PortsFault(errno: ENODEV, message: "the switch is gone")) }
      do throws(PortsFault) { return .success(try outlet(to: name)) } catch { return .failure(error) }
    }
    guard let mailbox = mirrors.mailbox else { return }
    let former = mirror.watch
    let watch: FrameWatch
    if let former, mirror.order.looksLike(order) {
      if mirror.order.nics != order.nics { await setNICs(order.nics, of: former) }
      watch = former
    } else {
      if former != nil { await stop(mirror) }
      mirror.watch = nil
      do throws(WatchRefusal) { watch = try await self.watch(order.watch, isMirror: true) } catch {
        throw PortsFault(errno: EBUSY, message: error.description)
      }
    }
    mirror.order = order
    mirror.watch = watch
    var tap: AttachedTAP?
    if case .nic(let nic) = order.end { tap = attached(nic) }
    let job = MirrorJob(watch: watch, tag: order.tag, end: order.end, tap: tap, counts: mirror.counts)
    let place = mirror.place
    await withCheckedContinuation { continuation in
      mailbox.post(.put(job, place) { continuation.resume() })
    }
  }

  /// Its watch ends, and nothing is sent for it any more.
  private func stop(_ mirror: MirrorDesk.Running) async {
    if let watch = mirror.watch { await end(watch) }
    if let mailbox = mirrors.mailbox {
      await withCheckedContinuation { continuation in
        mailbox.post(.remove(mirror.place) { continuation.resume() })
      }
    }
    mirror.counts.add(lost: mirror.watch?.lost ?? 0)
  }
}
