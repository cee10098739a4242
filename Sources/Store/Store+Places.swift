import GRDB
public import Rack

/// A place that is to be written.
public struct NICPlaceChange: Hashable, Sendable {
  public var server: ServerID
  public var nic: PortName
  public var place: NICPlace

  public init(server: ServerID, nic: PortName, place: NICPlace) {
    (self.server, self.nic, self.place) = (server, nic, place)
  }
}

extension Store {
  /// The places of all NICs. One of a server of an older version has none yet.
  public func nicPlaces() async throws(StoreFault) -> [ServerID: [PortName: NICPlace]] {
    try await reading { db in
      var places: [ServerID: [PortName: NICPlace]] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT * FROM nic_place") {
        guard let nic = PortName(rawValue: try row.text("nic")) else { throw BadColumn(name: "nic") }
        func number(_ column: String) throws -> UInt64 { UInt64(bitPattern: Int64(try row.integer(column))) }
        places[try row.identifier("server"), default: [:]][nic] = NICPlace(
          boot: try row.text("boot"), device: try number("device"), inode: try number("inode"),
          cookie: try number("cookie"), index: try row.integer("interface"), name: try row.text("name"),
          madeName: try row.text("made_name"))
      }
      return places
    }
  }
}

extension RowWriter {
  /// Writes nothing about a server that has gone meanwhile.
  func write(_ change: NICPlaceChange) throws {
    let place = change.place
    func number(_ value: UInt64) -> Int64 { Int64(bitPattern: value) }
    try run(
      """
      INSERT OR REPLACE INTO nic_place (server, nic, boot, device, inode, cookie, interface, name, made_name)
      SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM server WHERE id = ?1)
      """,
      [
        change.server.description, change.nic.rawValue, place.boot, number(place.device), number(place.inode),
        number(place.cookie), place.index, place.name, place.madeName,
      ])
  }
}
