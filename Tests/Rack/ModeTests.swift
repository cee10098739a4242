import Cabling
import Rack
import Testing

/// Every change of mode, and what becomes of the bond, the addresses and the wire.
@Suite("Network modes") struct ModeTests {
  struct Conversion: Sendable, CustomTestStringConvertible {
    let from: NetworkMode, to: NetworkMode
    var testDescription: String { "\(from.rawValue) to \(to.rawValue)" }
    static let all = NetworkMode.settable.flatMap { from in
      NetworkMode.settable.map { Conversion(from: from, to: $0) }
    }
  }

  @Test(
    "each of the twelve changes ends in the mode; the mode that is there already is no change",
    arguments: Conversion.all)
  func converts(_ conversion: Conversion) throws {
    var lab = Lab()
    let id = try lab.server("web1", mode: conversion.from)
    let before = lab["web1"]
    #expect(before.mode == conversion.from)

    let outcome = try lab.perform(.setMode(id, conversion.to))
    let after = lab["web1"]
    #expect(outcome.subject == .server(id))
    #expect(outcome.changed == (conversion.from != conversion.to))
    // One step: a single transaction on the server's ports.
    var only = WireChange()
    if outcome.changed { only.rewired[id] = ServerImage(of: after, Lab.plan) }
    #expect(lab.change == only)
    #expect(after.mode == conversion.to)
    #expect(after.members == conversion.to.members)
    #expect(after.bond0.bonded == !conversion.to.members.isEmpty)

    switch (conversion.from.layer, conversion.to.layer) {
    case (3, 3), (2, 2): #expect(after.addresses == before.addresses)
    case (3, 2): #expect(after.addresses.isEmpty)
    default:
      #expect(Set(after.addresses.map(\.kind)) == Set(Address.Kind.allCases))
      for address in after.addresses { #expect(after.lastHeld[address.kind] != address.network) }
    }
    #expect(lab.faults() == [])
  }

  struct Wired: Sendable, CustomTestStringConvertible {
    let mode: NetworkMode
    let ports: [PortWiring]
    var testDescription: String { mode.rawValue }
    static let all = [
      Wired(mode: .layer3, ports: [PortWiring(name: .bond0, members: [.eth0, .eth1], role: .routed(tagged: []))]),
      Wired(
        mode: .hybrid,
        ports: [
          PortWiring(name: .bond0, members: [.eth0], role: .routed(tagged: [])),
          PortWiring(name: .eth1, members: [.eth1], role: .dark),
        ]),
      Wired(mode: .layer2Bonded, ports: [PortWiring(name: .bond0, members: [.eth0, .eth1], role: .dark)]),
      Wired(
        mode: .layer2Individual,
        ports: [
          PortWiring(name: .eth0, members: [.eth0], role: .dark),
          PortWiring(name: .eth1, members: [.eth1], role: .dark),
        ]),
    ]
  }

  @Test("each mode without networks has its ports on the wire", arguments: Wired.all)
  func wires(_ wired: Wired) throws {
    var lab = Lab()
    try lab.server("web1", mode: wired.mode)
    #expect(lab["web1"].wiring == wired.ports)
  }

  @Test("networks that the new mode carries on the same port stay, in order and with the native one")
  func keepsNetworks() throws {
    var lab = Lab()
    let id = try lab.server("web1", mode: .hybrid)
    for number in [1001, 1002, 1003] {
      try lab.network(number)
      try lab.attach(number, to: .eth1, of: "web1")
    }
    try lab.native(1002, on: .eth1, of: "web1")
    let eth1 = lab["web1"].eth1
    for mode in [NetworkMode.layer2Individual, .hybrid] {
      try lab.perform(.setMode(id, mode))
      #expect(lab["web1"].eth1 == eth1)
      #expect(lab.faults() == [])
    }
  }

  @Test("networks remembered on a broken bond come back with layer2-bonded")
  func remembersNetworksOfTheBond() throws {
    var lab = Lab()
    let id = try lab.server("web1", mode: .layer2Bonded)
    let network = try lab.network(1001)
    try lab.attach(1001, to: .bond0, of: "web1")
    try lab.perform(.disbond(lab.port(.bond0, of: "web1"), bulk: false))
    #expect(lab["web1"].mode == .layer2Individual)
    #expect(lab["web1"].wiring.map(\.role) == [.dark, .dark])
    try lab.perform(.setMode(id, .layer2Bonded))
    #expect(
      lab["web1"].wiring == [
        PortWiring(name: .bond0, members: [.eth0, .eth1], role: .switched(untagged: network, tagged: []))
      ])
  }

  @Test("a half-broken layer-2 bond counts as layer2-bonded, and can be taken on to each mode")
  func leavesPassingStates() throws {
    for mode in NetworkMode.settable {
      var lab = Lab()
      let id = try lab.server("web1", mode: .layer2Bonded)
      try lab.perform(.disbond(lab.port(.eth0, of: "web1"), bulk: false))
      #expect(lab["web1"].mode == .layer2Bonded)
      let outcome = try lab.perform(.setMode(id, mode))
      #expect(outcome.changed)
      #expect(lab["web1"].mode == mode)
      #expect(lab["web1"].members == mode.members)
      #expect(lab.faults() == [])
    }
  }

  @Test("a layer-3 server without a bond counts as hybrid, and hybrid puts eth0 back")
  func mendsTheBond() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    try lab.perform(.disbond(lab.port(.bond0, of: "web1"), bulk: false))
    #expect(lab["web1"].mode == .hybrid)
    #expect(try lab.perform(.setMode(id, .hybrid)).changed)
    #expect(lab["web1"].members == [.eth0])
  }

  @Test("a hybrid server with eth1 in the bond is hybrid and stays so")
  func eitherNICMayLeave() throws {
    var lab = Lab()
    let id = try lab.server("web1")
    try lab.network(1001)
    try lab.perform(.disbond(lab.port(.eth0, of: "web1"), bulk: false))
    try lab.attach(1001, to: .eth0, of: "web1")
    #expect(lab["web1"].mode == .hybrid)
    #expect(try !lab.perform(.setMode(id, .hybrid)).changed)
    #expect(lab["web1"].members == [.eth1])
  }

  @Test("new servers begin as their plan says", arguments: Catalogue.plans)
  func begins(_ plan: Plan) throws {
    var lab = Lab()
    let id = try lab.server("web1", plan: plan.slug)
    let server = lab["web1"]
    #expect(server.mode == (plan.slug == "x1.small.x86" ? .hybrid : .layer3))
    #expect(server.addresses.map(\.kind) == Address.Kind.allCases)
    for mode in NetworkMode.allCases {
      if plan.modes.contains(mode) {
        try lab.perform(.setMode(id, mode))
        #expect(lab["web1"].mode == mode)
      } else {
        #expect(throws: Refusal.self) { try lab.perform(.setMode(id, mode)) }
      }
    }
    #expect(lab.faults() == [])
  }
}
