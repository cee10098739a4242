import Cabling
import Dataplane
import FoundationEssentials
import Glibc
import Net
import Rack
import Store
import Switching

extension Control {
  /// What metrics are made of. Control itself is asked for no longer than it takes to list the NICs; counters and links
  /// are read outside of it, so that changes go on meanwhile.
  public nonisolated func figures() async -> Figures {
    let sources = await sources()
    var figures = await traffic(of: sources)
    figures.members = await lacp(of: nil)
    figures.neighbours = await neighbours()
    let stations = await dataplane.stationStatistics()
    figures.stations.count = stations.count
    figures.stations.limit = stations.limit
    figures.stations.evicted = stations.evicted
    figures.stations.refused = stations.refused
    figures.stations.moved = stations.moved
    figures.events = sources.events
    figures.problems = await knownProblems
    let commits = store.commitFigures
    figures.commits.durations = commits.durations
    figures.commits.failures = commits.failures
    figures.commits.isWritable = !figures.problems.contains { $0.kind == Self.stateProblem }
    figures.commits.bytes = [store.path, store.path + "-wal"].reduce(0) { sum, path in
      var file = stat()
      return stat(path, &file) == 0 ? sum + Int(file.st_size) : sum
    }
    return figures
  }

  /// The same without what has to be asked of other threads: NICs and their counters.
  public nonisolated func trafficFigures() async -> Figures { await traffic(of: await sources()) }

  /// The counters that there are, and what is known without reading one.
  struct FigureSources: Sendable {
    struct NIC: Sendable {
      let index: NICIndex
      let server: ServerID
      let name: PortName
      let isShut: Bool, storms: Bool
    }

    let version: String
    let startedAt: Date
    let began: ContinuousClock.Instant
    var nics: [NIC] = []
    var interfaces: [(name: String, index: NICIndex)] = []
    let events: [String: UInt64]
  }

  private func sources() -> FigureSources {
    var sources = FigureSources(
      version: start.version, startedAt: start.at, began: start.instant, events: events.counts)
    for (server, locations) in host.locations {
      guard let slot = wires.slotOf[server] else { continue }
      for name in locations.keys {
        let marks = marks(of: name, server, slot: slot)
        sources.nics.append(
          FigureSources.NIC(
            index: Wires.nic(name, slot: slot), server: server, name: name, isShut: marks.shut != nil,
            storms: marks.storms))
      }
    }
    for number in 0..<Wires.ownLimit {
      let own = wires.own(number)
      if let name = gateway.names[own.port] { sources.interfaces.append((name, own.nic)) }
    }
    return sources
  }

  /// Asks the kernel about each link.
  private nonisolated func traffic(of sources: FigureSources) async -> Figures {
    var figures = Figures(
      version: sources.version, startedAt: sources.startedAt, uptime: ContinuousClock.now - sources.began)
    (figures.workers, figures.ioDriver) = (dataplane.workers, dataplane.driver)
    figures.nics = sources.nics.map { nic in
      Figures.NIC(
        server: nic.server, name: nic.name, linkUp: dataplane.isLinkUp(nic.index), isShut: nic.isShut,
        storms: nic.storms, traffic: Figures.Traffic(dataplane.counters(of: nic.index)))
    }
    figures.interfaces = sources.interfaces.map { name, index in
      Figures.Interface(
        name: name, linkUp: dataplane.isLinkUp(index), traffic: Figures.Traffic(dataplane.counters(of: index)))
    }
    return figures
  }
}

extension Figures.Traffic {
  fileprivate init(_ counters: NICCounters) {
    self.init(
      rxPackets: counters.rxPackets, rxBytes: counters.rxBytes, txPackets: counters.txPackets,
      txBytes: counters.txBytes, drops: counters.drops)
  }
}
