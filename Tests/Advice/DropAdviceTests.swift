import Net
import Rack
import Switching
import Testing

@testable import Advice

/// One drop, and the advice that it has to have.
struct AdviceVector: Sendable, CustomTestStringConvertible {
  let reason: DropReason
  let frame: DroppedFrame
  let facts: DropFacts
  let text: String
  let command: String?
  var testDescription: String { "\(reason.name): \(text.prefix(60))" }

  init(
    _ reason: DropReason, _ frame: DroppedFrame, _ facts: DropFacts, _ text: String, _ command: String? = nil
  ) {
    (self.reason, self.frame, self.facts, self.text, self.command) = (reason, frame, facts, text, command)
  }
}

extension DroppedFrame {
  private static let addresses: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]

  /// Without a payload that says anything.
  static func plain(_ length: Int = 60) -> DroppedFrame { DroppedFrame(addresses + [0x88, 0xB5], length: length) }

  static func tagged(_ vid: Int, then type: [UInt8] = [0x88, 0xB5]) -> DroppedFrame {
    DroppedFrame(addresses + [0x81, 0, UInt8(vid >> 8), UInt8(vid & 0xFF)] + type, length: 64)
  }

  static func packet(_ from: [UInt8], _ to: [UInt8], length: Int = 98) -> DroppedFrame {
    DroppedFrame(addresses + [8, 0] + [0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1, 0, 0] + from + to, length: length)
  }
}

extension DropFacts {
  static func web2(
    _ nic: PortName = .eth0, _ networks: [Network] = [], others: [Int: PortName?] = [:], isOn: Bool = true,
    isRouted: Bool = false, port: PortName? = nil, interfaceMTU: Int? = nil, isInNamespace: Bool = true,
    name: String = "web2"
  ) -> DropFacts {
    DropFacts(
      place: "web2 \(nic.rawValue)",
      server: ServerFacts(
        name: name, nic: nic, port: port ?? nic, isPoweredOn: isOn, isRouted: isRouted, networks: networks,
        others: others, facility: "ewr1", mtu: 1500, interfaceMTU: interfaceMTU, interface: nic.rawValue,
        isInNamespace: isInNamespace,
        addresses: [
          IPPrefix(IPAddress("198.18.0.1")!, length: 32), IPPrefix(IPAddress("198.18.24.0")!, length: 30),
        ]))
  }

  static let trunk = web2(.eth0, [Network(1001, isTagged: true), Network(1002, isTagged: true)])
  static let access = web2(.eth0, [Network(1001, isTagged: false)])
  static let routed = web2(.eth0, [], isRouted: true, port: .bond0)
  static let uplink = DropFacts(place: "uplink/toprack0")
  static let gone = DropFacts(place: "web9 eth1")
}

