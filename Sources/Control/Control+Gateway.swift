import Cabling
import Dataplane
import FoundationEssentials
import Gateway
import Logging
import Host
public import Net
import Ports
public import Rack
import Switching
import Wire

/// The gateway while the daemon runs, besides servers' interfaces.
struct RunningGateway: Sendable {
  let plan: RoutingPlan
  let uplinks: Uplinks
  let masquerade: Masquerade?
  /// Where the metadata service listens; keeps its namespace alive.
  let metadataListener: Int32?
  /// What the rack's own ports are called.
  let names: [PortIndex: String]

  func problems() async -> [String] { await uplinks.problems() + (await masquerade?.problems() ?? []) }
}

/// What the start has made of the gateway besides servers' interfaces: the uplinks and the link of the metadata
/// service.
struct GatewayStart: Sendable {
  var plan: RoutingPlan
  var change = ForwardingChange()
  var routing = RoutingChange()
  var uplinks: Uplinks
  var masquerade: Masquerade?
  var metadataListener: Int32?
  var problems: [String] = []
  var names: [PortIndex: String] = [:]

  func running() -> RunningGateway {
    RunningGateway(
      plan: plan, uplinks: uplinks, masquerade: masquerade, metadataListener: metadataListener, names: names)
  }
}

extension GatewaySettings {
  /// No way out, and no metadata service: what tests of other things have.
  public static var closed: GatewaySettings {
    var settings = GatewaySettings()
    (settings.uplink, settings.metadata, settings.dns) = (nil, false, .none)
    return settings
  }
}

extension GatewayStart {
  /// Looks at the host, makes the uplinks, and says what the forwarding plane has to know before the first server.
  ///
  /// Throws `UplinkRefusal` before anything is touched. Metadata and masquerade that cannot be had are problems, not
  /// faults.
  static func open(
    _ settings: GatewaySettings, rack: Rack, addresses: AddressPlan, wires: Wires, dataplane: Dataplane, logger: Logger
  ) async throws -> GatewayStart {
    let mac = MACAddress(gatewayOf: MACAddress(systemOf: rack.id))
    var start = GatewayStart(
      plan: RoutingPlan(mac: mac, settings), uplinks: Uplinks(rack: rack.id, plane: dataplane, logger: logger))
    let pools = addresses.pools
    start.routing.pools = IPPrefix.minimal(
      pools.map(\.prefix) + [settings.uplinkIPv4, settings.uplinkIPv6])

    let requests = settings.uplinksInUse.enumerated().map { number, uplink in
      UplinkRequest(
        name: uplink.name, nic: wires.own(number).nic, ipv4: settings.uplinkIPv4.pair(number),
        ipv6: settings.uplinkIPv6.pair(number),
        pools: pools.filter { uplink.facilities.contains($0.facility) })
    }
    let opened = try await start.uplinks.open(requests)
    for (number, uplink) in opened.enumerated() {
      let port = wires.own(number).port
      start.add(
        RoutedInterface(
          kind: .uplink, mac: mac, mtu: requests[number].mtu,
          links: [uplink.ipv4, uplink.ipv6].compactMap(\.self).map {
            RoutedInterface.Link(gateway: $0.gateway, host: $0.host, isPublic: true)
          }), as: port, by: uplink.nic)
      start.names[port] = uplink.name
      for facility in settings.uplinksInUse[number].facilities { start.plan.exits[facility] = port }
    }
    if settings.metadata { await start.openMetadata(as: wires.own(Wires.ownLimit - 1), of: dataplane, logger) }
    if !opened.isEmpty {
      if settings.masquerade {
        await start.masquerade(rack.id, pools, opened.map(\.name), logger)
      } else {
        // A kill may have left it of the time when it was wanted.
        await Masquerade(rack: rack.id).remove()
      }
    }
    return start
  }

  private mutating func add(_ interface: RoutedInterface, as port: PortIndex, by nic: NICIndex) {
    change.ports[port] = PortProgram(members: [nic], role: .routed(tagged: []))
    routing.interfaces[port] = interface
  }

