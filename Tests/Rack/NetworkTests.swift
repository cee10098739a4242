import Cabling
import Rack
import Testing

@Suite("Virtual networks") struct NetworkTests {
  @Test("automatic numbers are the lowest free ones from 1000 on, per facility")
  func automaticNumbers() throws {
    var lab = Lab()
    try lab.network(1001)
    let first = try lab.network()
    let second = try lab.network()
    let elsewhere = try lab.network(facility: "ams1")
    #expect([first, second, elsewhere].map { lab.rack.networks[$0]?.vxlan } == [1000, 1002, 1000])
    try lab.perform(.deleteNetwork(first))
    let third = try lab.network()
    #expect(lab.rack.networks[third]?.vxlan == 1000)
  }

  @Test("2 and 3999 are valid numbers", arguments: [2, 3999])
  func bounds(_ number: Int) throws {
    var lab = Lab()
    let id = try lab.network(number)
    #expect(lab.rack.network(numbered: number, facility: "ewr1", project: lab.project)?.id == id)
  }

  @Test("the same number in another facility is another network, and each server gets its own")
  func sameNumberElsewhere() throws {
    var lab = Lab()
    let (here, there) = (try lab.network(1001), try lab.network(1001, facility: "sjc1"))
    try lab.server("web1", mode: .hybrid)
    try lab.server("web2", facility: "sjc1", mode: .hybrid)
    try lab.attach(1001, to: .eth1, of: "web1")
    try lab.attach(1001, to: .eth1, of: "web2")
    #expect(lab["web1"].eth1.networks == [here])
    #expect(lab["web2"].eth1.networks == [there])
  }

