import Testing

/// A server and two networks that a client has made, and two neighbours that listen: a place to see whether what the client has
/// done is so on the wire.
///
/// The client knows nothing of namespaces, so the server's NICs are on the host, as `web-eth0` and `web-eth1`. The neighbours
/// `p` and `q` have the first network on eth0 and the second on eth1, both untagged.
final class ClientRack {
  let lab: Lab
  let client: ClientDriver
  let id: String
  /// What the client has created, in this order.
  let networks: [(id: String, number: UInt16)]
  private let eth0: NIC
  private let eth1: NIC
  private let neighbour: [NIC]
  private let witness: [NIC]
  private var addresses: Set<String>
  private var everHad: Set<String>

  init(_ library: ClientLibrary) throws {
    lab = try Lab(withHost: true, options: ClientDriver.options)
    guard let host = lab.host else { throw HarnessError("the lab has no host") }
    // What the kernel says on new NICs by itself would be counted among drops.
    try host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
    client = try ClientDriver(library, of: lab)
    let project = try client("projects")[0]
    networks = try (0..<2).map { [client] _ in
      let made = try client("create_network", ["project": project, "facility": "ewr1"])
      guard let id = made["id"].string, let number = made["vxlan"].int else {
        throw HarnessError("no network: \(made)")
      }
      return (id, UInt16(number))
    }
    #expect(
      try Set((client("networks", ["project": project]).array ?? []).compactMap { $0["id"].string })
        == Set(networks.map(\.id)))
    let made = try ClientDevice(
      client(
        "create_device", ["project": project, "hostname": "web", "plan": "c3.small.x86", "facility": "ewr1"]))
    id = made.id
    addresses = made.addresses
    everHad = made.addresses
    #expect(made.hostname == "web" && made.mode == "layer3" && made.addresses.count == 3)

