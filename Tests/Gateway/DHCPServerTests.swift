import Gateway
import Net
import Testing
import Wire

private let gateway = IPAddress(v4: 0xC612_0002)
private let host = IPAddress(v4: 0xC612_0003)
private let everyone = IPAddress(v4: 0xFFFF_FFFF)
private let everyoneMAC = MACAddress(0xFFFF_FFFF_FFFF)
private let client = MACAddress(0x5254_0012_3456)

private let ours: [UInt8] = [198, 18, 0, 2]
private let lease: [UInt8] = [198, 18, 0, 3]
private let none: [UInt8] = [0, 0, 0, 0]

private let boot = RoutedInterface.Boot(
  hostname: "web-1", dns: [IPAddress(v4: 0x0909_0909), IPAddress(v6: 1), IPAddress(v4: 0x0101_0101)],
  nextServer: IPAddress(v4: 0xC612_0002), filename: "undionly.kpxe", leaseSeconds: 86_401)

private func interface(
  _ kind: RoutedInterface.Kind = .server, mtu: Int = 1_500, boot: RoutedInterface.Boot? = boot,
  links: [RoutedInterface.Link] = [
    .init(gateway: IPAddress(v4: 0x0A00_0002), host: IPAddress(v4: 0x0A00_0003), isPublic: false),
    .init(gateway: IPAddress(v6: 0x2001_0db8 << 96 | 2), host: IPAddress(v6: 0x2001_0db8 << 96 | 3), isPublic: true),
    .init(gateway: gateway, host: host, isPublic: true),
  ]
) -> RoutedInterface {
  RoutedInterface(kind: kind, mac: MACAddress(0x0200_0000_0001), mtu: mtu, links: links, boot: boot)
}

/// A message as a client writes it: the fixed fields from RFC 2131 Figure 1, options, padding to `size`.
private func message(
  _ options: [UInt8], flags: UInt8 = 0, ciaddr: [UInt8] = none, giaddr: [UInt8] = none, size: Int = 300
) -> [UInt8] {
  var bytes: [UInt8] = [1, 1, 6, 0, 0x3D, 0x1D, 0xAB, 0xCD, 0, 1, flags, 0]
  bytes += ciaddr + none + none + giaddr + [0x52, 0x54, 0, 0x12, 0x34, 0x56]
  bytes += [UInt8](repeating: 0, count: 202) + [0x63, 0x82, 0x53, 0x63] + options + [255]
  return bytes + [UInt8](repeating: 0, count: max(0, size - bytes.count))
}

/// What is in an answer, read without `DHCPMessage`.
private struct Reading {
  let bytes: [UInt8]
  private(set) var options: [UInt8: [UInt8]] = [:]

  init?(_ bytes: [UInt8]?) {
    guard let bytes, bytes.count >= 300, Array(bytes[236..<240]) == [0x63, 0x82, 0x53, 0x63] else { return nil }
    self.bytes = bytes
    var index = 240
    while index < bytes.count, bytes[index] != 255 {
      guard index + 1 < bytes.count, index + 2 + Int(bytes[index + 1]) <= bytes.count else { return nil }
      options[bytes[index], default: []] += bytes[index + 2..<index + 2 + Int(bytes[index + 1])]
      index += 2 + Int(bytes[index + 1])
    }
    guard index < bytes.count else { return nil }
  }

  var kind: UInt8? { options[53]?.first }
  var ciaddr: [UInt8] { Array(bytes[12..<16]) }
  var yiaddr: [UInt8] { Array(bytes[16..<20]) }
  var siaddr: [UInt8] { Array(bytes[20..<24]) }
  var file: String { String(decoding: bytes[108..<236].prefix { $0 != 0 }, as: UTF8.self) }
}

private func answer(_ bytes: [UInt8], on place: RoutedInterface = interface()) -> DHCPAnswer? {
  DHCPServer.answer(bytes[...], on: place, at: 0)
}