  @Test("one network may be on several ports of a server, and on several servers")
  func severalPorts() throws {
    var lab = Lab()
    let id = try lab.network(1001)
    for name in ["web1", "web2"] {
      try lab.server(name, mode: .layer2Individual)
      try lab.attach(1001, to: .eth0, of: name)
      try lab.attach(1001, to: .eth1, of: name)
    }
    #expect(
      lab.rack.ports(carrying: id).map { "\($0.server.hostname) \($0.port.name.rawValue)" }
        == ["web1 eth0", "web1 eth1", "web2 eth0", "web2 eth1"])
    #expect(lab.faults() == [])
  }

  @Test("a deleted server's networks are free at once")
  func deletingServerFrees() throws {
    var lab = Lab()
    let id = try lab.server("web1", mode: .layer2Individual)
    let network = try lab.network(1001)
    try lab.attach(1001, to: .eth0, of: "web1")
    try lab.perform(.deleteServer(id))
    try lab.perform(.deleteNetwork(network))
    #expect(lab.faults() == [])
  }

  @Test("references are read as number or identifier, and nothing else")
  func references() throws {
    let id = NetworkID("0123ABCD-0123-4567-89ab-0123456789ab")!
    #expect(NetworkReference("1001") == .number(1001))
    #expect(NetworkReference("0") == .number(0))
    #expect(NetworkReference("0123abcd-0123-4567-89ab-0123456789ab") == .id(id))
    for text in ["", "+1", "-1", "1.0", "0x10", " 1001", "1001 ", "web", "１００１", "99999999999999999999999"] {
      #expect(NetworkReference(text) == nil, "\(text)")
    }
  }

  // MARK: Tagging

  @Test("one network is untagged, two or more are tagged, none is dark")
  func tagging() throws {
    var lab = Lab()
    try lab.server("web1", mode: .hybrid)
    let (a, b) = (try lab.network(1001), try lab.network(1002))
    #expect(role(of: .eth1, in: lab) == .dark)
    try lab.attach(1001, to: .eth1, of: "web1")
    #expect(role(of: .eth1, in: lab) == .switched(untagged: a, tagged: []))
    try lab.attach(1002, to: .eth1, of: "web1")
    #expect(role(of: .eth1, in: lab) == .switched(untagged: nil, tagged: [a, b]))
    try lab.detach(1001, from: .eth1, of: "web1")
    #expect(role(of: .eth1, in: lab) == .switched(untagged: b, tagged: []))
    try lab.detach(1002, from: .eth1, of: "web1")
    #expect(role(of: .eth1, in: lab) == .dark)
  }

  @Test(
    "a native network is untagged beside tagged ones, on a NIC and on a layer-2 bond",
    arguments: [PortName.eth1, .bond0])
  func native(_ port: PortName) throws {
    var lab = Lab()
    try lab.server("web1", mode: port == .bond0 ? .layer2Bonded : .hybrid)
    var ids: [Int: NetworkID] = [:]
    for number in [1001, 1002, 1003] {
      ids[number] = try lab.network(number)
      try lab.attach(number, to: port, of: "web1")
    }
    let (a, b, c) = (ids[1001]!, ids[1002]!, ids[1003]!)
    try lab.native(1002, on: port, of: "web1")
    #expect(role(of: port, in: lab) == .switched(untagged: b, tagged: [a, c]))

    // Another one replaces it; the same one again is no change.
    try lab.native(1003, on: port, of: "web1")
    #expect(role(of: port, in: lab) == .switched(untagged: c, tagged: [a, b]))
    #expect(try !lab.perform(.setNative(lab.port(port, of: "web1"), .id(c))).changed)

    // Without it all are tagged again; none when there is none is no change.
    try lab.native(nil, on: port, of: "web1")
    #expect(role(of: port, in: lab) == .switched(untagged: nil, tagged: [a, b, c]))
    #expect(try !lab.perform(.setNative(lab.port(port, of: "web1"), nil)).changed)
    #expect(lab.faults() == [])
  }

  @Test("detaching others leaves the native network untagged, alone and when another comes again")
  func nativeStays() throws {
    var (lab, a, b, c) = try threeWithNative(1001)
    try lab.detach(1002, from: .eth1, of: "web1")
    #expect(role(of: .eth1, in: lab) == .switched(untagged: a, tagged: [c]))
    try lab.detach(1003, from: .eth1, of: "web1")
    #expect(role(of: .eth1, in: lab) == .switched(untagged: a, tagged: []))
    #expect(lab["web1"].eth1.native == a)
    try lab.attach(1002, to: .eth1, of: "web1")
    #expect(role(of: .eth1, in: lab) == .switched(untagged: a, tagged: [b]))
  }

  @Test(
    "the single network that is left can be stated native again, and not native any more without a change on the wire")
  func nativeOfSingle() throws {
    var (lab, a, _, _) = try threeWithNative(1001)
    try lab.detach(1002, from: .eth1, of: "web1")
    try lab.detach(1003, from: .eth1, of: "web1")
    #expect(try !lab.perform(.setNative(lab.port(.eth1, of: "web1"), .id(a))).changed)
    let outcome = try lab.perform(.setNative(lab.port(.eth1, of: "web1"), nil))
    #expect(outcome.changed)
    #expect(lab.change.isEmpty)
  }

  @Test("detaching the native network clears it: several left are tagged, a single one left is untagged")
  func nativeGoes() throws {
    var (lab, _, b, c) = try threeWithNative(1001)
    try lab.detach(1001, from: .eth1, of: "web1")
    #expect(lab["web1"].eth1.native == nil)
    #expect(role(of: .eth1, in: lab) == .switched(untagged: nil, tagged: [b, c]))
    try lab.native(1002, on: .eth1, of: "web1")
    try lab.detach(1002, from: .eth1, of: "web1")
    #expect(lab["web1"].eth1.native == nil)
    #expect(role(of: .eth1, in: lab) == .switched(untagged: c, tagged: []))
    #expect(lab.faults() == [])
  }

  private func threeWithNative(_ native: Int) throws -> (Lab, NetworkID, NetworkID, NetworkID) {
    var lab = Lab()
    try lab.server("web1", mode: .hybrid)
    let ids = (try lab.network(1001), try lab.network(1002), try lab.network(1003))
    for number in [1001, 1002, 1003] { try lab.attach(number, to: .eth1, of: "web1") }
    try lab.native(native, on: .eth1, of: "web1")
    return (lab, ids.0, ids.1, ids.2)
  }

  private func role(of port: PortName, in lab: Lab) -> PortWiring.Role? {
    lab["web1"].wiring.first { $0.name == port }?.role
  }
}
