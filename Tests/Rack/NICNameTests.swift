import Cabling
import Rack
import Testing

@Suite("Names of NICs inside a namespace") struct NICNameTests {
  private static let space = PlaceRequest.namespace("n2", made: false)

  @Test("two names of a kernel's interfaces are taken, and ports keep theirs")
  func taken() throws {
    var lab = Lab()
    for names in [
      NICNames(eth0: "eth1", eth1: "eth2"), NICNames(eth0: "e1-1", eth1: "e1-2"), NICNames(eth0: "a", eth1: "..a"),
      NICNames(eth0: String(repeating: "x", count: 15), eth1: "Gi0_0.7"), NICNames(eth0: "eth1", eth1: "eth0"),
    ] {
      let id = try lab.server("n2", place: Self.space, nicNames: names)
      #expect(lab["n2"].nicNames == names && lab["n2"].ports.map(\.name) == PortName.allCases)
      #expect(lab.faults() == [])
      try lab.perform(.deleteServer(id))
    }
    try lab.server("n2", place: Self.space)
    #expect(lab["n2"].nicNames == NICNames(eth0: "eth0", eth1: "eth1"))
  }

  @Test(
    "others are refused in one line that says the rule",
    arguments: [
      ("lo", "lo"), ("bond0", "bond0"), (".", "\".\""), ("..", "\"..\""), ("all", "all"), ("default", "default"),
      ("", "has 0 bytes"), ("a/b", "not valid"), ("a:b", "not valid"), ("a b", "not valid"), ("a\tb", "not valid"),
      ("a\nb", "not valid"), ("eth%d", "not valid"), ("-a", "not valid"), ("ä", "not valid"), ("a\0", "not valid"),
      (String(repeating: "x", count: 16), "has 16 bytes"), (String(repeating: "x", count: 5000), "has 5000 bytes"),
    ])
  func refused(_ name: String, _ says: String) throws {
    var lab = Lab()
    for names in [NICNames(eth0: name), NICNames(eth1: name)] {
      let refusal = #expect(throws: Refusal.self) { try lab.server("n2", place: Self.space, nicNames: names) }
      #expect(refusal?.messages.count == 1, "\(refusal?.messages ?? [])")
      let text = refusal?.description ?? ""
      #expect(text.contains(says) && text.contains("valid are 1 to 15 letters"), "\(text)")
      #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 } && text.utf8.count < 320, "\(text)")
    }
    try lab.server("n2", place: Self.space)
    var update = ServerUpdate()
    update.nicNames = NICNames(eth0: name)
    #expect(throws: Refusal.self) { try lab.perform(.updateServer(lab["n2"].id, update)) }
  }

  @Test("one name for both, and names on the host, are refused")
  func places() throws {
    var lab = Lab()
    let twice = #expect(throws: Refusal.self) {
      try lab.server("n2", place: Self.space, nicNames: NICNames(eth0: "eth1"))
    }
    #expect(twice?.description.contains("\"eth1\" is given to eth0 and to eth1") == true)
    let host = #expect(throws: Refusal.self) { try lab.server("n2", nicNames: NICNames(eth0: "a", eth1: "b")) }
    #expect(host?.description.contains("inside a network namespace (netns)") == true)
    try lab.server("n2")
    var update = ServerUpdate()
    update.nicNames = NICNames()
    #expect(throws: Refusal.self) { try lab.perform(.updateServer(lab["n2"].id, update)) }
  }

  @Test("other names later are a step of the wire, and the same ones are none")
  func renamed() throws {
    var lab = Lab()
    let id = try lab.server("n2", place: Self.space)
    var update = ServerUpdate()
    update.nicNames = NICNames(eth0: "eth1", eth1: "eth2")
    try lab.perform(.updateServer(id, update))
    #expect(lab.change.names == [id: update.nicNames!] && lab.change.rewired.isEmpty)
    #expect(try !lab.perform(.updateServer(id, update)).changed)
    #expect(lab["n2"].nicNames == update.nicNames)
  }

  @Test("VLANs on interfaces with long names are called otherwise, and never alike")
  func stems() {
    func stems(_ eth0: String, _ eth1: String) -> [String] {
      let names = NICNames(eth0: eth0, eth1: eth1)
      return PortName.allCases.map(names.stem(of:))
    }
    #expect(stems("eth1", "eth2") == ["bond0", "eth1", "eth2"])
    #expect(stems("0123456789", "ethernet-1-1") == ["bond0", "0123456789", "nic1"])
    #expect(stems("ethernet-1-0", "ethernet-1-1") == ["bond0", "nic0", "nic1"])
    #expect(stems("nic1", "ethernet-1-1") == ["bond0", "nic1", "port1"])
  }

  @Test("a port is found by its own name first, then by that of its interface")
  func found() throws {
    var lab = Lab()
    try lab.server("n2", place: Self.space, nicNames: NICNames(eth0: "eth1", eth1: "eth2"))
    let server = lab["n2"]
    #expect(["bond0", "eth0", "eth1", "eth2"].map(server.port(named:)) == [.bond0, .eth0, .eth1, .eth1])
    #expect(server.port(named: "eth3") == nil && server.port(named: "") == nil)
  }
}