private func read(_ bytes: [UInt8], on place: RoutedInterface = interface()) -> Reading? {
  Reading(answer(bytes, on: place)?.message)
}

private let offer: UInt8 = 2
private let ack: UInt8 = 5
private let nak: UInt8 = 6

/// What clients ask for, byte by byte as they send it.
private enum Clients {
  /// ISC dhclient 4.4 with the dhclient.conf of Debian.
  static let dhclientList: [UInt8] = [55, 13, 1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42]
  static let dhclientDiscover = message([53, 1, 1] + dhclientList)
  static let dhclientRequest = message([53, 1, 3, 54, 4] + ours + [50, 4] + lease + dhclientList)
  /// busybox 1.36 udhcpc.
  static let udhcpcRest: [UInt8] =
    [61, 7, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 57, 2, 2, 0x40, 55, 7, 1, 3, 6, 12, 15, 28, 42, 60, 12]
    + "udhcp 1.36.1".utf8
  static let udhcpcDiscover = message([53, 1, 1] + udhcpcRest)
  static let udhcpcRequest = message([53, 1, 3, 50, 4] + lease + [54, 4] + ours + udhcpcRest)
  /// systemd-networkd: client identifier of type 255 with IAID and DUID-EN, RFC 4361.
  static let networkdIdentifier: [UInt8] =
    [0xFF, 0xB6, 0x22, 0x0F, 0xEB, 0, 2, 0, 0, 0xAB, 0x11, 0x9C, 0x11, 0x52, 0x7A, 0x30, 0x6E, 0xD0, 0x8A]
  static let networkdRest: [UInt8] =
    [61, 19] + networkdIdentifier + [55, 9, 1, 3, 12, 15, 6, 33, 121, 42, 26, 57, 2, 5, 0xC0, 12, 5] + "guest".utf8
  static let networkdDiscover = message([53, 1, 1] + networkdRest, size: 0)
  static let networkdRequest = message([53, 1, 3] + networkdRest + [54, 4] + ours + [50, 4] + lease, size: 0)
  /// The PXE ROM of a network card: 548 bytes, broadcast flag, machine identifier (97), network interface (94),
  /// architecture (93).
  static let pxeDiscover = message(
    [53, 1, 1, 57, 2, 5, 0xC0, 55, 4, 1, 3, 43, 60, 97, 17, 0] + [UInt8](repeating: 0xA5, count: 16)
      + [94, 3, 1, 2, 1, 93, 2, 0, 0, 60, 32] + "PXEClient:Arch:00000:UNDI:002001".utf8, flags: 0x80, size: 548)
}

