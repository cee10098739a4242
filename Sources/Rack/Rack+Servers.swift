import Net

extension Rack {
  func createServer(_ request: ServerRequest, with source: inout some Entropy) throws(Refusal) -> Outcome {
    guard let project = projects[request.project] else {
      throw .notFound("project \(request.project) does not exist")
    }
    try mustHaveRoom(forServerOf: project)
    guard servers.count < Self.serverLimit else {
      throw .invalid("the rack is full: it holds \(Self.serverLimit) servers; delete one first")
    }
    let id = ServerID(source.identifier())
    let hostname = request.hostname ?? freeHostname(for: id, of: project.id)
    let place = place(request.place, hostname: hostname, id: id, project: project.id)
    let namesFault = Server.fault(of: request.nicNames, in: place.place, hostname: hostname)
    let setupFault = Server.fault(ofConfiguring: request.isConfigured, in: place.place, hostname: hostname)
    let (plan, facility, system) = try check(request, [place.fault, namesFault, setupFault].compactMap(\.self))
    try mustFit(request.membership, project.id, \.servers)
    let kinds = try addressKinds(request)
    let keys = try keys(for: request.keys, of: project, with: &source)

    let bond0 = PortID(source.identifier())
    let (eth0, eth1) = (PortID(source.identifier()), PortID(source.identifier()))
    let macs = freeMACs(near: source.bits48())
    let members = plan.initialMode.members
    var server = Server(
      id: id, number: freeNumber, hostname: hostname, plan: plan.slug,
      facility: facility.code, operatingSystem: system.slug, project: project.id, place: place.place,
      nicNames: request.nicNames ?? NICNames(), layer: plan.initialMode.layer,
      bond0: Port(id: bond0, name: .bond0, mac: nil, bonded: !members.isEmpty, networks: [], native: nil),
      eth0: Port(id: eth0, name: .eth0, mac: macs.0, bonded: members.contains(.eth0), networks: [], native: nil),
      eth1: Port(id: eth1, name: .eth1, mac: macs.1, bonded: members.contains(.eth1), networks: [], native: nil),
      addresses: [], lastHeld: [:], mtu: Server.defaultMTU, details: request.details, isLocked: request.isLocked,
      isNetworkFrozen: request.isNetworkFrozen, isProvisioning: request.isAwaited, isConfigured: request.isConfigured,
      serial: request.serial,
      createdAt: source.now)
    server.membership = request.membership
    server.failedSwitches = failedSwitches[facility.code, default: []]
    let addresses = try newAddresses(kinds, for: server)
    server.get(addresses, with: &source)
    for wish in request.blocks { try assign(wish, to: &server, with: &source) }
    server.sshKeys = keys.ids
    server.rootPassword = RootPassword(with: &source)
    return Outcome(
      subject: .server(id),
      changes: addresses.pools.map { .pool($0) } + keys.made.map { .sshKey($0) } + [.server(server, replacing: nil)])
  }

  func deleteServer(_ id: ServerID) throws(Refusal) -> Outcome {
    let server = try server(id)
    guard !server.isLocked else {
      throw .invalid(
        "Cannot delete a locked item",
        "\(server.hostname) is locked and cannot be deleted; unlock it first (locked: false)")
    }
    return Outcome(subject: .nothing, changes: [.serverDeleted(id)])
  }

  func updateServer(_ old: Server, _ update: ServerUpdate) throws(Refusal) -> Outcome {
    var new = old
    if let hostname = update.hostname { new.hostname = hostname }
    if let text = update.description { new.details.description = text.isEmpty ? nil : text }
    if let tags = update.tags { new.details.tags = tags }
    if let text = update.userdata { new.details.userdata = text }
    if let text = update.customdata { new.details.customdata = text }
    if let flag = update.alwaysPXE { new.details.alwaysPXE = flag }
    if let text = update.ipxeScriptURL { new.details.ipxeScriptURL = text.isEmpty ? nil : text }
    if let flag = update.isLocked { new.isLocked = flag }
    if let flag = update.isNetworkFrozen { new.isNetworkFrozen = flag }
    if let path = update.serial { new.serial = path.isEmpty ? nil : path }
    if let names = update.nicNames { new.nicNames = names }
    if let flag = update.isConfigured { new.isConfigured = flag }
    let faults =
      faults(of: new.details)
      + [
        Self.bootFault(new.details, new.operatingSystem), new.serial.flatMap(Names.fault(ofSerial:)),
        Server.fault(of: update.nicNames, in: old.place, hostname: old.hostname),
        Server.fault(ofConfiguring: update.isConfigured, in: old.place, hostname: old.hostname),
      ].compactMap(\.self)
      + (new.hostname == old.hostname ? [] : faults(ofHostname: new.hostname, in: old.project, of: old.id))
    guard faults.isEmpty else { throw Refusal(kind: .invalid, messages: faults) }
    return outcome(of: old, to: new, subject: .server(old.id))
  }

  func setPower(of old: Server, on: Bool) -> Outcome {
    guard old.isPoweredOn != on else { return Outcome(subject: .server(old.id)) }
    var new = old
    new.isPoweredOn = on
    return outcome(of: old, to: new, subject: .server(old.id))
  }

  /// Boots a rescue system, or the one that is installed afresh: for the wire it is a boot. One that is off is switched
  /// on.
  func rescue(_ server: Server) -> Outcome { boot(server, as: server) }

