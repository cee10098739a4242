public import Capture
import Cabling
import Dataplane
import FoundationEssentials
public import Observers
public import Rack
import Switching
import Synchronization

/// What a capture is of.
public struct CaptureScope: Hashable, Sendable {
  public struct Place: Hashable, Sendable {
    public var server: ServerID
    /// Nil: both NICs. Of bond0: its members.
    public var port: PortName?

    public init(server: ServerID, port: PortName?) { (self.server, self.port) = (server, port) }
  }

  /// Nil: all that there are, and come.
  public var places: [Place]?
  /// Frames of this network alone, on the ports that carry it.
  public var network: NetworkID?
  /// Nothing of others. Nil: the whole rack, its uplinks too.
  public var project: ProjectID?

  public init(places: [Place]? = nil, network: NetworkID? = nil, project: ProjectID? = nil) {
    (self.places, self.network, self.project) = (places, network, project)
  }
}

/// What somebody wants to capture.
public struct CaptureRequest: Sendable {
  public var scope: CaptureScope
  /// As it was asked for: `web1:eth0`, `network 1001`.
  public var title: String
  public var directions: WatchOrder.Directions
  public var drops: Bool
  public var filter: FrameFilter?
  public var snapLength: Int

  public static let snapLengths = 14...FrameWatch.snapLimit

  public init(
    scope: CaptureScope, title: String, directions: WatchOrder.Directions = .both, drops: Bool = false,
    filter: FrameFilter? = nil, snapLength: Int = FrameWatch.snapLimit
  ) {
    (self.scope, self.title, self.directions) = (scope, title, directions)
    (self.drops, self.filter, self.snapLength) = (drops, filter, snapLength)
  }
}

/// A capture that is in force. It is over when nobody holds this any more.
public final class RunningCapture: Sendable {
  public let source: CaptureSource
  private let whenOver: @Sendable () -> Void

  init(_ source: CaptureSource, whenOver: @escaping @Sendable () -> Void) {
    (self.source, self.whenOver) = (source, whenOver)
  }

  deinit { whenOver() }
}

/// The captures that run.
struct CaptureBoard {
  struct Entry {
    let scope: CaptureScope
    let title: String
    let who: String
    let since: Date
    /// Nil while it is begun.
    var source: CaptureSource?
  }

  var entries: [Int: Entry] = [:]
  var nextNumber = 0

  /// Why there is no further one, as far as `project` may know.
  func refusal(to project: ProjectID?) -> String {
    let seen = entries.sorted { $0.key < $1.key }.map(\.value).filter { project == nil || $0.scope.project == project }
    let words = seen.map { "\($0.title) by \($0.who) since \($0.since.ISO8601Format())" }
    let hidden = entries.count - seen.count
    let others = hidden > 0 ? ["\(hidden) of others"] : []
    return "\(FrameWatch.limit) captures run, which is the limit: \((words + others).joined(separator: ", ")); "
      + "try again when one is over"
  }
}

extension Control {
  /// Begins a capture. When this returns, it sees every frame that comes in or goes out by its NICs.
  public func capture(_ request: CaptureRequest, by who: String) async throws(Unavailable) -> RunningCapture {
    guard captures.entries.count < FrameWatch.limit else {
      throw Unavailable(message: captures.refusal(to: request.scope.project))
    }
    let number = captures.nextNumber
    captures.nextNumber += 1
    captures.entries[number] = CaptureBoard.Entry(
      scope: request.scope, title: request.title, who: who, since: entropy.now)
    let interfaces = interfaces(of: request.scope)
    let order = WatchOrder(
      nics: .these(Set(interfaces.keys)), directions: request.directions,
      domain: request.scope.network.flatMap { wires.domainOf[$0] }, drops: request.drops, filter: request.filter,
      snapLength: request.snapLength)
    do throws(WatchRefusal) {
      let watch = try await dataplane.watch(order)
      let source = CaptureSource(watch, interfaces)
      captures.entries[number]?.source = source
      // The rack may be another by now.
      await follow(source, request.scope)
      return RunningCapture(source) { [weak self] in
        Task { await self?.endCapture(number) }
      }
    } catch {
      captures.entries[number] = nil
      // Mirrors and their like have the others.
      throw Unavailable(message: error.description)
    }
  }