  private mutating func openMetadata(
    as place: (nic: NICIndex, port: PortIndex), of dataplane: Dataplane, _ logger: Logger
  ) async {
    do throws(PortsFault) {
      metadataListener = try await MetadataLink.open(as: place.nic, of: dataplane).listen()
      let link = RoutedInterface.Link(gateway: MetadataLink.gateway, host: MetadataLink.address, isPublic: false)
      add(RoutedInterface(kind: .metadata, mac: plan.mac, mtu: 1_500, links: [link]), as: place.port, by: place.nic)
      names[place.port] = MetadataLink.device
    } catch {
      problems.append("servers have no metadata service: \(error)")
      logger.warning("\(problems.last!)")
    }
  }

  private mutating func masquerade(_ rack: UUID, _ pools: [UplinkRequest.Pool], _ uplinks: [String], _ logger: Logger)
    async
  {
    let masquerade = Masquerade(rack: rack)
    do {
      try await masquerade.apply(pools: IPPrefix.minimal(pools.map(\.prefix)), uplinks: uplinks)
      self.masquerade = masquerade
    } catch {
      problems.append("servers do not get beyond the host: \(error)")
      logger.warning("\(problems.last!)")
    }
  }
}

extension AddressPlan {
  /// Every range that servers have addresses from, for the host's routes.
  fileprivate var pools: [UplinkRequest.Pool] {
    Catalogue.facilities.flatMap { facility in
      Address.Kind.allCases.compactMap { kind in
        range(of: kind, in: facility.code).map {
          UplinkRequest.Pool(kind: kind.setting, facility: facility.code, prefix: $0)
        }
      }
    }
  }
}

extension IPPrefix {
  /// The block of two addresses number `number`.
  fileprivate func pair(_ number: Int) -> IPPrefix {
    IPPrefix(base + 2 * UInt128(number), length: width - 1)
  }
}

extension RoutingPlan {
  init(mac: MACAddress, _ settings: GatewaySettings) {
    let resolvers = (try? String(contentsOf: URL(filePath: "/etc/resolv.conf"), encoding: .utf8)) ?? ""
    self.init(
      mac: mac, dns: settings.dnsServers(resolvConf: resolvers).filter(\.isV4), nextServer: settings.nextServer,
      bootFile: settings.bootFile, ipxeBootFile: settings.ipxeBootFile,
      userdataURL: settings.metadata ? "http://169.254.169.254/userdata" : nil, leaseSeconds: settings.leaseSeconds)
  }
}

/// Words about the gateway for `status` and listings.
extension Control {
  /// The socket at which servers ask for their metadata, for `MetadataService` to take over; `nil` when there is none.
  public nonisolated var metadataListener: Int32? { gateway.metadataListener }

  /// A host behind a routed interface, as the gateway knows it.
  public func neighbours() async -> [NeighbourStatus] {
    await dataplane.neighbours().sorted {
      ($0.port.value, $0.address.description) < ($1.port.value, $1.address.description)
    }
    .compactMap { report in
      let place: NeighbourStatus.Place
      if let owner = wires.owner(of: report.port).flatMap({ rack.servers[$0.server] }) {
        place = .server(owner.id, hostname: owner.hostname)
      } else if let name = gateway.names[report.port] {
        place = .own(name)
      } else {
        return nil
      }
      return NeighbourStatus(
        place: place, address: report.address.description, mac: report.mac, state: report.state.rawValue,
        age: Int(report.age / 1_000))
    }
  }
}

extension Control {
  /// Has the gateway ask whether a server is at its addresses: it hears of one to whom nobody sends only when that one
  /// sends itself.
  public func seekNeighbours(of server: ServerID) {
    for port in wires.ports(of: server) { dataplane.seekNeighbours(of: port) }
  }
}

/// What the gateway knows of a host behind a routed interface.
public struct NeighbourStatus: Hashable, Sendable {
  public enum Place: Hashable, Sendable {
    case server(ServerID, hostname: String)
    /// An uplink's interface, or the metadata service.
    case own(String)
  }
  public var place: Place
  public var address: String
  /// nil while it is not known.
  public var mac: MACAddress?
  /// `incomplete`, `reachable`, `stale`, `delay`, `probe` or `failed`: RFC 4861 7.3.2.
  public var state: String
  /// Seconds since the state was entered.
  public var age: Int
}
