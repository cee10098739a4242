import Cabling
import Dataplane
public import Rack
import Switching

/// Which stations are meant: those for which everything given holds.
public struct StationSelection: Hashable, Sendable {
  public var server: ServerID?
  public var port: PortName?
  /// In the networks of this number, wherever they are.
  public var vxlan: Int?
  /// In the networks of one project.
  public var project: ProjectID?

  public init(server: ServerID? = nil, port: PortName? = nil, vxlan: Int? = nil, project: ProjectID? = nil) {
    (self.server, self.port, self.vxlan, self.project) = (server, port, vxlan, project)
  }
}

/// Where a listing of stations goes on.
public struct StationBookmark: Hashable, Sendable {
  let cursor: StationCursor

  /// From the beginning.
  public init() { cursor = StationCursor() }
  init(_ cursor: StationCursor) { self.cursor = cursor }
}

/// The station table, read a piece at a time: it can have hundreds of thousands of entries, and changes while it is
/// read.
extension Control {
  /// A piece of a listing, about `limit` stations, and where it goes on. Of a station that stays there is one in all
  /// pieces together. In no order.
  public func stations(
    _ selection: StationSelection, from bookmark: StationBookmark, limit: Int
  ) async throws(Unavailable) -> (stations: [Station], next: StationBookmark?) {
    guard let filter = filter(selection) else { return ([], nil) }
    guard let found = await dataplane.stations(filter, from: bookmark.cursor, limit: limit) else {
      throw Self.tooManyListings
    }
    return (named(found.records), found.next.map(StationBookmark.init))
  }

  /// `limit` stations behind the first `skip`, in an order that lasts while the stations do, and how many there are.
  public func stations(
    _ selection: StationSelection, skip: Int, limit: Int
  ) async throws(Unavailable) -> (stations: [Station], total: Int) {
    guard let filter = filter(selection) else { return ([], 0) }
    guard let found = await dataplane.stations(filter, skip: skip, limit: limit) else { throw Self.tooManyListings }
    return (named(found.records), found.total)
  }

  private static let tooManyListings = Unavailable(
    message: "the station table is being read by too many at once; try again")

  /// The worker's own terms; `nil`: there can be none.
  private func filter(_ selection: StationSelection) -> StationFilter? {
    var (domains, ports): ([DomainIndex]?, [PortIndex]?) = (nil, nil)
    if let server = selection.server {
      let own = wires.ports(of: server)
      ports = selection.port.map { name in own.filter { wires.owner(of: $0)?.port == name } } ?? own
      if ports == [] { return nil }
    }
    if selection.vxlan != nil || selection.project != nil {
      let networks = rack.networks.values.filter { network in
        (selection.vxlan ?? network.vxlan) == network.vxlan && (selection.project ?? network.project) == network.project
      }
      domains = networks.compactMap { wires.domainOf[$0.id] }
      if domains == [] { return nil }
    }
    return StationFilter(domains: domains, ports: ports)
  }

  /// In the rack's words. What has gone while we asked is left out.
  private func named(_ records: [StationRecord]) -> [Station] {
    let (rack, wires) = (rack, wires)
    return records.compactMap { record in
      guard let network = wires.network(of: record.domain).flatMap({ rack.networks[$0] }),
        let (owner, port) = wires.owner(of: record.port), let holder = rack.servers[owner]
      else { return nil }
      return Station(
        facility: holder.facility, vxlan: network.vxlan, network: network.id, mac: record.mac,
        server: owner, hostname: holder.hostname, port: port, age: record.ageSeconds, moves: record.moves)
    }
  }
}
