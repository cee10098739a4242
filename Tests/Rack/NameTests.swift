import FoundationEssentials
import Rack
import Testing

@Suite("Names") struct NameTests {
  static let good = [
    "a", "web1", "WEB-1", "0", "db.example.com", "a-b.c-d", String(repeating: "x", count: 63),
  ]
  static let bad = [
    "", "-a", "a-", ".", "..", "a.", ".a", "a..b", "a.-b", "a-.b", "a/b", "../etc/passwd", "a b", "a\nb", "a\0b", "ä",
    "a_b", "web1\u{7F}", "日本", String(repeating: "x", count: 64), String(repeating: "x", count: 300),
  ]

  @Test(
    "what turns the direction of a line, or ends it, is in no name", arguments: ["\u{202E}", "\u{2028}", "\u{2066}"])
  func directions(_ mark: String) throws {
    var lab = Lab()
    let refusal = #expect(throws: Refusal.self) {
      try lab.perform(.createProject(name: "a\(mark)b", customdata: "{}"))
    }
    #expect(refusal?.description.contains("without controls") == true)
    #expect(refusal?.description.contains(mark) == false)
    _ = try lab.perform(.createProject(name: "شرکت ‌👩‍💻", customdata: "{}"))
  }

  @Test("hostnames of 1 to 63 letters, digits, dots and hyphens are taken", arguments: good)
  func takes(_ name: String) throws {
    var lab = Lab()
    try lab.server(name)
    #expect(lab.rack.server(named: name.uppercased())?.hostname == name)
    #expect(lab.faults() == [])
  }

  @Test("other hostnames are refused with one line that says the rule", arguments: bad)
  func refuses(_ name: String) {
    var lab = Lab()
    let refusal = #expect(throws: Refusal.self) { try lab.server(name) }
    #expect(refusal?.messages.count == 1)
    #expect(refusal?.description.contains("1 to 63 letters") == true)
    #expect(refusal?.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } == true)
    #expect((refusal?.description.count ?? 0) < 300)
  }

  @Test(
    "a namespace may have any name that a file can have",
    arguments: ["a", "a b", "ü", "-", "...", String(repeating: "n", count: 255)])
  func takesNamespace(_ name: String) throws {
    var lab = Lab()
    try lab.server("web1", place: .namespace(name, made: true))
    #expect(lab["web1"].place == .namespace(name, made: true))
  }

  @Test("and no other", arguments: ["", ".", "..", "a/b", "/", "a\nb", "a\0b", String(repeating: "n", count: 256)])
  func refusesNamespace(_ name: String) {
    var lab = Lab()
    let refusal = #expect(throws: Refusal.self) { try lab.server("web1", place: .namespace(name, made: false)) }
    #expect(refusal?.description.contains("1 to 255 bytes") == true)
  }

  @Test("a server without a name gets one of its own")
  func makesUpNames() throws {
    var lab = Lab()
    for _ in 0..<50 {
      try lab.perform(
        .createServer(
          ServerRequest(
            hostname: nil, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: lab.project,
            place: .host)))
    }
    #expect(Set(lab.rack.servers.values.map(\.hostname)).count == 50)
    #expect(lab.rack.servers.values.allSatisfy { $0.hostname == "server-\($0.id.short)" })
    #expect(lab.faults() == [])
  }

  @Test("a deleted server's name and namespace are free at once")
  func freesNames() throws {
    var lab = Lab()
    let id = try lab.server("web1", place: .namespace("lab", made: true))
    try lab.perform(.deleteServer(id))
    #expect(lab.rack.server(named: "web1") == nil)
    try lab.server("web1", place: .namespace("lab", made: true))
    #expect(lab.faults() == [])
  }

  @Test("the rack takes 5000 servers and says so to the next")
  func serverLimit() throws {
    var entropy = SeededEntropy(seed: 5)
    var rack = Rack(with: &entropy)
    let project = rack.project(named: "default")!.id
    func request(_ number: Int) -> Command {
      let facility = Catalogue.facilities[number % Catalogue.facilities.count].code
      return .createServer(
        ServerRequest(
          hostname: "s\(number)", plan: "c3.small.x86", facility: facility, operatingSystem: "debian_12",
          project: project, place: .host))
    }
    for number in 0..<Rack.serverLimit { try rack.perform(request(number), with: &entropy) }
    let refusal = #expect(throws: Refusal.self) { try rack.perform(request(Rack.serverLimit), with: &entropy) }
    #expect(refusal?.description.contains("5000") == true)
    #expect(rack.checkInvariants() == [])
  }

  @Test("MAC addresses are local, unicast, and two different ones per server, however bad the random numbers")
  func macAddresses() throws {
    struct Stuck: Entropy {
      var inner = SeededEntropy(seed: 3)
      mutating func identifier() -> UUID { inner.identifier() }
      func bits48() -> UInt64 { 0xFFFF_FFFF_FFFF }
      var now: Date { inner.now }
    }
    var entropy = Stuck()
    var rack = Rack(with: &entropy)
    for number in 0..<100 {
      try rack.perform(
        .createServer(
          ServerRequest(
            hostname: "s\(number)", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
            project: rack.project(named: "default")!.id, place: .host)), with: &entropy)
    }
    let macs = rack.servers.values.flatMap { [$0.eth0.mac!, $0.eth1.mac!] }
    #expect(Set(macs).count == 200)
    #expect(rack.checkInvariants() == [])
  }
}
