// Which metrics there are, and what stands in each. Names and units are those of Prometheus' conventions.
//
// How many series there are is bounded by what exists: servers, NICs, projects, and words of ours. Nothing that a tenant
// writes freely becomes a label but the names of things that exist; a reason to drop has a series at a NIC only once it
// has counted there.

import Control
import FoundationEssentials
import Net
import Rack

/// One answer, written a piece at a time.
///
/// What concerns the rack as a whole is left out for a caller with one project.
struct MetricsPage: Sendable {
  /// Writes one or more samples, of its number.
  private typealias Writing = @Sendable (Int, inout MetricsText) -> Void

  private struct Section: Sendable {
    let family: MetricsFamily
    let count: Int
    let write: Writing
  }

  private var sections: [Section] = []

  /// - Parameters:
  ///   - figures: as far as they are the caller's to see.
  ///   - requests, process: `nil` for a caller with one project.
  init(_ view: View, _ figures: Figures, requests: RequestMeter.Figures?, process: ProcessFigures?) {
    let isWhole = view.access.scope == .all
    addDaemon(figures)
    if isWhole {
      addRack(view, figures)
      if let process { add(process) }
      if let requests { add(requests) }
      add(figures.commits)
    }
    let names = ProjectLabels(view.projects)
    addInventory(view, names)
    let servers = Dictionary(
      uniqueKeysWithValues: view.servers.map { server in
        let labels: MetricsLabels = [
          "server": server.hostname, "project": names[server.project], "facility": server.facility,
        ]
        return (server.id, (server: server, labels: labels))
      })
    addNICs(figures.nics, servers)
    addBonds(figures.members, servers)
    addNeighbours(figures.neighbours, servers, names)
    addProblems(figures.problems, servers, isWhole: isWhole)
    if isWhole { add(figures.interfaces) }
  }

  // MARK: Writing

  /// Where the writing is.
  struct Place: Sendable {
    fileprivate var section = 0
    fileprivate var sample = 0
    fileprivate var hasBegun = false
    init() {}
  }

  /// Writes on from `place` until there are `size` bytes or more; false: that was the last.
  func write(from place: inout Place, to text: inout MetricsText, size: Int) -> Bool {
    while place.section < sections.count {
      let section = sections[place.section]
      while place.sample < section.count {
        if !place.hasBegun {
          text.begin(section.family)
          place.hasBegun = true
        }
        section.write(place.sample, &text)
        place.sample += 1
        if text.bytes.count >= size { return true }
      }
      (place.section, place.sample, place.hasBegun) = (place.section + 1, 0, false)
    }
    text.end()
    return false
  }

  private mutating func add(
    _ kind: MetricsFamily.Kind, _ name: String, _ help: String, count: Int = 1,
    _ write: @escaping @Sendable (Int, String, inout MetricsText) -> Void
  ) {
    let family = MetricsFamily(name: "toprack_" + name, kind: kind, help: help)
    sections.append(Section(family: family, count: count) { write($0, family.name, &$1) })
  }

  private mutating func gauge(_ name: String, _ help: String, _ value: Int) {
    add(.gauge, name, help) { $2.sample($1, value) }
  }

