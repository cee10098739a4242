import Rack

/// What is wrong with a file by itself: what no rack would take, all of it at once.
///
/// The reader of files has found what is wrong with single values already; a file can come from elsewhere, so what
/// would be wrong later is asked for here, too.
struct LabCheckup {
  let file: LabFile
  let positions: LabPositions
  let survey: LabSurvey
  let rack: Rack
  private(set) var faults: [LabFault] = []

  init(_ file: LabFile, _ positions: LabPositions, _ survey: LabSurvey, _ rack: Rack) {
    (self.file, self.positions, self.survey, self.rack) = (file, positions, survey, rack)
    if let fault = Names.fault(ofLab: file.name) { add(["lab"], fault) }
    checkProject()
    checkDefaults()
    checkNetworks()
    checkServers()
    checkBlocks()
  }

  private mutating func add(_ path: [String], _ message: String) {
    faults.append(positions.fault(at: path, message))
  }

  /// Where a key stands: at the thing itself, or in the defaults.
  private func path(_ kind: String, _ name: String, _ key: String, isOwn: Bool) -> [String] {
    isOwn ? [kind, name, key] : ["defaults", key]
  }

  private mutating func checkProject() {
    for (path, name) in [(["project"], file.project), (["defaults", "project"], file.defaults.project)] {
      guard let name else { continue }
      guard !rack.isProject(survey.project, called: name) else { continue }
      let known = rack.projects[survey.project]?.name ?? "\(survey.project)"
      add(path, "project \(name.quoted) is not the one that the lab is in, which is \(known.quoted)")
    }
  }

  private mutating func checkDefaults() {
    let defaults = file.defaults
    if let name = defaults.facility, Catalogue.facility(name) == nil {
      add(["defaults", "facility"], LabWords.unknownFacility(name))
    }
    if let name = defaults.plan, Catalogue.plan(name) == nil { add(["defaults", "plan"], LabWords.unknownPlan(name)) }
    if let name = defaults.os, Catalogue.operatingSystem(name) == nil {
      add(["defaults", "os"], LabWords.unknownSystem(name))
    }
  }

  // MARK: Networks

  private mutating func checkNetworks() {
    var seen: Set<String> = []
    var numbers: [String: String] = [:]
    for entry in file.networks {
      let (name, value) = (entry.name, entry.value)
      func path(_ key: String) -> [String] { ["networks", name, key] }
      if !seen.insert(name).inserted { add(["networks", name], "network \(name.quoted) is there twice") }
      if value.facility != nil, value.metro != nil {
        add(path("metro"), "network \(name.quoted) has a facility and a metro; give one of them")
      }
      if let facility = value.facility, Catalogue.facility(facility) == nil {
        add(path("facility"), LabWords.unknownFacility(facility))
      }
      if let metro = value.metro, Catalogue.metro(metro) == nil {
        add(path("metro"), "metro \(metro.quoted) does not exist; valid are \(Catalogue.metros.map(\.code).listed())")
      }
      if let fault = value.description.flatMap(Names.fault(ofDescription:)) { add(path("description"), fault) }
      if let fault = value.tags.flatMap(Names.fault(ofTags:)) { add(path("tags"), fault) }
      guard let number = value.vxlan else { continue }
      let valid = VirtualNetwork.numbers
      guard valid.contains(number) else {
        add(path("vxlan"), "virtual network number \(number) is out of range; valid are \(valid.words)")
        continue
      }
      guard let place = survey.networks[name]?.place else { continue }
      if let other = numbers.updateValue(name, forKey: "\(number) \(place.words)"), other != name {
        add(path("vxlan"), "network \(other.quoted) has number \(number) in \(place.words) already; give another")
      }
    }
  }

  // MARK: Servers

