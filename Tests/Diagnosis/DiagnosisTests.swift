import Diagnosis
import Net
import Rack
import Testing

private typealias Facts = DiagnosisFacts

/// Two servers in VLAN 1001, untagged on eth0 of both, with addresses and heard: all is well.
private func well() -> DiagnosisFacts {
  func end(_ number: UInt32) -> Facts.End {
    var end = Facts.End("web\(number)", project: "default", facility: "ewr1")
    for name in PortName.nics {
      var nic = Facts.NIC()
      nic.mac = MACAddress(UInt64(0x0200_0000_0000) + UInt64(number))
      nic.interface = name.rawValue
      end.nics[name] = nic
    }
    var eth0 = Facts.Inside.Interface("eth0")
    eth0.addresses = [IPAddress(v4: 0x0A00_0100 + number)]
    end.seen = Facts.Inside([eth0, Facts.Inside.Interface("eth1")])
    end.attached = [1001]
    return end
  }
  func side(_ number: UInt64) -> Facts.Side {
    var side = Facts.Side(.eth0, isTagged: false)
    side.stations = [MACAddress(0x0200_0000_0000 + number): 0]
    side.path = "path \(number)"
    return side
  }
  return Facts(from: end(1), to: end(2), ways: [Facts.Way(.network(1001), from: side(1), to: side(2))])
}

/// The same two by their bonds and the gateway.
private func routed() -> DiagnosisFacts {
  var facts = well()
  for end in [\Facts.from, \Facts.to] {
    facts[keyPath: end].members = PortName.nics
    facts[keyPath: end].isRouted = true
    for nic in PortName.nics { facts[keyPath: end].nics[nic]?.hasPartner = true }
    facts[keyPath: end].addresses = [IPPrefix(IPAddress(v4: 0xC612_0001))]
    facts[keyPath: end].neighbours = [IPAddress(v4: 0xC612_0001): "reachable"]
  }
  let side = Facts.Side(.bond0, isTagged: false)
  facts.ways = [Facts.Way(.routed, from: side, to: side)]
  return facts
}

private func bonded() -> DiagnosisFacts {
  var facts = routed()
  var side = Facts.Side(.bond0, isTagged: false)
  side.stations = [MACAddress(0x0200_0000_0001): 0]
  facts.ways = [Facts.Way(.network(1001), from: side, to: side)]
  facts.from.isRouted = false
  facts.to.isRouted = false
  return facts
}

@Suite("What is wrong between two servers") struct DiagnosisTests {
  @Test("nothing is wrong with what is right, and the path is told")
  func nothing() {
    #expect(Diagnosis(well()).findings == [])
    #expect(Diagnosis(well()).path == ["path 1", "path 2"])
    #expect(Diagnosis(routed()).findings == [])
    #expect(Diagnosis(bonded()).findings == [])
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let causes: [Finding.Cause]
    let facts: DiagnosisFacts

    fileprivate init(
      _ name: String, _ causes: Finding.Cause..., in start: DiagnosisFacts = well(),
      _ change: (inout DiagnosisFacts) -> Void
    ) {
      (testDescription, self.causes) = (name, causes)
      var facts = start
      change(&facts)
      self.facts = facts
    }
  }

  private static func drop(_ reason: String, vlan: Int? = nil, _ sender: UInt32? = 0x0A00_0102) -> Facts.Drop {
    Facts.Drop(.eth0, reason, vlan: vlan, sender: sender.map { IPAddress(v4: $0) })
  }

