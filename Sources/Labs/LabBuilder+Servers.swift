import Rack

extension LabBuilder {
  /// A server or a range with what overrides it.
  private struct Group {
    let entry: LabNode.Entry
    let range: LabRange
  }

  mutating func buildServers(_ node: LabNode?) -> [LabEntry<LabServer>] {
    let groups = (node?.entries ?? []).map { Group(entry: $0, range: LabRange($0.key)) }
    guard let members = members(of: groups) else { return [] }
    var overrides: [String: LabNode.Entry] = [:]
    for group in groups where group.range.numbers == nil && members[group.entry.key] != nil {
      overrides[group.entry.key] = group.entry
    }
    locateServers(node, groups, members)
    var built: [LabEntry<LabServer>] = []
    for group in groups where overrides[group.entry.key] == nil {
      let common = server(group.entry)
      for name in group.range.names {
        guard let override = overrides[name] else {
          built.append(LabEntry(name, common))
          continue
        }
        let isJoined = { (path: [String]) in path.isEmpty || [["ports"], ["nics"], ["vm"], ["links"]].contains(path) }
        let value = group.entry.value.overridden(by: override.value, isJoined: isJoined)
        let entry = LabNode.Entry(key: name, place: override.place, value: value)
        built.append(LabEntry(name, server(entry)))
        locate(entry, ["servers"])
      }
    }
    mustBeApart(built)
    return built
  }

  /// The range that each server of a range is of. Tells about names that are given twice; `nil`: there are too many.
  private mutating func members(of groups: [Group]) -> [String: String]? {
    var ranges: [String: String] = [:]
    var known: [String: String] = [:]
    for group in groups where group.range.numbers != nil {
      guard ranges.count + group.range.count <= Rack.serverLimit else { return tooMany(at: group.entry.place) }
      let names = group.range.names
      if let name = names.first(where: { ranges[$0] != nil }), let other = ranges[name] {
        faults.add(at: group.entry.place, "\(group.entry.key) and \(other) both have \(name); a server is in one range")
      }
      for name in names {
        ranges[name] = group.entry.key
        known[name.lowercased()] = name
      }
    }
    for group in groups where group.range.numbers == nil && ranges[group.entry.key] == nil {
      if let other = known.updateValue(group.entry.key, forKey: group.entry.key.lowercased()) {
        faults.add(
          at: group.entry.place,
          "\(group.entry.key) and \(other) differ in upper and lower case only; hostnames do not")
      }
      guard known.count <= Rack.serverLimit else { return tooMany(at: group.entry.place) }
    }
    for group in groups {
      for name in group.range.names where servers.insert(name).inserted { serverNames.append(name) }
    }
    return ranges
  }

  private mutating func tooMany(at place: LabNode.Place) -> [String: String]? {
    faults.add(at: place, "there are more than \(Rack.serverLimit) servers; a rack holds up to \(Rack.serverLimit)")
    return nil
  }

  private mutating func locateServers(_ node: LabNode?, _ groups: [Group], _ members: [String: String]) {
    guard let node else { return }
    positions[["servers"]] = LabPositions.Position(line: node.place.line, column: node.place.column)
    for group in groups where group.range.numbers != nil || members[group.entry.key] == nil {
      for name in group.range.names {
        locate(LabNode.Entry(key: name, place: group.entry.place, value: group.entry.value), ["servers"])
      }
    }
  }

  // MARK: One server

  private mutating func server(_ entry: LabNode.Entry) -> LabServer {
    let node = entry.value
    var server = LabServer()
    (server.plan, server.facility, server.os) = (plan(node), facility(node), os(node))
    server.mode = node["mode"]?.text.flatMap { NetworkMode(rawValue: $0) }
    (server.description, server.tags) = (node["description"]?.text, tags(node))
    (server.userdata, server.mtu) = (node["userdata"]?.text, node["mtu"]?.integer)
    server.place = node["place"]?.text.map(LabWord.place)
    server.nics = node["nics"].map { LabNICNames(eth0: $0["eth0"]?.text, eth1: $0["eth1"]?.text) }
    server.configure = node["configure"]?.boolean
    for port in node["ports"]?.entries ?? [] {
      guard let name = PortName(rawValue: port.key) else { continue }
      mustExist(name, port.place, server.mode)
      server.ports[name] = self.port(port, name, server.mode)
    }
    for link in node["links"]?.entries ?? [] {
      if let name = PortName(rawValue: link.key) {
        server.links = (server.links ?? [:]).merging([name: LabLink(link.value)]) { $1 }
      }
    }
    server.vm = node["vm"].map { machine($0) }
    mustAgree(server, node)
    // What layer3 is called while there is a network on bond0.
    if server.mode == .layer3, server.ports[.bond0]?.networks.isEmpty == false { server.mode = .hybridBonded }
    return server
  }

  private mutating func mustExist(_ port: PortName, _ place: LabNode.Place, _ mode: NetworkMode?) {
    guard let mode else { return }
    let name = "port \(port.rawValue)"
    if mode == .layer3 {
      guard port != .bond0 else { return }
      return faults.add(
        at: place, "\(name) takes no networks in mode layer3; valid is bond0, where the facility offers hybrid-bonded")
    }
    guard !mode.switchedPorts.contains(port) else { return }
    let valid = mode.switchedPorts.map(\.rawValue)
    let fits = NetworkMode.settable.filter { $0.switchedPorts.contains(port) }.map(\.rawValue)
    faults.add(
      at: place,
      "\(name) takes no networks in mode \(mode.rawValue); valid \(valid.count == 1 ? "is" : "are") \(valid.listed()), "
        + "or mode \(fits.listed("or"))")
  }