  private func endCapture(_ number: Int) async {
    guard let source = captures.entries[number]?.source else { return }
    await dataplane.end(source.watch)
    captures.entries[number] = nil
  }

  /// Lets captures look at the NICs that are theirs now. Called with each change of the rack, before what it has
  /// removed is given back: a number never means another server's NIC while a capture knows it by its old name.
  func followCaptures() async {
    for entry in captures.entries.values {
      if let source = entry.source { await follow(source, entry.scope) }
    }
  }

  private func follow(_ source: CaptureSource, _ scope: CaptureScope) async {
    let interfaces = interfaces(of: scope)
    if source.set(interfaces) { await dataplane.setNICs(.these(Set(interfaces.keys)), of: source.watch) }
  }

  // MARK: NICs and their names

  private func interfaces(of scope: CaptureScope) -> [NICIndex: CaptureInterface] {
    var interfaces: [NICIndex: CaptureInterface] = [:]
    for server in servers(of: scope) {
      guard let slot = wires.slotOf[server.id] else { continue }
      for nic in nics(of: server, in: scope) {
        interfaces[Wires.nic(nic, slot: slot)] = interface(nic, of: server, in: scope)
      }
    }
    guard scope.places == nil, scope.network == nil, scope.project == nil else { return interfaces }
    for number in 0..<Wires.ownLimit {
      let own = wires.own(number)
      guard let name = gateway.names[own.port] else { continue }
      interfaces[own.nic] = CaptureInterface(
        server: "uplink", nic: name, description: "\(name): routed traffic to and from the host")
    }
    return interfaces
  }

  private func servers(of scope: CaptureScope) -> [Server] {
    let all = scope.places.map { Set($0.map(\.server)).compactMap { rack.servers[$0] } } ?? Array(rack.servers.values)
    return all.filter { scope.project == nil || $0.project == scope.project }
  }

  private func nics(of server: Server, in scope: CaptureScope) -> [PortName] {
    var nics = Set(PortName.nics)
    if let places = scope.places {
      let wanted = places.filter { $0.server == server.id }.flatMap { place in
        Self.nics(of: place.port, of: server)
      }
      nics.formIntersection(wanted)
    }
    if let network = scope.network {
      let carrying = server.ports.filter { $0.networks.contains(network) }
      nics.formIntersection(carrying.flatMap { Self.nics(of: $0.name, of: server) })
    }
    return nics.sorted { $0.rawValue < $1.rawValue }
  }

  /// Nil: of all.
  private static func nics(of port: PortName?, of server: Server) -> [PortName] {
    switch port {
    case nil: PortName.nics
    case .bond0: server.members
    case .eth0: [.eth0]
    case .eth1: [.eth1]
    }
  }

  private func interface(_ nic: PortName, of server: Server, in scope: CaptureScope) -> CaptureInterface {
    // Two projects may have a server of one name.
    let isAlone = scope.project != nil || rack.servers(named: server.hostname).count < 2
    let project = rack.projects[server.project]?.name ?? "\(server.project)"
    let port = server[nic].bonded ? PortName.bond0 : nic
    let networks = server[port].networks.compactMap { id in
      rack.networks[id].map { "\($0.vxlan) \(server.form(of: id, on: port).rawValue)" }
    }
    var words = ["\(nic.rawValue) of \(server.hostname)", server.mode.rawValue]
    if port == .bond0 { words.append("in bond0") }
    words.append(networks.isEmpty ? "no VLAN" : "VLAN \(networks.joined(separator: ", "))")
    return CaptureInterface(
      server: isAlone ? server.hostname : "\(project)/\(server.hostname)", nic: nic.rawValue,
      description: words.joined(separator: ", "), speed: speed(of: server))
  }

  /// Bits a second, as the plan says: `10Gbps`.
  private func speed(of server: Server) -> UInt64 {
    guard let text = Catalogue.plans.first(where: { $0.slug == server.plan })?.nics.first?.type else { return 0 }
    return UInt64(text.prefix { $0.isNumber }).map { $0 * (text.hasSuffix("Gbps") ? 1_000_000_000 : 1_000_000) } ?? 0
  }
}
