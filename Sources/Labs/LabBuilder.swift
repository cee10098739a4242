import Rack

/// Makes a file of a tree that the table has checked, and checks what takes more than one key to see.
///
/// Ranges are written out here. What is the same for all servers of a range is built and checked once.
struct LabBuilder {
  let baseDirectory: String?
  var faults: LabFaultList
  var positions = LabPositions()
  var networks: [String: LabNetwork] = [:]
  var networkNames: [String] = []
  var defaults = LabDefaults()
  /// Names of all servers.
  var servers: Set<String> = []
  var serverNames: [String] = []

  init(baseDirectory: String?, _ faults: LabFaultList) { (self.baseDirectory, self.faults) = (baseDirectory, faults) }

  mutating func build(_ root: LabNode) -> LabFile {
    positions[[]] = LabPositions.Position(line: 1, column: 1)
    for entry in root.entries ?? [] where !["servers", "checks"].contains(entry.key) { locate(entry, []) }
    var file = LabFile(name: root["lab"]?.text ?? "")
    file.project = root["project"]?.text
    defaults = defaults(of: root["defaults"])
    file.defaults = defaults
    if let outer = file.project, let inner = defaults.project, outer != inner, let node = root["defaults"] {
      faults.add(
        at: node["project"]?.place ?? node.place,
        "project is \(inner.quoted) here and \(outer.quoted) outside of defaults; a lab is in one project")
    }
    file.networks = buildNetworks(root["networks"])
    file.servers = buildServers(root["servers"])
    file.addresses = (root["addresses"]?.entries ?? []).compactMap { addressBlock($0) }
    file.checks = buildChecks(root["checks"])
    return file
  }

  // MARK: Places

  /// Notes where a key and everything in it stands.
  mutating func locate(_ entry: LabNode.Entry, _ path: [String]) {
    var pending = [(path + [entry.key], entry.place, entry.value)]
    while let (path, place, node) = pending.popLast() {
      let isWord = node.text != nil && !node.isNull
      positions[path] = position(isWord ? node.place : place)
      pending += (node.entries ?? []).map { (path + [$0.key], $0.place, $0.value) }
      pending += (node.items ?? []).enumerated().map { (path + ["\($0.offset)"], $0.element.place, $0.element) }
    }
  }

  private func position(_ place: LabNode.Place) -> LabPositions.Position {
    LabPositions.Position(line: place.line, column: place.column)
  }

  // MARK: Defaults and networks

  private func defaults(of node: LabNode?) -> LabDefaults {
    LabDefaults(
      facility: facility(node), plan: plan(node), place: node?["place"]?.text.map(LabWord.place),
      project: node?["project"]?.text, os: os(node))
  }

  // Names of the catalogue are kept as it has them, however they are written.
  func facility(_ node: LabNode?) -> String? { node?["facility"]?.text.flatMap { Catalogue.facility($0)?.code } }
  func plan(_ node: LabNode?) -> String? { node?["plan"]?.text.flatMap { Catalogue.plan($0)?.slug } }
  func os(_ node: LabNode?) -> String? { node?["os"]?.text.flatMap { Catalogue.operatingSystem($0)?.slug } }
  func tags(_ node: LabNode?) -> [String]? { node?["tags"]?.items.map { $0.compactMap(\.text) } }

  private mutating func buildNetworks(_ node: LabNode?) -> [LabEntry<LabNetwork>] {
    var built: [LabEntry<LabNetwork>] = []
    var numbers: [[String]: String] = [:]
    for entry in node?.entries ?? [] {
      let value = entry.value
      let network = LabNetwork(
        vxlan: value["vxlan"]?.integer, facility: facility(value),
        metro: value["metro"]?.text.flatMap { Catalogue.metro($0)?.code }, description: value["description"]?.text,
        tags: tags(value))
      if network.facility != nil, network.metro != nil {
        faults.add(at: value.place(of: "metro"), "facility and metro are given; a network reaches one of them")
      }
      let facility = network.facility ?? defaults.facility ?? Catalogue.defaultFacility.code
      let place = network.metro.map { "metro \($0)" } ?? "facility \(facility)"
      if let number = network.vxlan, let other = numbers.updateValue(entry.key, forKey: ["\(number)", place]) {
        faults.add(
          at: value["vxlan"]?.place ?? entry.place,
          "network \(other.quoted) has vxlan \(number) in \(place) already; each network of a place has its own")
      }
      networks[entry.key] = network
      networkNames.append(entry.key)
      built.append(LabEntry(entry.key, network))
    }
    return built
  }

  // MARK: Addresses

  private mutating func addressBlock(_ entry: LabNode.Entry) -> LabEntry<LabAddressBlock>? {
    let server = entry.value["server"]
    if let name = server?.text, !servers.contains(name) { unknownServer(name, at: server?.place ?? entry.place) }
    return entry.value["size"]?.integer.map { LabEntry(entry.key, LabAddressBlock(size: $0, server: server?.text)) }
  }

  mutating func unknownServer(_ name: String, at place: LabNode.Place) {
    let nearest = LabNearest.of(name, among: serverNames.prefix(1000))
    faults.add(
      at: place, "server \(name.quoted) is not in this file; \(labHint(serverNames, nearest: nearest))",
      nearest: nearest)
  }
}