  private mutating func checkServers() {
    var seen: Set<String> = []
    var namespaces: [String: String] = [:]
    let networks = Set(file.networks.map(\.name))
    for entry in file.servers {
      let (name, value) = (entry.name, entry.value)
      guard let subject = survey.servers[name] else { continue }
      func path(_ key: String) -> [String] { ["servers", name, key] }
      if let fault = Names.fault(ofHostname: name) { add(["servers", name], fault) }
      if !seen.insert(name.lowercased()).inserted {
        add(["servers", name], "server \(name.quoted) is there twice, in either case; give another name")
      }
      checkCatalogue(name, value, subject)
      if let mtu = value.mtu, !Server.mtus.contains(mtu) {
        add(path("mtu"), "MTU \(mtu) is out of range; valid are \(Server.mtus.words)")
      }
      if let fault = value.description.flatMap(Names.fault(ofDescription:)) { add(path("description"), fault) }
      if let fault = value.tags.flatMap(Names.fault(ofTags:)) { add(path("tags"), fault) }
      if let fault = value.userdata.flatMap({ Names.fault(ofText: $0, "userdata") }) { add(path("userdata"), fault) }
      checkPlace(name, value, subject, &namespaces)
      checkPorts(name, value, subject, networks)
    }
  }

  private mutating func checkCatalogue(_ name: String, _ value: LabServer, _ subject: LabSurvey.Subject) {
    let plan = Catalogue.plan(subject.plan)
    // What is wrong with a default is said once, there.
    if let text = value.plan, plan == nil { add(["servers", name, "plan"], LabWords.unknownPlan(text)) }
    if let facility = value.facility, Catalogue.facility(facility) == nil {
      add(["servers", name, "facility"], LabWords.unknownFacility(facility))
    }
    if let os = value.os, Catalogue.operatingSystem(os) == nil {
      add(["servers", name, "os"], LabWords.unknownSystem(os))
    }
    guard let plan else { return }
    if subject.kept == nil, let facility = Catalogue.facility(subject.facility), !facility.has(plan) {
      add(
        ["servers", name, value.plan == nil ? "facility" : "plan"],
        "facility \(facility.code) has no \(plan.slug), which is a retired plan; valid for it are "
          + plan.facilities.listed())
    }
    if let mode = subject.wanted, !plan.allows(mode) {
      add(
        ["servers", name, "mode"],
        "plan \(plan.slug) has no mode \(mode.rawValue); valid for it are \(plan.modes.map(\.rawValue).listed())")
    }
  }

  private mutating func checkPlace(
    _ name: String, _ value: LabServer, _ subject: LabSurvey.Subject, _ namespaces: inout [String: String]
  ) {
    let place =
      value.place ?? file.defaults.place
      ?? subject.kept.map { $0.place.namespace.map { .namespace($0) } ?? .host } ?? .netns
    switch place {
    case .host:
      if value.nics != nil {
        add(
          ["servers", name, "nics"],
          "nics names interfaces inside a network namespace, and those of \(name.quoted) are on the host: give it "
            + "place netns, or no nics")
      }
      if value.configure == true {
        add(
          ["servers", name, "configure"],
          "configure sets up interfaces inside a network namespace, and those of \(name.quoted) are on the host: "
            + "give it place netns")
      }
    case .namespace(let namespace):
      let spot = path("servers", name, "place", isOwn: value.place != nil)
      if let fault = Names.fault(ofNamespace: namespace) { add(spot, fault) }
      if let other = namespaces.updateValue(name, forKey: namespace) {
        add(spot, "network namespace \(namespace.quoted) has server \(other) already; a namespace holds one server")
      }
    case .netns, .vm: break
    }
    if let names = value.nics {
      let kept = subject.kept?.nicNames ?? NICNames()
      if let fault = NICNames(eth0: names.eth0 ?? kept.eth0, eth1: names.eth1 ?? kept.eth1).fault {
        add(["servers", name, "nics"], fault)
      }
    }
  }