  /// The same with a new password; the update may name another operating system, and what it is to be told.
  func reinstall(
    _ old: Server, _ installation: Installation, with source: inout some Entropy
  ) throws(Refusal) -> Outcome {
    var new = old
    new.rootPassword = RootPassword(with: &source)
    new.isProvisioning = installation.isAwaited
    if let name = installation.operatingSystem {
      guard let system = Catalogue.operatingSystem(name) else { throw .invalid(Self.unknownOperatingSystem(name)) }
      new.operatingSystem = system.slug
    }
    if let text = installation.userdata { new.details.userdata = text }
    if let text = installation.ipxeScriptURL { new.details.ipxeScriptURL = text.isEmpty ? nil : text }
    let faults = faults(of: new.details) + [Self.bootFault(new.details, new.operatingSystem)].compactMap(\.self)
    guard faults.isEmpty else { throw Refusal(kind: .invalid, messages: faults) }
    return boot(old, as: new)
  }

  private func boot(_ old: Server, as server: Server) -> Outcome {
    var new = server
    new.isPoweredOn = true
    var outcome = outcome(of: old, to: new, subject: .server(old.id))
    if old.isPoweredOn { outcome.acts.append(.reboot(old.id)) }
    return outcome
  }

  func reboot(_ server: Server) throws(Refusal) -> Outcome {
    guard server.isPoweredOn else {
      throw .invalid("\(server.hostname) is switched off and cannot be rebooted; power it on")
    }
    return Outcome(subject: .server(server.id), acts: [.reboot(server.id)])
  }

  private func faults(of details: ServerDetails) -> [String] {
    [
      details.description.flatMap(Names.fault(ofDescription:)), Names.fault(ofTags: details.tags),
      Names.fault(ofText: details.userdata, "userdata"), Names.fault(ofText: details.customdata, "customdata"),
      details.ipxeScriptURL.flatMap(Names.fault(ofScriptURL:)),
    ].compactMap(\.self)
  }

  private func faults(ofHostname hostname: String, in project: ProjectID, of id: ServerID?) -> [String] {
    if let fault = Names.fault(ofHostname: hostname) { return [fault] }
    guard let other = server(named: hostname, of: project), other.id != id else { return [] }
    return ["hostname \(hostname.quoted) is taken by server \(other.id); a project has each hostname once"]
  }

  /// The name of a server for which nobody has chosen one.
  private func freeHostname(for id: ServerID, of project: ProjectID) -> String {
    let short = "server-\(id.short)"
    return server(named: short, of: project) == nil ? short : "server-\(id)"
  }

  /// Every server has a private address: it is how the machines of a project find each other whatever else they have.
  private func addressKinds(_ request: ServerRequest) throws(Refusal) -> [Address.Kind] {
    let kinds = try Self.kinds(request.addresses)
    guard kinds.contains(.privateIPv4) else {
      throw .invalid("ip_addresses has no private IPv4 address; each server needs one")
    }
    return kinds
  }

  /// Resolves what the request names, or says everything that is wrong with it at once.
  private func check(
    _ request: ServerRequest, _ placeFaults: [String]
  ) throws(Refusal) -> (Plan, Facility, OperatingSystem) {
    var faults: [String] = []
    let plan = Catalogue.plan(request.plan)
    if plan == nil {
      faults.append("plan \(request.plan.quoted) does not exist; valid are \(Catalogue.plans.map(\.slug).listed())")
    }
    let facility = Catalogue.facility(request.facility)
    if facility == nil { faults.append(Self.unknownFacility(request.facility)) }
    let system = Catalogue.operatingSystem(request.operatingSystem)
    if system == nil {
      faults.append(Self.unknownOperatingSystem(request.operatingSystem))
    }
    if let plan, let facility, !facility.has(plan) { faults.append(Self.noMachine(plan, facility)) }
    faults += self.faults(of: request.details)
    if let fault = request.serial.flatMap(Names.fault(ofSerial:)) { faults.append(fault) }
    if let system, let fault = Self.bootFault(request.details, system.slug) { faults.append(fault) }
    if let hostname = request.hostname { faults += self.faults(ofHostname: hostname, in: request.project, of: nil) }
    faults += placeFaults
    guard let plan, let facility, let system, faults.isEmpty else { throw Refusal(kind: .invalid, messages: faults) }
    return (plan, facility, system)
  }

  private static func unknownOperatingSystem(_ name: String) -> String {
    "operating system \(name.quoted) does not exist; valid are \(Catalogue.operatingSystems.map(\.slug).listed())"
  }

  /// Two scripts for one iPXE.
  private static func bootFault(_ details: ServerDetails, _ system: String) -> String? {
    guard system == OperatingSystem.customIPXE, details.ipxeScriptURL != nil, details.isIPXEScript else { return nil }
    return "ipxe_script_url and userdata that begins with #!ipxe are two scripts for one boot; give one of them"
  }

  private static func noMachine(_ plan: Plan, _ facility: Facility) -> String {
    "facility \(facility.code) has no \(plan.slug), which is a retired plan; "
      + "valid for it are \(plan.facilities.listed())"
  }

  static func unknownFacility(_ name: String) -> String {
    "facility \(name.quoted) does not exist; valid are \(Catalogue.facilities.map(\.code).listed())"
  }

  /// The lowest number that no server has; there is one, as the rack is not full.
  private var freeNumber: Int { Server.numbers.first { index.serverNumbers[$0] == nil }! }

  /// An even address and the next, of which neither is taken: unicast, locally administered (IEEE 802c-2017 8.4).
  private func freeMACs(near bits: UInt64) -> (MACAddress, MACAddress) {
    var bits = bits
    while true {
      let even = bits & 0xFCFF_FFFF_FFFE | 0x0200_0000_0000
      let pair = (MACAddress(even), MACAddress(even + 1))
      if !index.macs.contains(pair.0), !index.macs.contains(pair.1) { return pair }
      bits = even + 2
    }
  }
}