  private mutating func port(_ entry: LabNode.Entry, _ name: PortName, _ mode: NetworkMode?) -> LabPort {
    let list = entry.value.items ?? entry.value["networks"]?.items ?? []
    var port = LabPort(networks: list.compactMap(\.text), native: entry.value["native"]?.text)
    var numbers: [Int: String] = [:]
    for (index, node) in list.enumerated() {
      let network = node.text ?? ""
      if port.networks.firstIndex(of: network) != index {
        faults.add(at: node.place, "network \(network.quoted) stands here twice; a port carries it once")
      } else if networks[network] == nil {
        let nearest = LabNearest.of(network, among: networkNames)
        faults.add(
          at: node.place, "network \(network.quoted) is not in this file; \(labHint(networkNames, nearest: nearest))",
          nearest: nearest)
      } else if let number = networks[network]?.vxlan, let other = numbers.updateValue(network, forKey: number) {
        faults.add(
          at: node.place,
          "networks \(other.quoted) and \(network.quoted) both have vxlan \(number); a port carries it once")
      }
    }
    if let native = port.native {
      let place = entry.value["native"]?.place ?? entry.place
      if !port.networks.contains(native) {
        let nearest = LabNearest.of(native, among: port.networks)
        faults.add(
          at: place, "native \(native.quoted) is not on this port; \(labHint(port.networks, nearest: nearest))",
          nearest: nearest)
      } else if port.networks.count < 2 {
        faults.add(at: place, "native is chosen among two networks or more; a single one is untagged anyway")
      } else if name == .bond0, mode == .layer3 {
        faults.add(at: place, "in mode layer3 the networks on bond0 are tagged, and none can be native; leave it out")
      }
      if port.networks.count < 2 { port.native = nil }
    }
    return port
  }

  private mutating func machine(_ node: LabNode) -> LabMachine {
    LabMachine(
      disk: path(node["disk"]), snapshot: node["snapshot"]?.boolean, kernel: path(node["kernel"]),
      initrd: path(node["initrd"]), append: node["append"]?.text,
      memory: node["memory"]?.text.flatMap(LabWord.bytes), cpus: node["cpus"]?.integer,
      cloudInit: node["cloud-init"]?.boolean, restart: node["restart"]?.text)
  }

  /// Absolute.
  private mutating func path(_ node: LabNode?) -> String? {
    guard let node, let text = node.text, !text.hasPrefix("/") else { return node?.text }
    guard let baseDirectory else {
      faults.add(
        at: node.place,
        "path \(text.quoted) is relative, and this file is not beside it: it came without a directory; valid is an "
          + "absolute path of the daemon's host")
      return text
    }
    var parts: [Substring] = []
    for part in (baseDirectory + "/" + text).split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  // MARK: Keys that have to agree

  private mutating func mustAgree(_ server: LabServer, _ node: LabNode) {
    let place = server.place ?? defaults.place ?? .netns
    if let nics = server.nics {
      let names = NICNames(eth0: nics.eth0 ?? "eth0", eth1: nics.eth1 ?? "eth1")
      if place == .host {
        faults.add(
          at: node.place(of: "nics"),
          "nics names interfaces inside a network namespace, and place is host; valid is place: netns, netns:NAME or vm"
        )
      } else if let fault = names.fault {
        faults.add(at: node.place(of: "nics"), fault)
      }
    }
    if server.configure == true {
      let at = node["configure"]?.place ?? node.place
      if server.vm != nil || place == .vm {
        faults.add(
          at: at, "configure sets up interfaces inside a network namespace, and a machine (vm) sets up its own")
      } else if place == .host {
        faults.add(
          at: at, "configure sets up interfaces inside a network namespace, and place is host; valid is place: netns")
      }
    }
    guard let vm = server.vm else { return }
    let at = node.place(of: "vm")
    if vm.disk == nil, vm.kernel == nil {
      faults.add(at: at, "vm has neither a disk nor a kernel; it boots one of them")
    }
    for (key, isGiven, other, others) in [
      ("snapshot", vm.snapshot == true, "disk", vm.disk), ("initrd", vm.initrd != nil, "kernel", vm.kernel),
      ("append", vm.append != nil, "kernel", vm.kernel),
    ] where isGiven && others == nil && (vm.disk ?? vm.kernel) != nil {
      faults.add(at: node["vm"]?.place(of: key) ?? at, "\(key) is for a \(other), and vm has none")
    }
  }

  /// A namespace holds one server.
  private mutating func mustBeApart(_ servers: [LabEntry<LabServer>]) {
    var holders: [String: String] = [:]
    var told: Set<LabPositions.Position> = []
    for server in servers {
      let name: String
      switch server.value.place ?? defaults.place ?? .netns {
      case .namespace(let given): name = given
      case .host, .netns, .vm: continue
      }
      guard let other = holders.updateValue(server.name, forKey: name) else { continue }
      let path = server.value.place == nil ? ["defaults", "place"] : ["servers", server.name, "place"]
      guard let position = positions[path], told.insert(position).inserted else { continue }
      faults.add(
        LabFault(
          line: position.line, column: position.column,
          message:
            "servers \(other) and \(server.name) are both in the network namespace \(name.quoted), which holds one"))
    }
  }
}