  private mutating func checkPorts(
    _ name: String, _ value: LabServer, _ subject: LabSurvey.Subject, _ networks: Set<String>
  ) {
    let mode = subject.mode
    if value.mode == .hybridBonded, value.ports[.bond0]?.networks.isEmpty != false {
      add(
        ["servers", name, "mode"],
        "mode hybrid-bonded is layer3 with networks on bond0: name one in the ports of \(name), or give it mode layer3")
    }
    for port in PortName.allCases {
      guard let wanted = value.ports[port] else { continue }
      let path = ["servers", name, "ports", port.rawValue]
      var numbers: [Int: String] = [:]
      for (index, network) in wanted.networks.enumerated() {
        let place = path + [String(index)]
        guard networks.contains(network) else {
          add(place, "network \(network.quoted) is not in this file; valid are \(LabWords.listed(networks.sorted()))")
          continue
        }
        if wanted.networks[..<index].contains(network) { add(place, "network \(network.quoted) is there twice") }
        guard let found = survey.networks[network] else { continue }
        if Catalogue.facility(subject.facility) != nil, !found.place.reaches(facility: subject.facility) {
          add(
            place,
            "network \(network.quoted) is in \(found.place.words), \(name) in facility \(subject.facility); a network "
              + "never leaves its place")
        }
        if let number = found.number,
          let other = numbers.updateValue(network, forKey: number), other != network
        {
          add(place, "networks \(other.quoted) and \(network.quoted) have one number; a port carries each number once")
        }
      }
      if wanted.networks.count > Rack.networksPerPortLimit {
        add(path, "\(wanted.networks.count) networks are too many; valid are up to \(Rack.networksPerPortLimit)")
      }
      if let native = wanted.native, !wanted.networks.contains(native) {
        let valid = LabWords.listed(wanted.networks)
        add(path + ["native"], "native \(native.quoted) is not on this port; valid are \(valid)")
      }
      guard !wanted.networks.isEmpty else { continue }
      checkRole(of: port, wanted, mode, subject, name, path)
    }
  }

  private mutating func checkRole(
    of port: PortName, _ wanted: LabPort, _ mode: NetworkMode, _ subject: LabSurvey.Subject, _ name: String,
    _ path: [String]
  ) {
    guard mode.switchedPorts.contains(port) else {
      let modes = (Catalogue.plan(subject.plan)?.modes ?? []).filter { $0.switchedPorts.contains(port) }
      add(
        path,
        "\(port.rawValue) of \(name) carries no networks in mode \(mode.rawValue); "
          + (modes.isEmpty
            ? "plan \(subject.plan) has no mode for that" : "it does in mode \(modes.map(\.rawValue).listed("or"))"))
      return
    }
    guard mode == .hybridBonded else { return }
    if wanted.native != nil, wanted.networks.count > 1 {
      add(path + ["native"], "bond0 of \(name) is in layer 3, where all networks are tagged: give it no native")
    }
    if subject.kept?.mode != .hybridBonded, !rack.offersHybridBonded(in: subject.facility) {
      add(
        path,
        "facility \(subject.facility) has no networks on bond0 in layer 3, which are offered where toprackd has the "
          + "setting hybrid_bonded: true; give \(name) mode layer2-bonded or hybrid")
    }
  }

  // MARK: Address blocks

  private mutating func checkBlocks() {
    var seen: Set<String> = []
    for entry in file.addresses {
      let (name, value) = (entry.name, entry.value)
      if !seen.insert(name).inserted { add(["addresses", name], "address block \(name.quoted) is there twice") }
      if !Reservation.lengths.contains(value.size) {
        add(
          ["addresses", name, "size"],
          "an elastic block cannot be /\(value.size); valid are /29 (8 addresses), /30 (4), /31 (2) and /32 (1)")
      }
      guard let server = value.server else { continue }
      guard let subject = survey.servers[server] else {
        add(
          ["addresses", name, "server"],
          "server \(server.quoted) is not in this file; valid are \(LabWords.listed(file.servers.map(\.name)))")
        continue
      }
      if subject.mode.layer == 2 {
        add(
          ["addresses", name, "server"],
          "\(server) is \(subject.mode.rawValue), and nothing is routed to it: give it mode layer3 or hybrid")
      }
    }
  }
}

extension Rack {
  /// Whether a project is what a file calls it, by name or identifier.
  func isProject(_ id: ProjectID, called name: String) -> Bool {
    guard let project = projects[id] else { return false }
    return project.name == name || ProjectID(name) == id
  }
}

enum LabWords {
  static func unknownFacility(_ name: String) -> String {
    "facility \(name.quoted) does not exist; valid are \(Catalogue.facilities.map(\.code).listed())"
  }
  static func unknownPlan(_ name: String) -> String {
    "plan \(name.quoted) does not exist; valid are \(Catalogue.plans.map(\.slug).listed())"
  }
  static func unknownSystem(_ name: String) -> String {
    "operating system \(name.quoted) does not exist; valid are \(Catalogue.operatingSystems.map(\.slug).listed())"
  }
  /// At most eight, and how many more there are.
  static func listed(_ names: [String]) -> String {
    if names.isEmpty { return "none" }
    let rest = names.count > 8 ? ["\(names.count - 8) more"] : []
    return (names.prefix(8) + rest).listed()
  }
}
