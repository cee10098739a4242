extension Rack {
  func createServer(_ request: ServerRequest, with source: inout some Entropy) throws(Refusal) -> Outcome {
    guard projects[request.project] != nil else { throw .notFound("project \(request.project) does not exist") }
    guard servers.count < Self.serverLimit else {
      throw .invalid("the rack is full: it holds \(Self.serverLimit) servers; delete one first")
    }
    let (plan, facility, system) = try check(request)

    let id = ServerID(source.identifier())
    let bond0 = PortID(source.identifier())
    let (eth0, eth1) = (PortID(source.identifier()), PortID(source.identifier()))
    let mac = freeMACs(near: source.bits48())
    let members = plan.initialMode.members
    var server = Server(
      id: id, number: freeNumber, hostname: request.hostname ?? "server-\(id.short)", plan: plan.slug,
      facility: facility.code, operatingSystem: system.slug, project: request.project, place: request.place,
      layer: plan.initialMode.layer,
      bond0: Port(id: bond0, name: .bond0, mac: nil, bonded: !members.isEmpty, networks: [], native: nil),
      eth0: Port(id: eth0, name: .eth0, mac: mac, bonded: members.contains(.eth0), networks: [], native: nil),
      eth1: Port(id: eth1, name: .eth1, mac: mac + 1, bonded: members.contains(.eth1), networks: [], native: nil),
      addresses: [], lastHeld: [:], mtu: Server.defaultMTU, createdAt: source.now)
    let pools = try giveAddresses(Address.Kind.allCases, to: &server, with: &source)
    return Outcome(
      subject: .server(id), effects: [.makeNICs(id), .rewire(id)],
      changes: pools.map { .pool($0) } + [.server(server, replacing: nil)])
  }

  func deleteServer(_ id: ServerID) throws(Refusal) -> Outcome {
    let server = try server(id)
    return Outcome(subject: .nothing, effects: [.removeNICs(server)], changes: [.serverDeleted(id)])
  }

  /// Resolves what the request names, or says everything that is wrong with it at once.
  private func check(_ request: ServerRequest) throws(Refusal) -> (Plan, Facility, OperatingSystem) {
    var faults: [String] = []
    let plan = Catalogue.plan(request.plan)
    if plan == nil {
      faults.append("plan \(request.plan.quoted) does not exist; valid are \(Catalogue.plans.map(\.slug).listed())")
    }
    let facility = Catalogue.facility(request.facility)
    if facility == nil { faults.append(Self.unknownFacility(request.facility)) }
    let system = Catalogue.operatingSystem(request.operatingSystem)
    if system == nil {
      faults.append(
        "operating system \(request.operatingSystem.quoted) does not exist; "
          + "valid are \(Catalogue.operatingSystems.map(\.slug).listed())")
    }
    if let hostname = request.hostname {
      if let fault = Names.fault(ofHostname: hostname) {
        faults.append(fault)
      } else if let other = self.server(named: hostname) {
        faults.append("hostname \(hostname.quoted) is taken by server \(other.id); hostnames are unique in the rack")
      }
    }
    if let namespace = request.place.namespace {
      if let fault = Names.fault(ofNamespace: namespace) {
        faults.append(fault)
      } else if let other = index.namespaces[namespace].flatMap({ servers[$0] }) {
        faults.append(
          "network namespace \(namespace.quoted) has eth0 and eth1 of server \(other.hostname) already; "
            + "a namespace holds one server")
      }
    }
    guard let plan, let facility, let system, faults.isEmpty else { throw Refusal(kind: .invalid, messages: faults) }
    return (plan, facility, system)
  }

  static func unknownFacility(_ name: String) -> String {
    "facility \(name.quoted) does not exist; valid are \(Catalogue.facilities.map(\.code).listed())"
  }

  /// The lowest number that no server has; there is one, as the rack is not full.
  private var freeNumber: Int { Server.numbers.first { index.serverNumbers[$0] == nil }! }

  /// An even address of which neither it nor the next is taken: unicast, locally administered (IEEE 802c-2017 8.4).
  private func freeMACs(near bits: UInt64) -> UInt64 {
    let mask: UInt64 = 0xFCFF_FFFF_FFFE
    var mac = bits & mask | 0x0200_0000_0000
    while index.macs.contains(mac) || index.macs.contains(mac + 1) { mac = (mac + 2) & mask | 0x0200_0000_0000 }
    return mac
  }
}
