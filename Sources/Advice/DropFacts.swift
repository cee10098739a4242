// The facts of the rack that an advice is made of.

public import Net
public import Rack

/// Where a frame was dropped, as the rack is now. A value: advice is a function of it.
public struct DropFacts: Hashable, Sendable {
  /// What people call the place: `web2 eth0`, `uplink/toprack0`.
  public var place: String
  /// Nil where the NIC is no server's, or its server is gone.
  public var server: ServerFacts?

  public init(place: String, server: ServerFacts? = nil) { (self.place, self.server) = (place, server) }

  /// The server that a NIC belongs to.
  public struct ServerFacts: Hashable, Sendable {
    /// As commands take it: the hostname, or PROJECT/NAME where others have it too.
    public var name: String
    public var nic: PortName
    /// The port that the NIC belongs to: itself, or bond0.
    public var port: PortName
    public var isPoweredOn: Bool
    public var isRouted: Bool
    /// What the port carries, by number.
    public var networks: [Network]
    /// Networks that could be put on the port and are not: by number, with the port of the server that has them.
    public var others: [Int: PortName?]
    public var facility: String
    /// Of the server's, as the rack knows it.
    public var mtu: Int
    /// What its own system has set the interface to; nil: nobody knows.
    public var interfaceMTU: Int?
    /// What the interface is called where it is.
    public var interface: String
    /// Whether that is a network namespace, where `toprack server shell` leads.
    public var isInNamespace: Bool
    /// What the server may send from: its addresses and elastic blocks.
    public var addresses: [IPPrefix]
  }

  public struct Network: Hashable, Sendable {
    public var number: Int
    public var isTagged: Bool

    public init(_ number: Int, isTagged: Bool) { (self.number, self.isTagged) = (number, isTagged) }
  }

  /// Of a server's NIC. `interface`: what it is called now; `interfaceMTU`: what its system has set it to.
  public init(
    of nic: PortName, _ server: Server, in rack: Rack, interface: String? = nil, interfaceMTU: Int? = nil
  ) {
    let port = server[nic].bonded ? PortName.bond0 : nic
    let carried = Set(server[port].networks)
    let isAlone = rack.servers(named: server.hostname).count == 1
    let project = rack.projects[server.project]?.name
    let networks = server[port].networks.compactMap { id in
      rack.networks[id].map { Network($0.vxlan, isTagged: server.form(of: id, on: port).isTagged) }
    }
    var others: [Int: PortName?] = [:]
    for network in rack.networks.values
    where network.project == server.project && network.place.reaches(facility: server.facility)
      && !carried.contains(network.id)
    {
      let holder = server.ports.first { $0.networks.contains(network.id) }?.name
      others.updateValue(holder ?? others[network.vxlan] ?? nil, forKey: network.vxlan)
    }
    for network in networks { others[network.number] = nil }
    self.init(
      place: "\(server.hostname) \(nic.rawValue)",
      server: ServerFacts(
        name: isAlone ? server.hostname : "\(project ?? "")/\(server.hostname)", nic: nic, port: port,
        isPoweredOn: server.isPoweredOn, isRouted: server.isRouted(port),
        networks: networks.sorted { $0.number < $1.number }, others: others, facility: server.facility,
        mtu: server.mtu, interfaceMTU: interfaceMTU,
        interface: interface ?? (server.place.namespace == nil ? "\(server.hostname)-\(nic)" : server.nicNames[nic]),
        isInNamespace: server.place.namespace != nil,
        addresses: server.addresses.map(\.host) + server.blocks.map(\.block)))
  }
}

extension DropFacts.ServerFacts {
  var untagged: Int? { networks.first { !$0.isTagged }?.number }
  var tagged: [Int] { networks.filter(\.isTagged).map(\.number) }
  /// `web2 eth0`.
  var portText: String { "\(name) \(port.rawValue)" }
  /// The port as commands take it.
  var portWords: String { "\(ShellWord.quoted(name)) \(port.rawValue)" }
  var word: String { ShellWord.quoted(name) }

  /// `which has VLANs 1001 and 1002 tagged`, `which has no VLAN`.
  var holding: String {
    let tagged = tagged.isEmpty ? nil : "\(Phrase.vlans(self.tagged)) tagged"
    let plain = untagged.map { "\(Phrase.vlans([$0])) untagged" }
    return "which has \([plain, tagged].compactMap(\.self).joined(separator: " and "))"
  }
}

/// Lists and numbers as a sentence has them.
enum Phrase {
  /// `a`, `a and b`, `a, b and c`; of many the first eight.
  static func list(_ words: [String]) -> String {
    let limit = 8
    if words.count > limit { return words.prefix(limit).joined(separator: ", ") + " and \(words.count - limit) more" }
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }

  static func vlans(_ numbers: [Int]) -> String {
    "\(numbers.count == 1 ? "VLAN" : "VLANs") \(list(numbers.map { "\($0)" }))"
  }
}

/// A word as a shell takes it.
enum ShellWord {
  static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "-_./:@".utf8.contains(byte)
    }
    return isPlain && !word.isEmpty ? word : "'\(word.replacing("'", with: #"'\''"#))'"
  }
}