@Suite("DHCP server with real clients") struct DHCPClientTests {
  @Test("dhclient: offered and acknowledged, with a classless route to the gateway because it asks for one")
  func dhclient() throws {
    for (request, kind) in [(Clients.dhclientDiscover, offer), (Clients.dhclientRequest, ack)] {
      let sent = try #require(answer(request))
      #expect(sent.toAddress == host)
      #expect(sent.toMAC == client)
      #expect(sent.from == gateway)
      let reading = try #require(Reading(sent.message))
      #expect(Array(sent.message[..<12]) == [2, 1, 6, 0, 0x3D, 0x1D, 0xAB, 0xCD, 0, 0, 0, 0])
      #expect(Array(sent.message[28..<44]) == [0x52, 0x54, 0, 0x12, 0x34, 0x56] + [UInt8](repeating: 0, count: 10))
      #expect(reading.yiaddr == lease)
      #expect(
        reading.options == [
          53: [kind], 54: ours, 51: [0, 1, 0x51, 0x81], 58: [0, 0, 0xA8, 0xC0], 59: [0, 1, 0x27, 0x50],
          1: [255, 255, 255, 255], 3: ours, 121: [32] + ours + none + [0] + ours,
          6: [9, 9, 9, 9, 1, 1, 1, 1], 12: Array("web-1".utf8), 26: [5, 220],
        ])
    }
  }

  @Test("udhcpc: a /31 and a router, its identifier back, in 576 bytes")
  func udhcpc() throws {
    for (request, kind) in [(Clients.udhcpcDiscover, offer), (Clients.udhcpcRequest, ack)] {
      let reading = try #require(read(request))
      #expect(
        reading.options == [
          53: [kind], 54: ours, 51: [0, 1, 0x51, 0x81], 58: [0, 0, 0xA8, 0xC0], 59: [0, 1, 0x27, 0x50],
          1: [255, 255, 255, 254], 3: ours, 61: [1, 0x52, 0x54, 0, 0x12, 0x34, 0x56],
          6: [9, 9, 9, 9, 1, 1, 1, 1], 12: Array("web-1".utf8),
        ])
    }
  }

  @Test("systemd-networkd: its identifier comes back unaltered, and nothing is padded away")
  func networkd() throws {
    for (request, kind) in [(Clients.networkdDiscover, offer), (Clients.networkdRequest, ack)] {
      let reading = try #require(read(request))
      #expect(reading.kind == kind)
      #expect(reading.options[61] == Clients.networkdIdentifier)
      #expect(reading.options[121] == [32] + ours + none + [0] + ours)
      #expect(reading.options[12] == Array("web-1".utf8))
    }
  }

  @Test("a PXE ROM: where to boot from, although its list does not have it, and by broadcast because it asks for that")
  func pxe() throws {
    let sent = try #require(answer(Clients.pxeDiscover))
    #expect(sent.toAddress == everyone)
    #expect(sent.toMAC == everyoneMAC)
    let reading = try #require(Reading(sent.message))
    #expect(reading.siaddr == ours)
    #expect(reading.file == "undionly.kpxe")
    #expect(reading.options[66] == Array("198.18.0.2".utf8))
    #expect(reading.options[67] == Array("undionly.kpxe".utf8))
    #expect(reading.options[60] == nil)
    #expect(sent.message[10] == 0x80)
  }
}

@Suite("DHCP server, a script for iPXE") struct DHCPScriptTests {
  private static let script = "http://198.51.100.1/boot.ipxe?a=b"
  private let boot = RoutedInterface.Boot(
    hostname: "web-1", nextServer: IPAddress(v4: 0xC633_6401), filename: "pxelinux.0", script: script)

  /// A discover with option 93, and 77 where a user class is given.
  private func discover(architecture: UInt8?, userClass: [UInt8]? = nil) -> [UInt8] {
    var options: [UInt8] = [53, 1, 1]
    if let architecture { options += [60, 9] + Array("PXEClient".utf8) + [93, 2, 0, architecture] }
    if let userClass { options += [77, UInt8(userClass.count)] + userClass }
    return message(options)
  }

  @Test("an iPXE is given the script, in both forms of its user class", arguments: [[], [4]] as [[UInt8]])
  func ipxe(_ length: [UInt8]) throws {
    let reading = try #require(
      read(discover(architecture: 0, userClass: length + Array("iPXE".utf8)), on: interface(boot: boot)))
    #expect(reading.options[67] == Array(Self.script.utf8) && reading.file == Self.script)
    #expect(reading.options[66] == Array("198.51.100.1".utf8) && reading.siaddr == [198, 51, 100, 1])
  }

  @Test(
    "another ROM is sent to the iPXE that fits the machine, or to the one that is set",
    arguments: [(0, "undionly.kpxe"), (7, "ipxe.efi"), (9, "ipxe.efi"), (11, "ipxe-arm64.efi"), (nil, "undionly.kpxe")])
  func rom(_ architecture: UInt8?, _ file: String) throws {
    var boot = boot
    let request = discover(architecture: architecture, userClass: Array("other".utf8))
    #expect(read(request, on: interface(boot: boot))?.options[67] == Array(file.utf8))
    boot.ipxeFile = "my.efi"
    #expect(read(request, on: interface(boot: boot))?.file == "my.efi")
    boot.script = nil
    #expect(read(request, on: interface(boot: boot))?.file == "pxelinux.0")
  }

  @Test("a script whose name is longer than the field of the message is in the option alone")
  func long() throws {
    var boot = boot
    boot.script = "http://198.51.100.1/" + String(repeating: "x", count: 150)
    let reading = try #require(
      read(discover(architecture: 0, userClass: Array("iPXE".utf8)), on: interface(boot: boot)))
    #expect(reading.file == "" && reading.options[67] == boot.script.map { Array($0.utf8) })
  }
}

