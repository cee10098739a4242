extension Rack {
  func createNetwork(_ request: NetworkRequest, with source: inout some Entropy) throws(Refusal) -> Outcome {
    guard let project = projects[request.project] else {
      throw .notFound("project \(request.project) does not exist")
    }
    guard let place = Self.known(request.place) else { throw .invalid(Self.unknown(request.place)) }
    if let fault = request.description.flatMap(Names.fault(ofDescription:)) { throw .invalid(fault) }
    if let fault = Names.fault(ofTags: request.tags) { throw .invalid(fault) }
    try mustHaveRoom(forNetworkOf: project)
    try mustFit(request.membership, project.id, \.networks)
    guard networks.count < Self.networkLimit else {
      throw .invalid("the rack has \(Self.networkLimit) virtual networks, which is its limit; delete one first")
    }
    let taken = index.numbers[Scope(project: request.project, place: place), default: [:]]
    let network = VirtualNetwork(
      id: NetworkID(source.identifier()), vxlan: try number(request.vxlan, in: place, notIn: taken), place: place,
      project: request.project, description: request.description, tags: request.tags,
      membership: request.membership, createdAt: source.now)
    return Outcome(subject: .network(network.id), changes: [.network(network)])
  }

  private func number(
    _ wanted: Int?, in place: NetworkPlace, notIn taken: [Int: NetworkID]
  ) throws(Refusal) -> Int {
    let valid = VirtualNetwork.numbers.words
    guard let wanted else {
      guard let free = VirtualNetwork.automaticNumbers.first(where: { taken[$0] == nil }) else {
        throw .invalid(
          "no number of \(VirtualNetwork.automaticNumbers.words) is free in \(place.words); "
            + "ask for one of \(valid)")
      }
      return free
    }
    guard VirtualNetwork.numbers.contains(wanted) else {
      throw .invalid("virtual network number \(wanted) is out of range; valid are \(valid)")
    }
    guard taken[wanted] == nil else {
      throw .invalid(
        "virtual network \(wanted) exists already in \(place.words); "
          + "choose another of \(valid), or none for the next free one")
    }
    return wanted
  }

  /// The place with its code for whatever name it was given; `nil` when the catalogue has none.
  static func known(_ place: NetworkPlace) -> NetworkPlace? {
    switch place {
    case .facility(let name): Catalogue.facility(name).map { .facility($0.code) }
    case .metro(let name): Catalogue.metro(name).map { .metro($0.code) }
    }
  }

  private static func unknown(_ place: NetworkPlace) -> String {
    switch place {
    case .facility(let name): unknownFacility(name)
    case .metro(let name):
      "metro \(name.quoted) does not exist; valid are \(Catalogue.metros.map(\.code).listed())"
    }
  }

  func updateNetwork(_ id: NetworkID, description: String?, tags: [String]?) throws(Refusal) -> Outcome {
    guard var network = networks[id] else { throw .notFound("virtual network \(id) does not exist") }
    if let fault = description.flatMap(Names.fault(ofDescription:)) { throw .invalid(fault) }
    if let fault = tags.flatMap(Names.fault(ofTags:)) { throw .invalid(fault) }
    if let description { network.description = description.isEmpty ? nil : description }
    if let tags { network.tags = tags }
    guard network != networks[id] else { return Outcome(subject: .network(id)) }
    return Outcome(subject: .network(id), changes: [.network(network)])
  }

  func deleteNetwork(_ id: NetworkID) throws(Refusal) -> Outcome {
    guard let network = networks[id] else { throw .notFound("virtual network \(id) does not exist") }
    let places = ports(carrying: id)
    guard places.isEmpty else {
      let named = places.prefix(8).map { "\($0.server.hostname) \($0.port.name.rawValue)" }
      let rest = places.count > 8 ? ["\(places.count - 8) more"] : []
      throw .invalid(
        "Cannot delete Virtual Network when port is assigned",
        "virtual network \(network.vxlan) is on \((named + rest).listed()); detach it first")
    }
    return Outcome(subject: .nothing, changes: [.networkDeleted(id)])
  }

  /// The network that `reference` means for a server. A number is looked up in the server's project, in its facility
  /// before its metro; an identifier must be of the project and reach the facility.
  func network(_ reference: NetworkReference, for server: Server) throws(Refusal) -> VirtualNetwork {
    switch reference {
    case .number(let number):
      guard VirtualNetwork.numbers.contains(number) else {
        throw .invalid("virtual network number \(number) is out of range; valid are \(VirtualNetwork.numbers.words)")
      }
      guard let found = network(numbered: number, facility: server.facility, project: server.project) else {
        throw .invalid(
          "virtual network \(number) does not exist in facility \(server.facility) or its metro for the project of "
            + server.hostname
        )
      }
      return found
    case .id(let id):
      guard let found = networks[id] else { throw .notFound("virtual network \(id) does not exist") }
      guard found.project == server.project else {
        throw .invalid(
          "virtual network \(found.vxlan) (\(id)) belongs to another project than \(server.hostname); "
            + "a network reaches servers of its own project only")
      }
      guard found.place.reaches(facility: server.facility) else {
        throw .invalid(
          "virtual network \(found.vxlan) is in \(found.place.words), \(server.hostname) in facility "
            + "\(server.facility); a network never leaves its place")
      }
      return found
    }
  }

  /// The numbers of `networks` in ascending order, for messages.
  func numbers(of networks: [NetworkID]) -> String {
    networks.compactMap { self.networks[$0]?.vxlan }.sorted().map(String.init).listed()
  }
}
