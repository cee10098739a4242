import Cabling
import Rack
import Testing

@Suite("What LACP knows a server by") struct LACPTests {
  @Test("servers get the lowest number that is free, and keep it")
  func numbers() throws {
    var lab = Lab()
    for name in ["a", "b", "c"] { try lab.server(name) }
    #expect(["a", "b", "c"].map { lab[$0].number } == [1, 2, 3])
    try lab.perform(.deleteServer(lab["b"].id))
    try lab.server("d")
    try lab.server("e")
    #expect(["a", "c", "d", "e"].map { lab[$0].number } == [1, 3, 2, 4])
    for mode in NetworkMode.settable + [.layer3] { try lab.perform(.setMode(lab["c"].id, mode)) }
    #expect(lab["c"].number == 3)
    #expect(lab.faults() == [])
  }

  @Test("the key is the number, and each NIC of the rack has a port number of its own")
  func names() throws {
    var lab = Lab()
    for number in 1...20 { try lab.server("s\(number)") }
    let servers = lab.rack.servers.values.sorted { $0.number < $1.number }
    #expect(servers.map(\.lacpKey) == Array(1...20))
    #expect(servers.flatMap { [$0.lacpPort(.eth0), $0.lacpPort(.eth1)] } == Array(1...40))
    let last = Server.numbers.upperBound
    #expect(last == Rack.serverLimit && UInt16(exactly: 2 * last) != nil)
  }

  @Test("two servers with one number, and a number out of range, are named as violations")
  func violations() throws {
    var lab = Lab()
    try lab.server("a")
    try lab.server("b")
    for number in [1, 0, Rack.serverLimit + 1] {
      var rack = Rack(empty: lab.rack.id)
      for record in lab.rack.records {
        guard case .server(let server, _) = record, server.hostname == "b" else {
          rack.apply([record])
          continue
        }
        rack.apply([.server(server.numbered(number), replacing: nil)])
      }
      #expect(rack.checkInvariants().contains { $0.contains("number \(number) is") }, "\(number)")
    }
  }

  @Test("the rate is slow in a new rack unless asked otherwise, and setting what is set changes nothing")
  func rate() throws {
    var lab = Lab()
    #expect(!lab.rack.lacpFast)
    #expect(try !lab.perform(.setLACPRate(fast: false)).changed)
    try lab.perform(.setLACPRate(fast: true))
    #expect(lab.change.lacpFast == true)
    #expect(lab.rack.lacpFast)
    #expect(try !lab.perform(.setLACPRate(fast: true)).changed)
    var copy = Rack(empty: lab.rack.id)
    copy.apply(lab.rack.records)
    #expect(copy == lab.rack && copy.lacpFast)
    #expect(Rack(with: &lab.entropy, lacpFast: true).lacpFast)
  }
}

extension Server {
  /// The same with another number, as a damaged file could have it.
  fileprivate func numbered(_ number: Int) -> Server {
    Server(
      id: id, number: number, hostname: hostname, plan: plan, facility: facility, operatingSystem: operatingSystem,
      project: project, place: place, layer: layer, bond0: bond0, eth0: eth0, eth1: eth1, addresses: addresses,
      lastHeld: lastHeld, mtu: mtu, createdAt: createdAt)
  }
}