@Suite("DHCP server, RFC 2131 4.3") struct DHCPServerTests {
  @Test("an interface that is no server's, or has no DHCP or no IPv4, answers nothing")
  func silent() {
    let discover = Clients.dhclientDiscover
    #expect(answer(discover, on: interface(.uplink)) == nil)
    #expect(answer(discover, on: interface(.metadata)) == nil)
    #expect(answer(discover, on: interface(boot: nil)) == nil)
    #expect(answer(discover, on: interface(links: [])) == nil)
    #expect(
      answer(discover, on: interface(links: [.init(gateway: IPAddress(v6: 2), host: IPAddress(v6: 3), isPublic: true)]))
        == nil)
  }

  @Test("the public address goes before the private one, which is given when it is alone")
  func privateAddress() {
    let place = interface(links: Array(interface().links[..<2]))
    #expect(read(Clients.dhclientDiscover, on: place)?.yiaddr == [10, 0, 0, 3])
    #expect(read(Clients.dhclientDiscover, on: place)?.options[54] == [10, 0, 0, 2])
    #expect(read(Clients.dhclientDiscover)?.yiaddr == lease)
  }

  @Test("DISCOVER is offered the address, whatever the client would like, 4.3.1")
  func discover() {
    let reading = read(message([53, 1, 1, 50, 4, 10, 9, 8, 7]))
    #expect(reading?.kind == offer)
    #expect(reading?.yiaddr == lease)
  }

  @Test("an offer has no ciaddr, Table 3")
  func offerAddress() {
    let reading = read(message([53, 1, 1], ciaddr: lease))
    #expect(reading?.ciaddr == none)
    #expect(reading?.yiaddr == lease)
  }

  struct Request: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    /// nil: silence.
    let want: UInt8?

    init(_ name: String, _ options: [UInt8], ciaddr: [UInt8] = none, want: UInt8?) {
      (testDescription, bytes, self.want) = (name, message([53, 1, 3] + options, ciaddr: ciaddr), want)
    }
  }

  static let other: [UInt8] = [198, 18, 0, 4]
  static let requests = [
    Request("SELECTING us, our address", [54, 4] + ours + [50, 4] + lease, want: ack),
    Request("SELECTING us, another address", [54, 4] + ours + [50, 4] + other, want: nak),
    Request("SELECTING us, no address", [54, 4] + ours, want: nak),
    Request("SELECTING us, the gateway's address", [54, 4] + ours + [50, 4] + ours, want: nak),
    Request("SELECTING another server", [54, 4] + other + [50, 4] + lease, want: nil),
    Request("SELECTING another server, another address", [54, 4] + other + [50, 4] + other, want: nil),
    Request("SELECTING the private gateway", [54, 4, 10, 0, 0, 2, 50, 4] + lease, want: nil),
    Request("a server identifier of 3 bytes", [54, 3, 198, 18, 0, 50, 4] + lease, want: nil),
    Request("INIT-REBOOT with our address", [50, 4] + lease, want: ack),
    Request("INIT-REBOOT with another address", [50, 4] + other, want: nak),
    Request("INIT-REBOOT with the private address", [50, 4, 10, 0, 0, 3], want: nak),
    Request("a requested address of 5 bytes", [50, 5] + lease + [0], want: nil),
    Request("RENEWING with our address", [], ciaddr: lease, want: ack),
    Request("RENEWING with another address", [], ciaddr: other, want: nak),
    Request("a renewal that names two addresses", [50, 4] + other, ciaddr: lease, want: nak),
    Request("a renewal that names one address twice", [50, 4] + lease, ciaddr: lease, want: ack),
    Request("a renewal that names its server", [54, 4] + ours, ciaddr: lease, want: ack),
    Request("no address and no server", [], want: nil),
  ]

  @Test("REQUEST is acknowledged, refused or left to another server by what it names, 4.3.2", arguments: requests)
  func request(_ vector: Request) throws {
    guard let want = vector.want else {
      #expect(answer(vector.bytes) == nil)
      return
    }
    let sent = try #require(answer(vector.bytes))
    let reading = try #require(Reading(sent.message))
    #expect(reading.kind == want)
    #expect(reading.options[54] == ours)
    #expect(reading.yiaddr == (want == ack ? lease : none))
    #expect(reading.ciaddr == (want == ack ? Array(vector.bytes[12..<16]) : none), "Table 3")
    #expect(sent.from == gateway)
  }

  @Test(
    "NAK is broadcast, whatever the flag and ciaddr, and has nothing but its type, server and client identifier, 4.1")
  func refusal() throws {
    let bytes = message([53, 1, 3, 61, 2, 0, 7, 55, 1, 12], ciaddr: [198, 18, 0, 4])
    let sent = try #require(answer(bytes))
    #expect(sent.toAddress == everyone)
    #expect(sent.toMAC == everyoneMAC)
    let reading = try #require(Reading(sent.message))
    #expect(reading.options == [53: [nak], 54: ours, 61: [0, 7]])
    #expect(sent.message[12..<28].allSatisfy { $0 == 0 })
    #expect(reading.file == "")
  }

  @Test("INFORM is acknowledged without address and times, 4.3.5")
  func inform() throws {
    let sent = try #require(answer(message([53, 1, 8], ciaddr: lease)))
    #expect(sent.toAddress == host)
    #expect(sent.toMAC == client)
    let reading = try #require(Reading(sent.message))
    #expect(reading.kind == ack)
    #expect(reading.yiaddr == none)
    #expect(reading.ciaddr == lease)
    for code: UInt8 in [51, 58, 59] { #expect(reading.options[code] == nil) }
    #expect(reading.options[54] == ours)
    #expect(reading.options[6] == [9, 9, 9, 9, 1, 1, 1, 1])
    #expect(answer(message([53, 1, 8]))?.toAddress == everyone, "it has not said where it is")
  }

  @Test(
    "DECLINE and RELEASE get no answer, and the address is given again afterwards, 4.3.3 and 4.3.4",
    arguments: [4, 7] as [UInt8])
  func given(kind: UInt8) {
    let before = answer(Clients.dhclientDiscover)
    #expect(answer(message([53, 1, kind, 54, 4] + ours + [50, 4] + lease)) == nil)
    #expect(answer(message([53, 1, kind, 54, 4] + ours, ciaddr: lease)) == nil)
    #expect(answer(Clients.dhclientDiscover) == before)
    #expect(read(Clients.dhclientRequest)?.kind == ack)
  }

  @Test("what a server says, plain BOOTP, and an unknown type get no answer")
  func foreign() {
    for kind: UInt8 in [0, 2, 5, 6, 9, 13] { #expect(answer(message([53, 1, kind])) == nil) }
    #expect(answer(message([12, 1, 97])) == nil)
    var reply = Clients.dhclientDiscover
    reply[0] = 2
    #expect(answer(reply) == nil)
  }

  @Test("a relay's message gets no answer")
  func relay() { #expect(answer(message([53, 1, 1], giaddr: [10, 0, 0, 1])) == nil) }

  @Test("a hardware address that is a group or zero, or a ciaddr that is no single machine's, gets no answer")
  func unanswerable() {
    var group = Clients.dhclientDiscover
    group[28] |= 1
    #expect(answer(group) == nil)
    var zero = Clients.dhclientDiscover
    for index in 28..<34 { zero[index] = 0 }
    #expect(answer(zero) == nil)
    for (first, isGood) in [
      (UInt8(0), false), (1, true), (126, true), (127, false), (128, true), (223, true), (224, false), (255, false),
    ] {
      #expect((answer(message([53, 1, 8], ciaddr: [first, 1, 1, 1])) != nil) == isGood, "\(first)")
    }
  }
}

@Suite("DHCP answers, RFC 2131 4.1") struct DHCPAddressingTests {
  @Test("ciaddr goes before the broadcast flag, which goes before the new address")
  func order() {
    func target(_ flags: UInt8, _ ciaddr: [UInt8], kind: [UInt8] = [53, 1, 3, 50, 4] + lease) -> DHCPAnswer? {
      answer(message(kind, flags: flags, ciaddr: ciaddr))
    }
    for flags: UInt8 in [0, 0x80] {
      #expect(target(flags, lease)?.toAddress == host)
      #expect(target(flags, lease)?.toMAC == client)
    }
    #expect(target(0x80, none)?.toAddress == everyone)
    #expect(target(0x80, none)?.toMAC == everyoneMAC)
    #expect(target(0x7F, none)?.toAddress == host)
    #expect(target(0x7F, none)?.toMAC == client)
  }

  @Test("without a parameter list everything is told but classless routes; with an empty one what is mandatory")
  func lists() {
    #expect(
      read(message([53, 1, 1]))?.options.keys.sorted() == [1, 3, 6, 12, 26, 51, 53, 54, 58, 59, 66, 67])
    #expect(read(message([53, 1, 1, 55, 0]))?.options.keys.sorted() == [1, 3, 51, 53, 54, 58, 59])
    for code: UInt8 in [6, 12, 26, 66, 67, 121] {
      #expect(
        read(message([53, 1, 1, 55, 1, code]))?.options.keys.sorted()
          == ([1, 3, 51, 53, 54, 58, 59, code] as [UInt8]).sorted())
    }
  }

  @Test("what the interface does not have is not told")
  func absent() {
    let bare = interface(mtu: 67, boot: .init(hostname: "", dns: [IPAddress(v6: 1)], nextServer: IPAddress(v6: 2)))
    let reading = read(message([53, 1, 1]), on: bare)
    #expect(reading?.options.keys.sorted() == [1, 3, 51, 53, 54, 58, 59])
    #expect(reading?.siaddr == none)
    #expect(read(message([53, 1, 1]), on: interface(mtu: 68))?.options[26] == [0, 68])
    #expect(read(message([53, 1, 1]), on: interface(mtu: 70_000))?.options[26] == [255, 255])
  }

  @Test("a lease for ever has no T1 and T2, RFC 2131 3.3; the longest other has, without overflow")
  func infinite() {
    let reading = read(message([53, 1, 1]), on: interface(boot: .init(hostname: "a", leaseSeconds: .max)))
    #expect(reading?.options[51] == [255, 255, 255, 255])
    #expect(reading?.options[58] == nil)
    #expect(reading?.options[59] == nil)
    let long = read(message([53, 1, 1]), on: interface(boot: .init(hostname: "a", leaseSeconds: .max - 1)))
    #expect(long?.options[58] == [0x7F, 0xFF, 0xFF, 0xFF])
    #expect(long?.options[59] == [0xDF, 0xFF, 0xFF, 0xFE])
  }

  @Test("a file name of 127 bytes is in the field, one of 128 in option 67 only, asked for or not")
  func fileName() {
    for (count, isInField) in [(127, true), (128, false)] {
      let name = String(repeating: "f", count: count)
      let place = interface(boot: .init(hostname: "a", nextServer: gateway, filename: name))
      let reading = read(message([53, 1, 1, 55, 0]), on: place)
      #expect(reading?.file == (isInField ? name : ""))
      #expect(reading?.options[67] == (isInField ? nil : Array(name.utf8)))
    }
  }

  @Test("a vendor class that only begins like PXEClient's first letters is none")
  func vendorClass() {
    let list: [UInt8] = [53, 1, 1, 55, 0, 60]
    #expect(read(message(list + [9] + "PXEClient".utf8))?.options[67] != nil)
    #expect(read(message(list + [8] + "PXEClien".utf8))?.options[67] == nil)
    #expect(read(message(list + [9] + "pxeclient".utf8))?.options[67] == nil)
  }

  @Test("a client's message size is kept to: at least 576, at most what it says and the MTU, RFC 2132 9.10")
  func messageSize() {
    let big = interface(
      boot: .init(
        hostname: "a", dns: (1...200).map { IPAddress(v4: UInt32($0)) }, filename: String(repeating: "f", count: 200)))
    func sizes(_ size: Int?, on place: RoutedInterface) -> (bytes: Int?, hasDNS: Bool?, hasFile: Bool?) {
      let option: [UInt8] = size.map { [57, 2, UInt8($0 >> 8), UInt8($0 & 255)] } ?? []
      let reading = read(message([53, 1, 1] + option), on: place)
      return (reading?.bytes.count, reading.map { $0.options[6] != nil }, reading.map { $0.options[67] != nil })
    }
    for size in [nil, 0, 575, 576] {
      #expect(sizes(size, on: big).bytes ?? 0 <= 548)
      #expect(sizes(size, on: big).hasDNS == false)
      #expect(sizes(size, on: big).hasFile == true)
    }
    #expect(sizes(1_500, on: big).bytes ?? 0 <= 1_472)
    #expect(sizes(1_500, on: big).hasDNS == true)
    #expect(sizes(65_535, on: big).bytes ?? 0 <= 1_472)
    var small = big
    small.mtu = 1_000
    #expect(sizes(1_500, on: small).hasDNS == false)
  }

  @Test("a client identifier of 255 bytes comes back, and what is mandatory beside it")
  func longIdentifier() {
    let identifier = (0..<255).map { UInt8($0) }
    let reading = read(message([53, 1, 1, 55, 1, 121, 61, 255] + identifier))
    #expect(reading?.options[61] == identifier)
    #expect(Set<UInt8>([53, 54, 51, 1, 3, 121]).isSubset(of: reading.map { Set($0.options.keys) } ?? []))
  }
}

