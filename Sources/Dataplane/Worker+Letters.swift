import Gateway
import Impairments
import Net
import Observers
import Ports
import Switching
import Wire

// What a worker is asked to do and to tell, between two batches: a frame sees all of a change or nothing of it. A reply
// is called on the worker's thread and must be quick.

extension Worker {
  mutating func answer(_ letters: [WorkerLetter]) {
    for letter in letters {
      switch letter {
      case .attach(let attached, let nic, let mtu, let reply): reply(attach(attached, as: nic, mtu: mtu))
      case .detach(let nic, let reply):
        detach(nic)
        reply()
      case .apply(let change, let routing, let reply):
        plane.apply(change)
        router.apply(routing)
        for port in Set(change.ports.keys).union(routing.interfaces.keys) { refit(port) }
        reply()
      case .setMTU(let mtu, let nic, let reply):
        plane.setMTU(mtu, of: nic)
        if let port = plane.port(of: nic) { refit(port) }
        reply()
      case .setAging(let seconds, let reply):
        plane.stations.setAging(seconds: seconds)
        reply()
      case .scan(let scan, let reply): scans.begin(scan, reply)
      case .flush(let query, let reply): reply(flush(query))
      case .statistics(let reply):
        reply(
          StationStatistics(
            count: plane.stations.heardCount, limit: plane.stations.limit, evicted: plane.stations.evicted,
            refused: plane.stations.refused, moved: plane.stations.moved))
      case .carries(let nic, let reply): reply(carries(nic))
      case .ports(let first, let reply):
        let (states, next) = plane.states(from: first, limit: 256)
        reply(states, next)
      case .interfaces(let reply): reply(router.states())
      case .carry(let carriage, let port, let reply):
        setCarriage(carriage, of: port)
        reply()
      case .neighbour(let neighbour, let mac, let watched): router.setNeighbour(neighbour, mac, watched: watched)
      case .checkLink(let nic): checkLink(nic)
      case .link(let nic, let isUp): noteLink(nic, up: isUp)
      case .setShut(let port, let isShut): plane.setShut(port, isShut)
      case .carrier(let nic): plane.setCarrier(nic)
      case .impair(let to, let from, let nic, let reply):
        egress.set(to, nic, .toServer, isOwner: owns(nic))
        egress.set(from, nic, .fromServer, isOwner: owns(nic))
        reply()
      case .send(let frame, let nic):
        crew.noteTaken()
        egress.take(given: frame, for: nic)
      case .trace(let bytes, let nic, let reply): reply(trace(bytes, from: nic))
      case .watch(let watch, let place, let nics, let reply):
        egress.observers.set(watch, at: place, nics: nics)
        reply()
      case .stop(let reply):
        stopped = true
        reply()
      }
    }
  }

  private borrowing func trace(_ bytes: [UInt8], from nic: NICIndex) -> FrameTrace {
    var tracer = Tracer(at: now)
    var memory = [UInt8](repeating: 0, count: FrameBuffer.headroom) + bytes
    unsafe memory.withUnsafeMutableBytes { memory in
      let frame = unsafe FrameBuffer(
        start: memory.baseAddress! + FrameBuffer.headroom, count: bytes.count - VirtioNetHeader.size)
      tracer.trace(frame, from: nic, plane, router)
    }
    return tracer.trace
  }

  /// The router's interface takes what the port's NICs that are up take.
  mutating func refit(_ port: PortIndex) {
    if let mtu = plane.mtu(of: port) { router.setMTU(mtu, of: port) }
  }

  private mutating func attach(_ attached: AttachedTAP, as nic: NICIndex, mtu: Int) -> PortsFault? {
    do { try egress.driver.attach(attached.tap, as: nic.value) } catch { return error }
    egress.reset(nic)
    budget.forget(nic)
    plane.setMTU(mtu, of: nic)
    noteLink(nic, up: false)
    if owns(nic) { poller.watch(egress.driver.descriptor(of: nic.value), as: nic.value, link: true) }
    return nil
  }

  /// Where the slow path believes that another member carries alone, it is put right: its word and ours have crossed.
  private mutating func setCarriage(_ carriage: BondCarriage, of port: PortIndex) {
    plane.setCarriage(carriage, of: port)
    guard let believed = carriage.carrier, owns(believed), let carrier = plane.carrierAlone(of: port),
      carrier != believed
    else { return }
    tellCarrier(carrier)
  }

  /// Somebody could not write to `nic`.
  private mutating func checkLink(_ nic: NICIndex) {
    if !egress.driver.isUp(nic.value) {
      linkWentDown(nic)
    } else if plane.isLinkUp(nic) {
      // It is up again, or it was a passing fault: whoever asked has stopped using it.
      crew.postToAll(.link(nic, up: true), but: index)
    }
  }

  private mutating func detach(_ nic: NICIndex) {
    let descriptor = egress.driver.descriptor(of: nic.value)
    guard descriptor >= 0 else { return }
    if owns(nic) { poller.forget(descriptor) }
    egress.driver.detach(nic.value)
    egress.impairer.forget(nic)
    noteLink(nic, up: false)
    if owns(nic), let carrier = plane.passOn(from: nic) { tellCarrier(carrier) }
  }

  /// Whether `nic` carries for its port, with the links' states asked of the kernel.
  private mutating func carries(_ nic: NICIndex) -> Bool {
    for member in [plane.otherCarrier(than: nic), nic].compactMap(\.self) where !egress.driver.isUp(member.value) {
      linkWentDown(member)
    }
    return plane.carries(nic)
  }

  private mutating func flush(_ query: StationQuery) -> Int {
    guard let ports = query.ports else { return plane.stations.flush(nil, in: query.domain) }
    return ports.reduce(0) { $0 + plane.stations.flush($1, in: query.domain) }
  }
}
