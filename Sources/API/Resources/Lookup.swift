// Finding what a path or an argument names, with the 404 or 422 that says what is not there.

import Rack

extension View {
  func known(server id: ServerID) throws(APIError) -> Server {
    guard let server = self[id] else { throw .unknown("there is no device \(id)") }
    return server
  }

  func known(network id: NetworkID) throws(APIError) -> VirtualNetwork {
    guard let network = self[id] else { throw .unknown("there is no virtual network \(id)") }
    return network
  }

  func known(project id: ProjectID) throws(APIError) -> Project {
    guard let project = self[id] else { throw .unknown("there is no project \(id)") }
    return project
  }

  func known(lab id: LabID) throws(APIError) -> Lab {
    guard let lab = self[id] else { throw .unknown("there is no lab \(id)") }
    return lab
  }

  func known(mirror id: MirrorID) throws(APIError) -> Mirror {
    guard let mirror = self[id] else { throw .unknown("there is no mirror \(id)") }
    return mirror
  }

  func known(key id: SSHKeyID) throws(APIError) -> SSHKey {
    guard let key = self[id] else { throw .unknown("there is no SSH key \(id)") }
    return key
  }

  func known(port id: PortID) throws(APIError) -> (server: Server, port: Port) {
    guard let place = self[id] else { throw .unknown("there is no port \(id)") }
    return place
  }

  /// What an identifier below `/ips` can stand for.
  enum IP {
    case address(Address, Server)
    case assignment(BlockAssignment, Server)
    case reservation(Reservation)
  }

  func known(ip text: String) throws(APIError) -> IP {
    if let id = AddressID(text), let (server, address) = self[id] { return .address(address, server) }
    if let id = AssignmentID(text), let (server, assignment) = self[id] { return .assignment(assignment, server) }
    if let id = ReservationID(text), let reservation = self[id] { return .reservation(reservation) }
    throw .unknown("there is no IP assignment or reservation \(Arguments.shown(.string(text))): give the UUID of one")
  }

}

extension Arguments {
  /// The facility that `facility` or `metro` names: a code or a UUID; for a facility also a list of them, of which the
  /// first that exists is taken, or "any".
  ///
  /// - Parameter plan: of several places, the first that has machines of it; where none has, the first.
  func facility(for plan: Plan? = nil) throws(APIError) -> Facility {
    let rule = "valid are \(Self.facilities), their UUIDs, and any"
    func first(_ facilities: [Facility]) -> Facility? {
      facilities.first { facility in plan.map(facility.has) ?? true } ?? facilities.first
    }
    if let value = place("facility") {
      let names: [JSON] = if case .array(let names) = value { names } else { [value] }
      var known: [Facility] = []
      for case .string(let name) in names {
        known += name.lowercased() == "any" ? Catalogue.facilities : [Catalogue.facility(name)].compactMap(\.self)
      }
      if let facility = first(known) { return facility }
      throw .invalid("facility \(Self.shown(value)) is not known; \(rule)")
    }
    guard place("metro") != nil, let metro = try string("metro") else {
      throw .invalid("facility is missing; \(rule)")
    }
    if metro.lowercased() == "any" { return first(Catalogue.facilities) ?? Catalogue.defaultFacility }
    guard let code = Catalogue.metro(metro)?.code,
      let facility = first(Catalogue.facilities.filter { $0.metro == code })
    else {
      let metros = Catalogue.metros.map(\.code).joined(separator: ", ")
      throw .invalid("metro \(Self.shown(.string(metro))) is not known; valid are \(metros), their UUIDs, and any")
    }
    return facility
  }

  /// The code of the facility that the filter `facility` gives; `nil` when it is not given.
  func facilityFilter() throws(APIError) -> String? {
    guard place("facility") != nil, let name = try string("facility") else { return nil }
    guard let facility = Catalogue.facility(name) else {
      throw .invalid("facility \(Self.shown(.string(name))) is not known; valid are \(Self.facilities)")
    }
    return facility.code
  }

  /// The code of the metro that `metro` gives; `nil` when it is not given.
  func metroFilter() throws(APIError) -> String? {
    guard place("metro") != nil, let name = try string("metro") else { return nil }
    guard let metro = Catalogue.metro(name) else {
      let metros = Catalogue.metros.map(\.code).joined(separator: ", ")
      throw .invalid("metro \(Self.shown(.string(name))) is not known; valid are \(metros), and their UUIDs")
    }
    return metro.code
  }

  private static var facilities: String { Catalogue.facilities.map(\.code).joined(separator: ", ") }
}