@Suite("Advice for drops") struct DropAdviceTests {
  static let vectors: [AdviceVector] = [
    .init(
      .runt, DroppedFrame([1, 2, 3], length: 3), .trunk,
      "a frame of 3 bytes on web2 eth0, and an Ethernet header has 14: mend what sends it"),
    .init(.truncatedTag, .plain(), .trunk, "a frame on web2 eth0 ends within its VLAN tag: mend what sends it"),
    .init(
      .reservedVLAN, .tagged(4095), .trunk,
      "a frame on web2 eth0 is tagged with VLAN 4095, which 802.1Q reserves: send it with VLANs 1001 and 1002"),
    .init(
      .reservedAddress, DroppedFrame([1, 0x80, 0xC2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 60], length: 60), .trunk,
      "01:80:c2:00:00:00 is for one link alone, and no switch forwards it: nothing to change, unless servers are to "
        + "see each other's spanning tree or LLDP, which takes a tunnel"),
    .init(
      .slowProtocol, .plain(), .trunk,
      "LACP on web2 eth0, which is in no bond: set the server's system up for its mode, or put the NIC into the bond",
      "toprack server network-config web2"),
    .init(
      .slowProtocol, .plain(), .web2(.eth1, [], port: .bond0),
      "LACP on web2 eth1 is tagged, or more than ten of its frames came in a second: set the bond up untagged, with "
        + "one LACPDU a second at most", "toprack server network-config web2"),
    .init(
      .invalidSource, DroppedFrame([2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 8, 0], length: 60), .trunk,
      "the source 01:00:00:00:00:01 of a frame on web2 eth0 is a group's MAC address, or none: give the interface one "
        + "of its own"),
    .init(
      .noPort, .plain(), .web2(isOn: false), "web2 is switched off: switch it on", "toprack server power web2 on"),
    .init(
      .noPort, .plain(), .gone, "web9 eth1 belongs to no port now: nothing to change, unless it is there still",
      "toprack status"),
    .init(
      .noPort, .plain(), .trunk,
      "web2 eth0 belonged to no port: it was being changed; if it goes on, put the server's NICs back",
      "toprack server repair web2"),
    .init(
      .noVLAN, .plain(), .web2(others: [1001: nil]), "no VLAN is attached to web2 eth0: attach VLAN 1001",
      "toprack port attach web2 eth0 1001"),
    .init(
      .noVLAN, .tagged(1002), .web2(others: [1001: nil, 1002: nil]),
      "no VLAN is attached to web2 eth0: attach VLAN 1002", "toprack port attach web2 eth0 1002"),
    .init(
      .noVLAN, .plain(), .web2(),
      "no VLAN is attached to web2 eth0, and there is none in ewr1: create one, and attach it",
      "toprack network create --facility ewr1"),
    .init(
      .noVLAN, .plain(), .access,
      "no VLAN was attached to web2 eth0, which has VLAN 1001 untagged now: nothing to change"),
    .init(
      .vlanNotAllowed, .tagged(1003),
      .web2(.eth0, [.init(1001, isTagged: true), .init(1002, isTagged: true)], others: [1003: nil]),
      "VLAN 1003 is not on web2 eth0, which has 1001 and 1002: attach it, or tag it with one of these",
      "toprack port attach web2 eth0 1003"),
    .init(
      .vlanNotAllowed, .tagged(1003), .web2(.eth0, [.init(1001, isTagged: false)], others: [1003: .eth1]),
      "VLAN 1003 is not on web2 eth0, which has VLAN 1001 untagged (it is on eth1): attach it, or send it untagged for "
        + "VLAN 1001", "toprack port attach web2 eth0 1003"),
    .init(
      .vlanNotAllowed, .tagged(1003), .trunk,
      "VLAN 1003 is not on web2 eth0, which has 1001 and 1002, and there is no VLAN 1003 in ewr1: create and attach "
        + "it, or tag it with one of these", "toprack network create --vxlan 1003 --facility ewr1"),
    .init(
      .vlanNotAllowed, .tagged(4000), .routed,
      "VLAN 4000 is not on web2 bond0, which is routed and has no VLAN, and there is no VLAN 4000 in ewr1: create and "
        + "attach it, or send it on another port"),
    .init(
      .vlanNotAllowed, .tagged(1001, then: [0x81, 0]), .access,
      "a frame on web2 eth0 has two VLAN tags, and without the first one it would arrive in another VLAN: give its "
        + "receiver VLAN 1001 tagged, or use an S-tag (88a8) for the inner one"),
    .init(
      .vlanNotAllowed, .tagged(1002), .trunk,
      "VLAN 1002 was not on web2 eth0, which has VLANs 1001 and 1002 tagged now: nothing to change"),
    .init(
      .untaggedNotAllowed, .plain(), .trunk,
      "untagged frame on web2 eth0, which has VLANs 1001 and 1002 tagged: make one native, or tag it",
      "toprack port native web2 eth0 1001"),
    .init(
      .untaggedNotAllowed, .tagged(0), .trunk,
      "priority-tagged frame on web2 eth0, which has VLANs 1001 and 1002 tagged: make one native, or tag it",
      "toprack port native web2 eth0 1001"),
    .init(
      .untaggedNotAllowed, .plain(), .access,
      "untagged frame on web2 eth0, which has VLAN 1001 untagged now: nothing to change"),
    .init(
      .noGateway, .plain(), .routed,
      "web2 bond0 is routed, and there was nothing to route by: nothing to change while the server is being changed; "
        + "if it goes on, ask what differs", "toprack verify"),
    .init(
      .bondStandby, .plain(), .routed,
      "web2 eth0 is a member of the bond that does not carry frames now: set the server's bond up with 802.3ad on both "
        + "NICs, or let it send by its active one alone", "toprack lacp show web2"),
    .init(
      .samePort, .plain(), .trunk,
      "the receiver 02:00:00:00:00:02 is on the port that the frame came in by, web2 eth0: deliver it inside the "
        + "server; or a MAC address is there twice", "toprack fdb show --server web2"),
    .init(
      .noReceiver, .plain(), .access,
      "nobody but web2 eth0 is in VLAN 1001: attach it to the port that should hear this", "toprack network list"),
    .init(
      .mtuExceeded, .plain(9014), .web2(interfaceMTU: 1500),
      "a packet of 9000 bytes for web2 eth0, whose MTU is 1500: raise it, or lower the sender's",
      "toprack set mtu web2 9000"),
    .init(
      .mtuExceeded, .plain(1514), .web2(interfaceMTU: 9000),
      "a packet of 1500 bytes for web2 eth0, whose MTU is 9000 now: nothing to change"),
    .init(
      .mtuExceeded, .plain(9514), .gone, "a packet of 9500 bytes for web9 eth1: lower the sender's MTU"),
    .init(
      .linkDown, .plain(), .trunk,
      "the link of web2 eth0 was down: set eth0 up in its system, if it is not by now",
      "toprack server shell web2 -- ip link set eth0 up"),
    .init(
      .linkDown, .plain(), .web2(isOn: false), "web2 is switched off: switch it on", "toprack server power web2 on"),
    .init(
      .transmitFailed, .plain(), .trunk,
      "the interface of web2 eth0 did not take the frame: look whether its system has memory left, and whether a "
        + "filter (tc, XDP) refuses frames", "toprack port show web2"),
    .init(
      .spoofedSource, .packet([10, 9, 9, 9], [8, 8, 8, 8]), .routed,
      "source 10.9.9.9 is not an address of web2, which has 198.18.0.1 and 198.18.24.0/30: send from one of its own, "
        + "or assign the block to it", "toprack ip list web2"),
    .init(
      .martian, .packet([127, 0, 0, 1], [8, 8, 8, 8]), .routed,
      "no packet from 127.0.0.1 to 8.8.8.8 can be on a link (loopback, unspecified, or source equal to destination): "
        + "give the interface on web2 eth0 its own address", "toprack server network-config web2"),
    .init(
      .classE, .packet([198, 18, 0, 1], [240, 0, 0, 1]), .routed,
      "240.0.0.0/4 is reserved, and 240.0.0.1 or source 198.18.0.1 is in it: use an address of web2, which has "
        + "198.18.0.1 and 198.18.24.0/30", "toprack ip list web2"),
    .init(
      .multicast, .packet([198, 18, 0, 1], [224, 0, 0, 5]), .routed,
      "the gateway routes no multicast, and 224.0.0.5 is a group: send it in a VLAN, which carries groups to all its "
        + "ports"),
    .init(
      .linkLocal, .packet([198, 18, 0, 1], [169, 254, 1, 1]), .routed,
      "link-local 169.254.1.1 never crosses a router: use an address of web2, which has 198.18.0.1 and 198.18.24.0/30",
      "toprack server network-config web2"),
    .init(
      .notForGateway, .packet([198, 18, 0, 1], [198, 18, 0, 3]), .routed,
      "web2 eth0 is routed, and 02:00:00:00:00:02 is not the gateway's MAC address: send by the default route, or put "
        + "both servers into a VLAN", "toprack server network-config web2"),
    .init(
      .unknownProtocol, .plain(), .routed,
      "EtherType 0x88b5 on web2 eth0, which is routed and takes ARP, IPv4 and IPv6: send it in a VLAN, or not at all"),
    .init(
      .malformedPacket, .plain(), .routed,
      "an IP header on web2 eth0 contradicts itself or its frame: mend what sends it"),
    .init(
      .badChecksum, .plain(), .routed,
      "the IPv4 header checksum of a packet on web2 eth0 is wrong: mend what sends it, or let its system compute it: "
        + "ethtool -K eth0 tx off"),
    .init(
      .sourceRoute, .packet([198, 18, 0, 1], [8, 8, 8, 8]), .routed,
      "a packet to 8.8.8.8 asks the gateway to be a hop of its source route, which no router does any more: send it "
        + "without"),
    .init(
      .ttlExceeded, .packet([198, 18, 0, 1], [8, 8, 8, 8]), .routed,
      "the time to live of a packet to 8.8.8.8 ran out at the gateway: nothing to change for a traceroute; else look "
        + "for a routing loop, or a sender that begins too low"),
    .init(
      .noRoute, .packet([198, 18, 0, 1], [8, 8, 8, 8]), .routed,
      "nobody has 8.8.8.8, or there is no way out of ewr1: give it to a server, or set an uplink for the facility",
      "toprack ip list"),
    .init(
      .packetTooBig, .packet([198, 18, 0, 1], [8, 8, 8, 8], length: 9014), .routed,
      "a packet of 9000 bytes to 8.8.8.8 is larger than the next link takes, and its sender was told: let ICMP through "
        + "the firewall of web2, or raise the receiver's MTU"),
    .init(
      .neighbourUnreachable, .packet([198, 18, 0, 1], [198, 18, 0, 3]), .uplink,
      "198.18.0.3 answers neither ARP nor neighbour discovery: set its interface up with that address, or the route of "
        + "its block", "toprack neighbour list"),
    .init(
      .gatewayBusy, .plain(), .routed,
      "web2 eth0 sends the gateway more than it hears from one NIC, or than waits for one neighbour: slow down what "
        + "asks it (ping, ARP, unknown neighbours)", "toprack neighbour list"),
    .init(
      .notAnswered, .packet([198, 18, 0, 1], [198, 18, 0, 0]), .routed,
      "it is for the gateway itself (198.18.0.0), which answers ARP, ping, DHCP and neighbour discovery of its own "
        + "addresses: ask a server", "toprack ip list web2"),
    .init(
      .badOffload, .plain(), .trunk,
      "the checksum or segmentation that a frame on web2 eth0 leaves to the switch does not fit the frame: mend the "
        + "guest's driver, or take its offloads away inside with: ethtool -K eth0 tx off tso off gso off"),
    .init(
      .storm, .plain(), .trunk,
      "web2 eth0 sends more broadcasts, multicasts and frames to unknown stations than storm-limit lets a NIC: look "
        + "for a loop or a broken sender in the server, or raise storm-limit in the daemon's settings",
      "toprack fdb show --server web2"),
    .init(
      .loopGuard, .plain(), .trunk,
      "web2 eth0 is shut for a while, because what is sent into the server comes back: take the loop out (a bridge "
        + "over both NICs), then open the port", "toprack port reopen web2 eth0"),
    .init(
      .receiverSlow, .plain(), .trunk,
      "the system of web2 eth0 takes so long for a frame that the others would wait: give it more processor time, or "
        + "take filters off that NIC", "toprack port show web2"),
    .init(
      .impaired, .plain(), .web2(name: "shop/web2"),
      "lost on purpose: loss or a rate is set on the link of web2 eth0: clear it, unless it is wanted",
      "toprack link set shop/web2:eth0 --clear"),
  ]

