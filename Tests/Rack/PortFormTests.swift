import Rack
import Testing

/// The product's one rule, over all modes, and that the wire follows it.
@Suite("Forms of networks on ports") struct PortFormTests {
  /// A port that takes networks, in a mode.
  struct Place: Sendable, CustomTestStringConvertible {
    let mode: NetworkMode, port: PortName
    var testDescription: String { "\(port.rawValue) in \(mode.rawValue)" }
    static let all = NetworkMode.allCases.flatMap { mode in
      mode.switchedPorts.map { Place(mode: mode, port: $0) }
    }
  }

  /// What is on the port: networks in order, and whether the first is native.
  struct Row: Sendable, CustomTestStringConvertible {
    let isRouted: Bool, count: Int, native: Bool, forms: [Port.Form]
    var testDescription: String { "\(count)\(native ? ", one native" : "")" }

    static let all = [
      Row(isRouted: false, count: 0, native: false, forms: []),
      Row(isRouted: false, count: 1, native: false, forms: [.untagged]),
      Row(isRouted: false, count: 1, native: true, forms: [.native]),
      Row(isRouted: false, count: 2, native: false, forms: [.tagged, .tagged]),
      Row(isRouted: false, count: 2, native: true, forms: [.native, .tagged]),
      Row(isRouted: false, count: 3, native: false, forms: [.tagged, .tagged, .tagged]),
      Row(isRouted: false, count: 3, native: true, forms: [.native, .tagged, .tagged]),
      Row(isRouted: true, count: 1, native: false, forms: [.tagged]),
      Row(isRouted: true, count: 2, native: false, forms: [.tagged, .tagged]),
      Row(isRouted: true, count: 3, native: false, forms: [.tagged, .tagged, .tagged]),
    ]
  }

  @Test("follow the table in every mode, and so does the wire", arguments: Place.all, Row.all)
  func table(_ place: Place, _ row: Row) throws {
    guard row.isRouted == (place.mode == .hybridBonded) else { return }
    var lab = Lab(hybridBonded: true)
    let server = try lab.server("web1", mode: place.mode == .hybridBonded ? .layer3 : place.mode)
    for number in 0..<max(row.count, row.native ? 2 : 0) {
      try lab.network(1000 + number)
      try lab.attach(1000 + number, to: place.port, of: "web1")
    }
    if row.native { try lab.native(1000, on: place.port, of: "web1") }
    // A native network is alone only when the others have left.
    if row.native, row.count == 1 { try lab.detach(1001, from: place.port, of: "web1") }

    let web = lab["web1"]
    #expect(web.mode == place.mode && web.isRouted(place.port) == row.isRouted)
    let networks = web[place.port].networks
    let forms = networks.map { web.form(of: $0, on: place.port) }
    #expect(forms == row.forms)

    let role = try #require(web.wiring.first { $0.name == place.port }).role
    let tagged = Set(zip(networks, forms).filter { $1 == .tagged }.map(\.0))
    let untagged = zip(networks, forms).filter { $1 != .tagged }.map(\.0)
    #expect(untagged.count <= 1)
    switch role {
    case .dark: #expect(row.count == 0)
    case .routed(let ids): #expect(row.isRouted && ids == tagged && untagged.isEmpty)
    case .switched(let id, let ids): #expect(!row.isRouted && id == untagged.first && ids == tagged)
    }
    #expect(lab.rack.servers[server] == web && lab.faults() == [])
  }

  @Test("bond0 is routed in layer 3, and no other port ever", arguments: NetworkMode.settable)
  func routed(_ mode: NetworkMode) throws {
    var lab = Lab()
    try lab.server("web1", mode: mode)
    let web = lab["web1"]
    #expect(PortName.allCases.filter(web.isRouted) == (mode.layer == 3 ? [.bond0] : []))
    #expect(web.wiring.filter(\.role.isRouted).map(\.name) == (mode.layer == 3 ? [.bond0] : []))
  }

  @Test("networks that a broken bond remembers keep their forms")
  func remembered() throws {
    var lab = Lab()
    try lab.server("web1", mode: .layer2Bonded)
    for number in [1001, 1002] {
      try lab.network(number)
      try lab.attach(number, to: .bond0, of: "web1")
    }
    try lab.native(1002, on: .bond0, of: "web1")
    try lab.perform(.disbond(lab.port(.bond0, of: "web1"), bulk: false))
    let web = lab["web1"]
    #expect(web.wiring.map(\.role) == [.dark, .dark])
    #expect(web.bond0.networks.map { web.form(of: $0, on: .bond0) } == [.tagged, .native])
  }
}