@Suite("DHCP server under fire") struct DHCPFuzzTests {
  static let corpus = [
    Clients.dhclientDiscover, Clients.dhclientRequest, Clients.udhcpcDiscover, Clients.udhcpcRequest,
    Clients.networkdDiscover, Clients.networkdRequest, Clients.pxeDiscover, message([53, 1, 8], ciaddr: lease),
    message([53, 1, 3, 52, 1, 3, 50, 4] + [198, 18, 0, 9]), message([53, 1, 3], ciaddr: lease),
  ]

  @Test(
    "mutated messages never trap, and every answer is whole, small enough and about our address",
    arguments: 0..<4 as Range<UInt64>)
  func mutated(seed: UInt64) {
    var dice = Dice(seed: seed)
    let place = interface()
    var answers = 0
    for step in 0..<25_000 {
      let bytes = dice.mutated(Self.corpus[dice.roll(0...Self.corpus.count - 1)])
      guard let sent = answer(bytes, on: place) else { continue }
      answers += 1
      guard let reading = Reading(sent.message) else {
        Issue.record("step \(step): the answer to \(bytes) is malformed")
        return
      }
      let isGood =
        sent.message.count <= 1_472 && sent.from == gateway && reading.options[54] == ours
        && Array(sent.message[4..<8]) == Array(bytes[4..<8])
        && (reading.yiaddr == lease || reading.yiaddr == none) && [offer, ack, nak].contains(reading.kind ?? 0)
        && (sent.toMAC == everyoneMAC) == (sent.toAddress == everyone)
      guard isGood else {
        Issue.record("step \(step): \(bytes) is answered \(sent)")
        return
      }
    }
    #expect(answers > 10_000)
  }
}