  @Test("says what to change, and by which command", arguments: vectors)
  func table(_ vector: AdviceVector) {
    #expect(DropAdvice.text(reason: vector.reason, frame: vector.frame, facts: vector.facts) == vector.text)
    #expect(DropAdvice.command(reason: vector.reason, frame: vector.frame, facts: vector.facts) == vector.command)
  }

  @Test("the table has every reason")
  func complete() {
    #expect(Set(Self.vectors.map(\.reason)) == Set(DropReason.allCases))
  }

  @Test("every reason has one line of advice for any frame and any place", arguments: DropReason.allCases)
  func anything(_ reason: DropReason) {
    var generator = SeededGenerator(seed: 16)
    let places: [DropFacts] = [
      .trunk, .access, .routed, .uplink, .gone, .web2(), .web2(isOn: false), .web2(isInNamespace: false),
    ]
    for length in 0..<96 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for facts in places {
        let advice = DropAdvice.of(reason, DroppedFrame(bytes, length: length), facts)
        #expect(!advice.text.isEmpty && !advice.sentence.contains("\n") && !advice.sentence.hasSuffix("."))
        #expect(advice.command?.contains("  ") != true && !advice.text.contains("  "))
      }
    }
  }

  @Test("names with blanks and quotes are quoted as a shell takes them")
  func quoting() {
    #expect(ShellWord.quoted("a b/web2") == "'a b/web2'")
    #expect(ShellWord.quoted("it's/web2") == #"'it'\''s/web2'"#)
    #expect(ShellWord.quoted("shop/web2:eth0") == "shop/web2:eth0")
  }

  @Test("of many VLANs eight are named")
  func many() {
    let text = Phrase.vlans(Array(1001...1020))
    #expect(text == "VLANs 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008 and 12 more")
  }

  @Test("a super-frame is judged by one segment")
  func segments() {
    let bytes: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]
    let offload: [UInt8] = [1, 1, 54, 0, 0xB4, 0x05, 34, 0, 16, 0, 0, 0]
    #expect(DroppedFrame(bytes, length: 20_054, offload: offload).packetSize == 1_500)
    #expect(DroppedFrame(bytes, length: 1_514).packetSize == 1_500)
  }
}
