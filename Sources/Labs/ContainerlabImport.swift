import Rack

/// Makes a lab file of a containerlab topology: its nodes become servers whose NICs are in the nodes' namespaces, and
/// each link a network.
///
/// A server has two NICs, so a node has two links at most. What a lab file has no word for is named in the notes;
/// nothing is dropped silently. Forms are those of containerlab's topology definition: `endpoints` as words, and the long form
/// with a `type`.
public enum ContainerlabImport {
  public static func read(_ text: String) -> Result<(LabFile, notes: [String]), LabFaults> {
    var faults = LabFaultList()
    guard let root = LabYAML.read(text, &faults) else {
      return .failure(faults.result ?? LabFaults([LabFault(line: 1, column: 1, message: "the file cannot be read")]))
    }
    var topology = ContainerlabTopology(faults)
    topology.read(root)
    if let faults = topology.faults.result { return .failure(faults) }
    return .success((topology.file, topology.notes))
  }
}

/// What is gathered of a topology.
private struct ContainerlabTopology {
  var faults: LabFaultList
  var file = LabFile(name: "")
  var notes: [String] = []
  private var nodes: [Node] = []
  private var indexes: [String: Int] = [:]

  private struct Node {
    let name: String
    let place: LabNode.Place
    let hostname: String
    /// On the host, a bridge for example; no server.
    let hostKind: String?
    var links: [(interface: String, network: String)] = []
  }

  init(_ faults: LabFaultList) { self.faults = faults }

  /// Kinds that are no containers.
  private static let hostKinds = ["bridge", "ovs-bridge", "host", "ext-container"]
  /// What stands before the point in an endpoint that is no node's.
  private static let hostEndpoints = ["host", "mgmt-net", "macvlan", "vxlan", "vxlan-stitch", "dummy"]

  mutating func read(_ root: LabNode) {
    guard root.entries != nil, let topology = root["topology"], topology.entries != nil else {
      return faults.add(at: root.place, "this is no containerlab topology: it has no key topology with nodes in it")
    }
    guard let name = root["name"]?.text, !name.isEmpty else {
      return faults.add(at: root.place, "the topology has no name, and a lab needs one")
    }
    file.name = labName(name)
    if file.name != name {
      notes.append("the lab is called \(file.name): \(name.quoted) has other characters than a-z, 0-9 and -")
    }
    note(root, known: ["name", "prefix", "topology"], of: "the file")
    note(topology, known: ["nodes", "links", "kinds", "defaults", "groups"], of: "topology")
    for key in ["kinds", "defaults", "groups"] where topology[key] != nil {
      notes.append("topology.\(key): what it says about images and configuration is left to containerlab")
    }
    readNodes(topology)
    readLinks(topology["links"])
    makeServers(namespacePrefix(root, name))
  }

  /// Containers are called PREFIX-LAB-NODE; `""` is NODE alone, `__lab-name` LAB-NODE.
  private func namespacePrefix(_ root: LabNode, _ lab: String) -> String {
    switch root["prefix"]?.text {
    case nil: "clab-\(lab)-"
    case "": ""
    case "__lab-name": "\(lab)-"
    case let prefix?: "\(prefix)-\(lab)-"
    }
  }

  private func labName(_ name: String) -> String {
    let bytes = name.lowercased().utf8.map { byte in
      0x61...0x7A ~= byte || 0x30...0x39 ~= byte ? byte : UInt8(ascii: "-")
    }
    return String(decoding: bytes.prefix(LabWord.labLimit), as: UTF8.self)
  }

  private mutating func note(_ node: LabNode, known: [String], of what: String) {
    let others = (node.entries ?? []).map(\.key).filter { !known.contains($0) }
    guard !others.isEmpty else { return }
    notes.append("\(what): not carried over: \(others.map(\.visibleInLine).joined(separator: ", "))")
  }

  // MARK: Nodes

  private mutating func readNodes(_ topology: LabNode) {
    guard let entries = topology["nodes"]?.entries, !entries.isEmpty else {
      return faults.add(at: topology.place, "topology has no nodes")
    }
    var hostnames: [String: String] = [:]
    for entry in entries {
      let hostname = hostname(entry.key)
      if let fault = Names.fault(ofHostname: hostname) { faults.add(at: entry.place, fault) }
      if let other = hostnames.updateValue(entry.key, forKey: hostname.lowercased()) {
        faults.add(at: entry.place, "nodes \(other.quoted) and \(entry.key.quoted) would both be server \(hostname)")
      }
      if hostname != entry.key { notes.append("node \(entry.key.visibleInLine) is server \(hostname)") }
      let kind = kind(of: entry.value, topology)
      let isOnHost = kind.map(Self.hostKinds.contains) == true
      indexes[entry.key] = nodes.count
      nodes.append(
        Node(name: entry.key, place: entry.place, hostname: hostname, hostKind: isOnHost ? kind : nil))
      if isOnHost, let kind {
        notes.append(
          "node \(entry.key.visibleInLine) is of the kind \(kind), which is no container: it is no server here")
      } else {
        note(entry.value, known: ["group"], of: "node \(entry.key.visibleInLine)")
      }
    }
  }

  private func hostname(_ name: String) -> String { name.replacing("_", with: "-") }