  private mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
    add(.counter, name, help) { $2.sample($1, value) }
  }

  /// A sample for each member of a dictionary, by its key.
  private mutating func each(
    _ kind: MetricsFamily.Kind, _ name: String, _ help: String, _ label: String, _ values: [String: UInt64]
  ) {
    let sorted = values.sorted { $0.key < $1.key }
    add(kind, name, help, count: sorted.count) { $2.sample($1, [label: sorted[$0].key], sorted[$0].value) }
  }

  private mutating func histogram(_ name: String, _ help: String, _ histogram: DurationHistogram) {
    add(.histogram, name, help) { _, name, text in
      for (bound, count) in zip(DurationHistogram.bounds, histogram.cumulative) {
        text.sample(name + "_bucket", ["le": "\(Double(bound) / 1e9)"], count)
      }
      text.sample(name + "_bucket", ["le": "+Inf"], histogram.count)
      text.sample(name + "_sum", histogram.sum.seconds)
      text.sample(name + "_count", histogram.count)
    }
  }

  // MARK: The daemon

  private mutating func addDaemon(_ figures: Figures) {
    add(.gauge, "build_info", "1, with the version of toprackd and how it reads and writes frames.") {
      $2.sample($1, ["version": figures.version, "io": figures.ioDriver], 1)
    }
    add(.gauge, "start_time_seconds", "When toprackd was started, in Unix time.") {
      $2.sample($1, figures.startedAt.timeIntervalSince1970)
    }
    add(.gauge, "uptime_seconds", "Since toprackd was started.") { $2.sample($1, figures.uptime.seconds) }
  }

  private mutating func addRack(_ view: View, _ figures: Figures) {
    gauge("workers", "Threads that forward.", figures.workers)
    gauge("projects", "Projects.", view.projects.count)
    gauge("stations", "MAC addresses in the station table.", figures.stations.count)
    gauge("stations_limit", "MAC addresses that the station table takes.", figures.stations.limit)
    counter("stations_evicted_total", "Stations displaced by others in a full table.", figures.stations.evicted)
    counter("stations_refused_total", "Stations not learned for want of room.", figures.stations.refused)
    counter("station_moves_total", "Moves of stations from one port to another.", figures.stations.moved)
    each(.counter, "events_total", "Events, by type.", "type", figures.events)
  }

  private mutating func add(_ process: ProcessFigures) {
    add(.counter, "process_cpu_seconds_total", "Processor time of toprackd, user and system.") {
      $2.sample($1, process.processorTime)
    }
    gauge("process_resident_memory_bytes", "Memory of toprackd that is in RAM.", process.residentMemory)
    gauge("process_virtual_memory_bytes", "Address space of toprackd.", process.virtualMemory)
    gauge("process_threads", "Threads of toprackd.", process.threads)
    gauge("process_open_fds", "Open file descriptors of toprackd.", process.openFiles)
    gauge("process_max_fds", "File descriptors that toprackd may have open.", process.fileLimit)
  }

  private mutating func add(_ requests: RequestMeter.Figures) {
    let sorted = requests.requests.sorted { $0.key < $1.key }
    add(
      .counter, "api_requests_total", "Requests to the API and the portal, by class of routes and status.",
      count: sorted.count
    ) {
      $2.sample($1, ["route": sorted[$0].key.route, "status": "\(sorted[$0].key.status)"], sorted[$0].value)
    }
    histogram(
      "api_request_duration_seconds", "From a request's head to the beginning of its answer.", requests.durations)
  }

  private mutating func add(_ commits: Figures.Commits) {
    histogram("store_commit_duration_seconds", "Commits of the state to disk.", commits.durations)
    counter("store_commit_failures_total", "Commits that wrote nothing.", commits.failures)
    gauge("store_writable", "1 when changes can be written, 0 when the rack takes none.", commits.isWritable ? 1 : 0)
    gauge("store_database_bytes", "Size of the database, with its log.", commits.bytes)
  }

  // MARK: What there is

  private mutating func addInventory(_ view: View, _ names: ProjectLabels) {
    struct Kind: Hashable { let project: ProjectID, facility: String, mode: String, state: String }
    let servers = Dictionary(grouping: view.servers) {
      Kind(project: $0.project, facility: $0.facility, mode: $0.mode.rawValue, state: $0.state.rawValue)
    }.map { kind, servers in
      (
        labels: [
          "project": names[kind.project], "facility": kind.facility, "mode": kind.mode, "state": kind.state,
        ] as MetricsLabels, count: servers.count
      )
    }
    add(.gauge, "servers", "Servers, by mode and state.", count: servers.count) {
      $2.sample($1, servers[$0].labels, servers[$0].count)
    }
    struct Place: Hashable { let project: ProjectID, code: String }
    let networks = Dictionary(grouping: view.networks) { Place(project: $0.project, code: $0.place.code) }.map {
      (labels: ["project": names[$0.key.project], "place": $0.key.code] as MetricsLabels, count: $0.value.count)
    }
    add(.gauge, "networks", "Virtual networks, by facility or metro.", count: networks.count) {
      $2.sample($1, networks[$0].labels, networks[$0].count)
    }
  }

  // MARK: NICs

  private typealias Servers = [ServerID: (server: Server, labels: MetricsLabels)]

  private mutating func addNICs(_ all: [Figures.NIC], _ servers: Servers) {
    let nics = all.compactMap { nic in
      servers[nic.server].map { (nic: nic, labels: $0.labels.adding("nic", nic.name.rawValue), server: $0.server) }
    }
    .sorted {
      ($0.server.hostname, $0.nic.server.description, $0.nic.name.rawValue)
        < ($1.server.hostname, $1.nic.server.description, $1.nic.name.rawValue)
    }
    .map { (nic: $0.nic, labels: $0.labels) }
    func counter(_ name: String, _ help: String, _ value: @escaping @Sendable (Figures.Traffic) -> UInt64) {
      add(.counter, "nic_\(name)_total", help, count: nics.count) {
        $2.sample($1, nics[$0].labels, value(nics[$0].nic.traffic))
      }
    }
    counter("receive_packets", "Frames that came from the server since the NIC was attached.") { $0.rxPackets }
    counter("receive_bytes", "Bytes that came from the server since the NIC was attached.") { $0.rxBytes }
    counter("transmit_packets", "Frames that went to the server since the NIC was attached.") { $0.txPackets }
    counter("transmit_bytes", "Bytes that went to the server since the NIC was attached.") { $0.txBytes }
    let lossy = nics.filter { !$0.nic.traffic.drops.isEmpty }
    add(.counter, "nic_dropped_packets_total", "Frames dropped at the NIC, by reason.", count: lossy.count) {
      for (reason, frames) in lossy[$0].nic.traffic.drops.sorted(by: { $0.key < $1.key }) {
        $2.sample($1, lossy[$0].labels.adding("reason", reason), frames)
      }
    }
    func flag(_ name: String, _ help: String, _ value: @escaping @Sendable (Figures.NIC) -> Bool) {
      add(.gauge, "nic_\(name)", help, count: nics.count) { $2.sample($1, nics[$0].labels, value(nics[$0].nic)) }
    }
    flag("link_up", "1 when the cable is plugged and the server's interface is up.") { $0.linkUp }
    flag("shut", "1 while the loop guard has shut the NIC's port.") { $0.isShut }
    flag("storm", "1 while the NIC sends more floods than it may.") { $0.storms }
  }

  private mutating func add(_ interfaces: [Figures.Interface]) {
    func counter(_ name: String, _ help: String, _ value: @escaping @Sendable (Figures.Traffic) -> UInt64) {
      add(.counter, "uplink_\(name)_total", help, count: interfaces.count) {
        $2.sample($1, ["interface": interfaces[$0].name], value(interfaces[$0].traffic))
      }
    }
    counter("receive_packets", "Packets that came from the host by an interface of the rack's own.") { $0.rxPackets }
    counter("receive_bytes", "Bytes that came from the host.") { $0.rxBytes }
    counter("transmit_packets", "Packets that went to the host.") { $0.txPackets }
    counter("transmit_bytes", "Bytes that went to the host.") { $0.txBytes }
    let lossy = interfaces.filter { !$0.traffic.drops.isEmpty }
    add(
      .counter, "uplink_dropped_packets_total", "Packets dropped at an interface of the rack's own, by reason.",
      count: lossy.count
    ) {
      for (reason, frames) in lossy[$0].traffic.drops.sorted(by: { $0.key < $1.key }) {
        $2.sample($1, ["interface": lossy[$0].name, "reason": reason], frames)
      }
    }
    add(.gauge, "uplink_link_up", "1 when the interface is up.", count: interfaces.count) {
      $2.sample($1, ["interface": interfaces[$0].name], interfaces[$0].linkUp)
    }
  }

  // MARK: Bonds and neighbours

  private mutating func addBonds(_ all: [LACPMember], _ servers: Servers) {
    let members = all.compactMap { member in
      servers[member.server].map { (member: member, labels: $0.labels.adding("nic", member.port.rawValue)) }
    }
    let states: [(String, @Sendable (LACPMember) -> Bool)] = [
      ("selected", { $0.selected }), ("collecting", { $0.collecting }), ("distributing", { $0.distributing }),
      ("fallback", { $0.fallback }), ("partner", { $0.partner != nil }),
      ("synchronized", { $0.partner?.state.contains("synchronization") ?? false }), ("problem", { $0.problem != nil }),
    ]
    add(
      .gauge, "lacp_member_state",
      "1 for what is true of a NIC in a bond: selected, collecting, distributing, fallback (it carries alone), partner "
        + "(there is one), synchronized (the partner is in sync), problem.",
      count: members.count
    ) {
      for (state, isTrue) in states {
        $2.sample($1, members[$0].labels.adding("state", state), isTrue(members[$0].member))
      }
    }
    func counter(_ name: String, _ help: String, _ value: @escaping @Sendable (LACPMember.Counters) -> UInt64) {
      add(.counter, "lacp_\(name)_total", help, count: members.count) {
        $2.sample($1, members[$0].labels, value(members[$0].member.counters))
      }
    }
    counter("received_pdus", "LACPDUs that came since the NIC joined the bond.") { $0.lacpdusReceived }
    counter("sent_pdus", "LACPDUs sent since the NIC joined the bond.") { $0.lacpdusSent }
    counter("illegal_pdus", "Slow protocol frames that were not valid.") { $0.illegalReceived }
    counter("churns", "How often an end was out of sync for a minute.") { $0.actorChurns &+ $0.partnerChurns }
  }

  private mutating func addNeighbours(_ all: [NeighbourStatus], _ servers: Servers, _ names: ProjectLabels) {
    struct Kind: Hashable { let project: ProjectID, facility: String, state: String }
    var counts: [Kind: Int] = [:]
    struct Own: Hashable { let interface: String, state: String }
    var own: [Own: Int] = [:]
    for neighbour in all {
      switch neighbour.place {
      case .server(let id, hostname: _):
        guard let server = servers[id]?.server else { continue }
        let kind = Kind(project: server.project, facility: server.facility, state: neighbour.state)
        counts[kind, default: 0] += 1
      case .own(let interface): own[Own(interface: interface, state: neighbour.state), default: 0] += 1
      }
    }
    let sorted = counts.map { kind, count in
      (
        labels: [
          "project": names[kind.project], "facility": kind.facility, "state": kind.state,
        ] as MetricsLabels, count: count
      )
    }
    add(
      .gauge, "neighbours", "Addresses behind servers' routed ports, by the state of RFC 4861 7.3.2.",
      count: sorted.count
    ) { $2.sample($1, sorted[$0].labels, sorted[$0].count) }
    let interfaces = Array(own)
    add(
      .gauge, "uplink_neighbours", "Addresses behind interfaces of the rack's own, by the state of RFC 4861 7.3.2.",
      count: interfaces.count
    ) {
      let (key, count) = interfaces[$0]
      $2.sample($1, ["interface": key.interface, "state": key.state], count)
    }
  }

  // MARK: Problems

  private mutating func addProblems(_ all: [Problem], _ servers: Servers, isWhole: Bool) {
    if isWhole {
      let kinds = Dictionary(grouping: all, by: \.kind).mapValues { UInt64($0.count) }
      each(.gauge, "problems", "What is wrong now, by kind.", "kind", kinds)
    }
    struct Place: Hashable { let server: ServerID, kind: String }
    let places = Dictionary(grouping: all.filter { $0.server != nil }) { Place(server: $0.server!, kind: $0.kind) }
    let sorted = places.compactMap { place, problems in
      servers[place.server].map { (labels: $0.labels.adding("kind", place.kind), count: problems.count) }
    }
    add(.gauge, "server_problems", "What is wrong with a server now, by kind.", count: sorted.count) {
      $2.sample($1, sorted[$0].labels, sorted[$0].count)
    }
  }
}

/// What projects are called in labels. Two can have one name, and two series must not: those have their identifier
/// behind it, and so has one whose name looks like that.
struct ProjectLabels: Sendable {
  private let labels: [ProjectID: String]

  init(_ projects: [Project]) {
    var counts: [String: Int] = [:]
    for project in projects { counts[project.name, default: 0] += 1 }
    labels = Dictionary(
      uniqueKeysWithValues: projects.map { project in
        let isPlain = counts[project.name] == 1 && !project.name.hasSuffix(")")
        return (project.id, isPlain ? project.name : "\(project.name) (\(project.id))")
      })
  }

  subscript(id: ProjectID) -> String { labels[id] ?? "\(id)" }
}

extension Duration {
  fileprivate var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