  static let cases: [Case] = [
    Case("switched off", .poweredOff) { facts in
      facts.to.isPoweredOn = false
      facts.to.nics = facts.to.nics.mapValues { nic in
        var nic = nic
        nic.isLinkUp = false
        return nic
      }
      facts.ways[0].to.stations = [:]
    },
    Case("the carrier was taken", .linkRemoved) { facts in
      facts.to.nics[.eth0]?.removed = "toprack link set web2:eth0 --up"
      facts.to.nics[.eth0]?.isLinkUp = false
    },
    Case("a NIC is down", .nicDown) { $0.to.nics[.eth0]?.isLinkUp = false },
    Case("the other NIC is down, which is on no way") { $0.to.nics[.eth1]?.isLinkUp = false },
    Case("a NIC is not attached", .nicDown) { $0.to.nics[.eth0] = nil },
    Case("shut", .loop) { $0.to.nics[.eth0]?.shut = "eth0 of web2 is shut" },
    Case("projects", .otherProject) { facts in
      facts.to.project = "shop"
      facts.ways = []
    },
    Case("facilities", .otherFacility) { facts in
      facts.to.facility = "da11"
      facts.ways = []
    },
    Case("no network", .noCommonNetwork) { facts in
      facts.ways = []
      facts.candidates = [1001]
      facts.to.attached = []
    },
    Case("nothing to attach", .noCommonNetwork) { $0.ways = [] },
    Case("spoofed", .spoofedSource, in: routed()) { $0.from.drops = [drop("spoofed-source")] },
    Case("spoofed, and its own since", in: routed()) { $0.from.drops = [drop("spoofed-source", 0xC612_0001)] },
    Case("heard elsewhere", .duplicateMAC) { $0.ways[0].from.elsewhere = [MACAddress(1): "web3 eth0"] },
    Case("jumping", .duplicateMAC) { $0.ways[0].from.stations = [MACAddress(0x0200_0000_0001): 9] },
    Case("moved once") { $0.ways[0].from.stations = [MACAddress(0x0200_0000_0001): 1] },
    Case("untagged into tagged, dropped", .tagMismatch) { facts in
      facts.ways[0].to = Facts.Side(.eth0, isTagged: true)
      facts.to.seen = nil
      facts.to.drops = [drop("untagged-not-allowed")]
    },
    Case("untagged into tagged, by its address", .tagMismatch) { facts in
      facts.ways[0].to = Facts.Side(.eth0, isTagged: true)
    },
    Case("tagged into untagged, seen on the wire", .tagMismatch) {
      $0.ways[0].to.sentTagged = [MACAddress(0x0200_0000_0002)]
    },
    Case("tagged into untagged, by its interface", .tagMismatch) { facts in
      var vlan = Facts.Inside.Interface("eth0.1001")
      (vlan.parent, vlan.vlan, vlan.addresses) = ("eth0", 1001, [IPAddress(v4: 0x0A00_0102)])
      facts.to.seen = Facts.Inside([Facts.Inside.Interface("eth0"), vlan])
    },
    Case("tagged with another one", .tagMismatch) { facts in
      facts.ways[0].to.stations = [:]
      facts.to.drops = [drop("vlan-not-allowed", vlan: 1002)]
    },
    Case("old drops of one that is heard rightly") { $0.to.drops = [drop("vlan-not-allowed", vlan: 1002)] },
    Case("no VLAN interface", .vlanInterfaceMissing) { facts in
      facts.ways[0].to = Facts.Side(.eth0, isTagged: true)
      facts.to.seen = Facts.Inside([Facts.Inside.Interface("eth0")])
    },
    Case("the chatter of an interface is no sign of use", .vlanInterfaceMissing) { facts in
      facts.ways[0].to = Facts.Side(.eth0, isTagged: true)
      facts.to.seen = Facts.Inside([Facts.Inside.Interface("eth0")])
      facts.to.drops = [
        Facts.Drop(.eth0, "untagged-not-allowed", sender: IPAddress(high: 0xFE80 << 48, low: 1)),
        Facts.Drop(.eth0, "untagged-not-allowed", sender: IPAddress(high: 0, low: 0)),
      ]
    },
    Case("a VLAN interface is down", .vlanInterfaceMissing) { facts in
      facts.ways[0].to = Facts.Side(.eth0, isTagged: true)
      var vlan = Facts.Inside.Interface("eth0.1001")
      (vlan.parent, vlan.vlan, vlan.isUp) = ("eth0", 1001, false)
      facts.to.seen = Facts.Inside([Facts.Inside.Interface("eth0"), vlan])
    },
    Case("silent in a VLAN", .neighbourSilent) { facts in
      facts.ways[0].to.stations = [:]
      facts.to.seen = nil
    },
    Case("heard, and without an address", .neighbourSilent) {
      $0.to.seen = Facts.Inside([Facts.Inside.Interface("eth0")])
    },
    Case("does not answer ARP", .neighbourSilent) { $0.from.seen?.unanswered = [IPAddress(v4: 0x0A00_0102)] },
    Case("asked by an address", .neighbourSilent) { facts in
      facts.to.asked = IPAddress(v4: 0x0A00_0109)
      facts.from.seen?.unanswered = [IPAddress(v4: 0x0A00_0109)]
    },
    Case("silent behind the gateway", .neighbourSilent, in: routed()) {
      $0.to.neighbours = [IPAddress(v4: 0xC612_0001): "failed"]
    },
    Case("storms", .storm) { $0.from.nics[.eth0]?.storms = true },
    Case("sizes", .mtu) { $0.from.nics[.eth0]?.mtu = 9_000 },
    Case("sizes behind the gateway are told by ICMP", in: routed()) { facts in
      for nic in PortName.nics { facts.from.nics[nic]?.mtu = 9_000 }
    },
    Case("no partner", .bondNoPartner, in: bonded()) { facts in
      for nic in PortName.nics { facts.to.nics[nic]?.hasPartner = false }
      facts.to.nics[.eth1]?.carries = false
    },
    Case("a bond without LACP needs none", in: bonded()) { facts in
      facts.to.isStatic = true
      for nic in PortName.nics { facts.to.nics[nic]?.hasPartner = false }
    },
    Case("one member", .bondOneMember, in: bonded()) { $0.to.nics[.eth1]?.isLinkUp = false },
    Case("one member carries", .bondOneMember, in: bonded()) { $0.to.nics[.eth1]?.carries = false },
    Case("no member", .nicDown, .nicDown, in: bonded()) { facts in
      for nic in PortName.nics { facts.to.nics[nic]?.isLinkUp = false }
    },
    Case("impaired", .impaired) { $0.to.nics[.eth0]?.impairment = "loss 10%" },
    Case("only a trace knows", .loop) { $0.ways[0].from.fate = "loop-guard" },
    Case("the worst first", .nicDown, .storm, .mtu) { facts in
      facts.from.nics[.eth0]?.storms = true
      facts.from.nics[.eth0]?.mtu = 9_000
      facts.to.nics[.eth0]?.isLinkUp = false
    },
  ]

  @Test("each mistake is found, and nothing else", arguments: cases)
  func mistakes(_ one: Case) {
    let findings = Diagnosis(one.facts).findings
    #expect(findings.map(\.cause) == one.causes, "\(findings)")
    #expect(findings.allSatisfy { !$0.cure.isEmpty && !$0.text.hasSuffix(".") })
  }

  @Test("all causes are made in the table")
  func all() {
    #expect(Set(Self.cases.flatMap(\.causes)) == Set(Finding.Cause.allCases))
  }

  @Test("which of the two comes first makes no difference to what is found")
  func turned() {
    for one in Self.cases {
      var facts = one.facts
      (facts.from, facts.to) = (one.facts.to, one.facts.from)
      facts.ways = one.facts.ways.map { Facts.Way($0.kind, from: $0.to, to: $0.from) }
      let causes = Diagnosis(facts).findings.map(\.cause)
      #expect(causes == one.causes, "\(one.testDescription)")
    }
  }
}
