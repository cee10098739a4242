import GRDB
import Rack

/// Mirrors in rows and back.
extension RowWriter {
  func write(_ mirror: Mirror) throws {
    var (sourcePort, network, endPort, device): (PortID?, NetworkID?, PortID?, String?)
    switch mirror.source {
    case .port(let id): sourcePort = id
    case .network(let id): network = id
    }
    switch mirror.end {
    case .port(let id): endPort = id
    case .device(let name): device = name
    }
    try run(
      """
      INSERT OR REPLACE INTO mirror
        (id, name, project, source_port, source_network, direction, filter, end_port, end_device, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        mirror.id.description, mirror.name, mirror.project.description, sourcePort?.description, network?.description,
        mirror.direction.rawValue, mirror.filter, endPort?.description, device, mirror.createdAt.seconds,
      ])
  }
}

extension RowReader {
  func mirrors() throws -> [Change] {
    try rows("SELECT * FROM mirror") { row in
      guard let direction = Mirror.Direction(rawValue: try row.text("direction")) else {
        throw BadColumn(name: "direction")
      }
      let sourcePort: PortID? = try row.optionalIdentifier("source_port")
      let endPort: PortID? = try row.optionalIdentifier("end_port")
      return .mirror(
        Mirror(
          id: try row.identifier("id"), name: try row.text("name"), project: try row.identifier("project"),
          source: try sourcePort.map { .port($0) } ?? .network(try row.identifier("source_network")),
          direction: direction, filter: row["filter"],
          end: try endPort.map { .port($0) } ?? .device(try row.text("end_device")),
          createdAt: try row.date("created_at")))
    }
  }
}