  private func kind(of node: LabNode, _ topology: LabNode) -> String? {
    if let kind = node["kind"]?.text { return kind }
    if let group = node["group"]?.text, let kind = topology["groups"]?[group]?["kind"]?.text { return kind }
    return topology["defaults"]?["kind"]?.text
  }

  // MARK: Links

  private mutating func readLinks(_ links: LabNode?) {
    var names: [String: Int] = [:]
    for (number, link) in (links?.items ?? []).enumerated() {
      let title = "link \(number + 1)"
      let type = link["type"]?.text ?? "veth"
      guard type == "veth" else {
        notes.append("\(title) is of the type \(type.visibleInLine), which leaves the lab: not carried over")
        continue
      }
      note(link, known: ["type", "endpoints"], of: title)
      guard let items = link["endpoints"]?.items, items.count == 2 else {
        faults.add(at: link.place, "\(title) has no two endpoints, as [\"a:eth1\", \"b:eth1\"]")
        continue
      }
      var ends: [(node: Int, interface: String)] = []
      var isOutside = false
      for item in items {
        guard let end = endpoint(item, title) else { continue }
        if let node = indexes[end.node] {
          if let kind = nodes[node].hostKind {
            notes.append("\(title) goes to \(end.node.visibleInLine), a \(kind): not carried over")
            isOutside = true
          }
          ends.append((node, end.interface))
        } else if Self.hostEndpoints.contains(end.node) {
          notes.append("\(title) goes to \(end.node):\(end.interface.visibleInLine), out of the lab: not carried over")
          isOutside = true
        } else {
          let nearest = LabNearest.of(end.node, among: nodes.map(\.name))
          faults.add(
            at: item.place,
            "\(title) names node \(end.node.quoted), which is not there; "
              + labHint(nodes.map(\.name), nearest: nearest), nearest: nearest)
        }
      }
      guard !isOutside, ends.count == 2 else { continue }
      let network = networkName(nodes[ends[0].node].hostname, nodes[ends[1].node].hostname, &names)
      file.networks.append(LabEntry(network, LabNetwork()))
      for end in ends { nodes[end.node].links.append((end.interface, network)) }
    }
  }

  /// `a:eth1`, or `{node: a, interface: eth1}`.
  private mutating func endpoint(_ item: LabNode, _ title: String) -> (node: String, interface: String)? {
    if let text = item.text, let colon = text.firstIndex(of: ":") {
      return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
    if let node = item["node"]?.text, let interface = item["interface"]?.text {
      note(item, known: ["node", "interface"], of: "\(title), endpoint \(node.visibleInLine)")
      return (node, interface)
    }
    faults.add(
      at: item.place, "\(title) has an endpoint that is \(item.words); valid is NODE:INTERFACE, or node and interface")
    return nil
  }

  private func networkName(_ one: String, _ other: String, _ names: inout [String: Int]) -> String {
    var name = "\(one)-\(other)"
    if !LabWord.isLabel(name) { name = "link" }
    while true {
      let count = names[name, default: 0] + 1
      names[name] = count
      if count == 1 { return name }
      let numbered = "\(name)-\(count)"
      if names[numbered] == nil, LabWord.isLabel(numbered) {
        names[numbered] = 1
        return numbered
      }
      if !LabWord.isLabel(numbered) { name = "link" }
    }
  }

  // MARK: Servers

  private mutating func makeServers(_ prefix: String) {
    for node in nodes where node.hostKind == nil {
      guard node.links.count <= PortName.nics.count else {
        faults.add(
          at: node.place,
          "node \(node.name.quoted) has \(node.links.count) links, and a server has two NICs; valid are up to two")
        continue
      }
      if node.links.isEmpty {
        notes.append("node \(node.name.visibleInLine) has no links: its server is in no network")
      }
      let namespace = prefix + node.name
      if let fault = Names.fault(ofNamespace: namespace) { faults.add(at: node.place, fault) }
      var server = LabServer(mode: .layer2Individual, place: .namespace(namespace), nics: interfaces(of: node))
      for (port, link) in zip(PortName.nics, node.links) { server.ports[port] = LabPort(networks: [link.network]) }
      file.servers.append(LabEntry(node.hostname, server))
    }
    if !file.networks.isEmpty {
      notes.append(
        "interfaces of the links are made by Toprack: take links out of the topology before 'containerlab deploy', or "
          + "their names are taken")
    }
  }

  /// As the links call them. One without a link gets a name that is free: eth0 is containerlab's own.
  private mutating func interfaces(of node: Node) -> LabNICNames {
    var names: [String] = []
    for link in node.links {
      let isPlain = NICNames(eth0: link.interface, eth1: link.interface == "x" ? "y" : "x").fault == nil
      if isPlain, !names.contains(link.interface) {
        names.append(link.interface)
      } else {
        names.append(freeName(names, node))
        notes.append(
          "interface \(link.interface.visibleInLine) of node \(node.name.visibleInLine) is called \(names.last ?? "")")
      }
    }
    while names.count < PortName.nics.count { names.append(freeName(names, node)) }
    return LabNICNames(eth0: names[0], eth1: names[1])
  }

  private func freeName(_ names: [String], _ node: Node) -> String {
    let used = names + node.links.map(\.interface)
    return (1...4).map { "eth\($0)" }.first { !used.contains($0) } ?? "eth1"
  }
}