    let machine = try Machine.onHost(of: lab, "web")
    (eth0, eth1) = (machine.eth0, machine.eth1)
    let vlans = zip(["eth0", "eth1"], networks).map { (port: $0, vlan: Int($1.number)) }
    let p = try lab.machine("p", .layer2Individual, vlans: vlans)
    let q = try lab.machine("q", .layer2Individual, vlans: vlans)
    (neighbour, witness) = ([p.eth0, p.eth1], [q.eth0, q.eth1])
  }

  /// The device as the client reads it now.
  func device() throws -> ClientDevice { try ClientDevice(client("device", ["device": .string(id)])) }

  /// Whether the operating system of the server sees a carrier on eth0 and on eth1.
  func carriers() throws -> [Bool] {
    try [eth0, eth1].map { try lab.host?.run("cat", "/sys/class/net/\($0.interface)/carrier").text == "1\n" }
  }

  // MARK: Steps

  /// Converts by the client's own sequence, and looks at everything.
  func convert(to mode: Mode, _ comment: String = "") throws {
    let shown = try ClientDevice(client("convert", ["device": .string(id), "to": .string(mode.rawValue)]))
    #expect(shown.mode == mode.rawValue, "\(comment)")
    expectPorts(shown, mode, comment)
    let isRouted = mode == .layer3 || mode == .hybrid
    switch (addresses.isEmpty, isRouted) {
    case (_, false): #expect(shown.addresses.isEmpty, "\(comment)")
    case (false, true): #expect(shown.addresses == addresses, "\(comment): between layer3 and hybrid they stay")
    case (true, true):
      #expect(shown.addresses.count == 3 && shown.addresses.isDisjoint(with: everHad), "\(comment): new ones")
    }
    addresses = shown.addresses
    everHad.formUnion(addresses)
    try expectWire(mode: mode, comment)
  }

  /// Attaches both networks to `port`, makes one of them native and not, and detaches them; the wire follows each step.
  func useVLANs(on port: String) throws {
    guard let mode = try Mode(rawValue: device().mode) else { throw HarnessError("a mode without a name") }
    func step(_ operation: String, _ network: Int?) throws {
      let name = network.map { JSON.string(networks[$0].id) } ?? .null
      try client(operation, ["device": .string(id), "port": .string(port), "network": name])
    }
    try step("attach", 0)
    try expect(mode, on: port, [0])
    // One that is there already, and a native one where there are no two, change nothing.
    let first = JSON.string(networks[0].id)
    let place: [String: JSON] = ["device": .string(id), "port": .string(port), "network": first]
    try client.expectRefusal(422, "attach", place, naming: "\(networks[0].number)")
    try client.expectRefusal(422, "native", place)
    try client.expectRefusal(422, "delete_network", ["network": first], naming: "Cannot delete Virtual Network")
    try step("attach", 1)
    try expect(mode, on: port, [0, 1])
    try step("native", 0)
    try expect(mode, on: port, [0, 1], native: 0)
    try step("native", 1)
    try expect(mode, on: port, [0, 1], native: 1)
    try step("native", nil)
    try expect(mode, on: port, [0, 1])
    try step("detach", 0)
    try expect(mode, on: port, [1])
    try step("detach", 1)
    try expect(mode, on: port, [])
    try client.expectRefusal(422, "detach", place, naming: "not assigned")
  }

  /// In layer 3 no port takes a network: the client is told, and nothing has changed.
  func expectNoVLANs() throws {
    for port in ["bond0", "eth0", "eth1"] {
      try client.expectRefusal(
        422, "attach", ["device": .string(id), "port": .string(port), "network": .string(networks[0].id)], naming: port)
    }
    try expectPorts(device(), .layer3, "after refusals")
    try expectWire(mode: .layer3, "after refusals")
  }

  /// Deletes all that the client has made; nothing of it is left.
  func remove() throws {
    try client("delete_device", ["device": .string(id)])
    try client.expectRefusal(404, "device", ["device": .string(id)])
    #expect(try !Interface.list(in: lab.host).contains { $0.name.hasPrefix("web-") })
    for name in ["p", "q"] { try lab.toprack("server", "delete", name) }
    for network in networks { try client("delete_network", ["network": .string(network.id)]) }
    let project = try client("projects")[0]
    #expect(try client("networks", ["project": project]) == [])
  }

  // MARK: What must be

  /// `port` has these networks, by their place in `networks`, and no other port has any: in the client's eyes and on the wire.
  func expect(
    _ mode: Mode, on port: String, _ attached: Set<Int>, native: Int? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let comment =
      "\(client.library.rawValue), \(mode.rawValue), \(port) with \(attached.sorted()), native \(native ?? -1)"
    expectPorts(
      try device(), mode, comment, on: port, Set(attached.map { networks[$0].id }),
      native: native.map { networks[$0].id }, sourceLocation: sourceLocation)
    // Without LACP the first link of a bond carries alone.
    let carrier = port == "eth1" ? eth1 : eth0
    for (index, network) in networks.enumerated() where attached.contains(index) {
      let tags: [Frame.Tag] = attached.count > 1 && native != index ? [.c(network.number)] : []
      let inward = Frame(to: .broadcast, from: neighbour[index].mac, "to \(comment)")
      try neighbour[index].send(inward)
      try carrier.expect(inward.with(tags: tags), comment, sourceLocation: sourceLocation)
      try witness[index].expect(inward, comment, sourceLocation: sourceLocation)
      let outward = Frame(to: .broadcast, from: carrier.mac, tags: tags, "from \(comment)")
      try carrier.send(outward)
      for listener in [neighbour[index], witness[index]] {
        try listener.expect(outward.with(tags: []), comment, sourceLocation: sourceLocation)
      }
    }
    // An untagged frame has a network only where there is one, or a native one; and so has a tagged one of a network that is not there.
    if attached.count != 1, native == nil {
      try expectDeaf(from: carrier, tags: [], comment, sourceLocation: sourceLocation)
    }
    for index in networks.indices where !attached.contains(index) {
      try expectDeaf(from: carrier, tags: [.c(networks[index].number)], comment, sourceLocation: sourceLocation)
    }
    // Neither the other NIC hears anything of an attached network, nor any NIC of one that is not there.
    for (index, network) in networks.enumerated() {
      let isAttached = attached.contains(index)
      let tags: [Frame.Tag] = attached.count > 1 && native != index ? [.c(network.number)] : []
      try expectUnheard(
        index, at: [eth0, eth1].filter { !isAttached || $0 !== carrier }, heard: isAttached ? (carrier, tags) : nil,
        comment, sourceLocation: sourceLocation)
    }
  }

  /// Without networks: the gateway answers on a routed port and on no other, and nothing comes from or goes to either network.
  func expectWire(
    mode: Mode, _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let comment = "\(client.library.rawValue), \(mode.rawValue) \(comment)"
    if mode == .layer3 || mode == .hybrid {
      guard let addresses = RoutedServer.Addresses(try lab.toprack.json("server", "show", "web")) else {
        throw HarnessError("web lacks addresses")
      }
      #expect(addresses.all == self.addresses, "\(comment)", sourceLocation: sourceLocation)
      for pair in [addresses.publicIPv4, addresses.privateIPv4] {
        try eth0.send(Packet.arp(from: eth0.mac, pair.address, asking: pair.gateway))
        let answer = try eth0.next(until: .after(.seconds(5))) {
          $0.etherType == 0x0806 && $0.payload.starts(with: [0, 1, 8, 0, 6, 4, 0, 2])
            && Array($0.payload[14..<18]) == SeenPacket.octets(pair.gateway)
        }
        #expect(answer?.destination == eth0.mac, "\(comment): the gateway answers", sourceLocation: sourceLocation)
      }
    } else {
      try lab.expectDrops("no-vlan", at: eth0, comment, sourceLocation: sourceLocation) {
        try eth0.send(Packet.arp(from: eth0.mac, "192.0.2.1", asking: "192.0.2.0"))
      }
    }
    try expectSilence(comment, sourceLocation: sourceLocation)
  }

  /// No frame of either network reaches the server, and none of its own reaches a neighbour.
  func expectSilence(_ comment: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for nic in [eth0, eth1] {
      try expectDeaf(from: nic, tags: [], comment, sourceLocation: sourceLocation)
      for network in networks {
        try expectDeaf(from: nic, tags: [.c(network.number)], comment, sourceLocation: sourceLocation)
      }
    }
    for index in networks.indices {
      try expectUnheard(index, at: [eth0, eth1], comment, sourceLocation: sourceLocation)
    }
  }

  /// Neighbours hear nothing of what `nic` sends with `tags`.
  private func expectDeaf(
    from nic: NIC, tags: [Frame.Tag], _ comment: String, sourceLocation: SourceLocation
  ) throws {
    try nic.send(Frame(to: .broadcast, from: nic.mac, tags: tags, "nobody hears this"))
    for (listener, other) in zip(neighbour, witness) {
      try listener.expectNothing(
        sentinelFrom: other, "from \(nic.port), tags \(tags): \(comment)", sourceLocation: sourceLocation)
    }
  }

  /// `deaf` hear nothing of a network; `heard`, if given, does, with these tags. Twice, because a frame that a witness has heard
  /// says that the one before it has been everywhere.
  private func expectUnheard(
    _ index: Int, at deaf: [NIC], heard: (nic: NIC, tags: [Frame.Tag])? = nil, _ comment: String,
    sourceLocation: SourceLocation
  ) throws {
    for time in ["first", "second"] {
      let frame = Frame(to: .broadcast, from: neighbour[index].mac, "\(time) of network \(index)")
      try neighbour[index].send(frame)
      try witness[index].expect(frame, comment, sourceLocation: sourceLocation)
      try heard?.nic.expect(frame.with(tags: heard?.tags ?? []), comment, sourceLocation: sourceLocation)
    }
    for nic in deaf {
      while let frame = try nic.next(within: .zero) {
        Issue.record("\(nic.name) hears \(frame): \(comment)", sourceLocation: sourceLocation)
      }
    }
  }

  private func expectPorts(
    _ shown: ClientDevice, _ mode: Mode, _ comment: String, on port: String = "", _ attached: Set<String> = [],
    native: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var wanted: [String: ClientDevice.Port] = [
      "bond0": .init(bonded: mode != .layer2Individual), "eth0": .init(bonded: mode != .layer2Individual),
      "eth1": .init(bonded: mode == .layer3 || mode == .layer2Bonded),
    ]
    wanted[port]?.networks = attached
    wanted[port]?.native = native
    #expect(shown.ports == wanted, "\(comment)", sourceLocation: sourceLocation)
  }
}

extension Machine {
  /// A server whose NICs are on the lab's host.
  static func onHost(of lab: Lab, _ name: String) throws -> Machine {
    guard let host = lab.host else { throw HarnessError("the lab has no host") }
    return try Machine(
      in: lab, name: name, namespace: host, device: lab.toprack.json("server", "show", name), prefix: "\(name)-")
  }
}
