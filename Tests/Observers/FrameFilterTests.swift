import Observers
import Testing

/// Frames of one sort, tagged or not.
enum Sample {
  static let addresses: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]

  static func tagged(_ vlan: UInt16, _ rest: [UInt8], type: UInt16 = 0x8100) -> [UInt8] {
    addresses + [UInt8(type >> 8), UInt8(type & 255), UInt8(vlan >> 8), UInt8(vlan & 255)] + rest
  }

  static let arp: [UInt8] =
    [8, 6, 0, 1, 8, 0, 6, 4, 0, 1] + addresses[6...] + [10, 0, 0, 1] + .init(repeating: 0, count: 6)
    + [10, 0, 0, 2]
  /// UDP from 10.0.0.1 to 10.0.0.2, ports 1000 to 53.
  static let udp: [UInt8] =
    [8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
    + [3, 0xE8, 0, 53, 0, 8, 0, 0]
}

@Suite("Which frames are wanted") struct FrameFilterTests {
  private let arp = Sample.addresses + Sample.arp
  private let udp = Sample.addresses + Sample.udp
  private let taggedARP = Sample.tagged(1001, Sample.arp)
  private let taggedUDP = Sample.tagged(1001, Sample.udp)

  private func matches(_ expression: String) throws -> [Bool] {
    let filter = try FrameFilter(expression)
    return [arp, udp, taggedARP, taggedUDP].map { filter.matches($0) }
  }

  @Test(
    "an expression means the same for a tagged frame as for an untagged one",
    arguments: [
      ("", [true, true, true, true]), ("  ", [true, true, true, true]),
      ("arp", [true, false, true, false]), ("not arp", [false, true, false, true]),
      ("host 10.0.0.2", [true, true, true, true]), ("host 10.0.0.3", [false, false, false, false]),
      ("udp port 53", [false, true, false, true]), ("port domain", [false, true, false, true]),
      ("ip or arp", [true, true, true, true]), ("ether src 02:00:00:00:00:01", [true, true, true, true]),
      ("less 45", [true, true, false, false]), ("udp[2:2] == 53", [false, true, false, true]),
    ])
  func both(_ expression: String, _ wanted: [Bool]) throws {
    #expect(try matches(expression) == wanted)
  }

  @Test(
    "one with `vlan` is libpcap's own, as it stands",
    arguments: [
      ("vlan", [false, false, true, true]), ("not vlan", [true, true, false, false]),
      ("vlan 1001 and arp", [false, false, true, false]), ("VLAN".lowercased() + " 7", [false, false, false, false]),
      ("vlan&&udp", [false, false, false, true]), ("(vlan)", [false, false, true, true]),
    ])
  func vlan(_ expression: String, _ wanted: [Bool]) throws {
    #expect(try matches(expression) == wanted)
  }

  @Test("service tags count as tags")
  func serviceTag() throws {
    let filter = try FrameFilter("not arp")
    #expect(!filter.matches(Sample.tagged(7, Sample.arp, type: 0x88A8)))
    #expect(filter.matches(Sample.tagged(7, Sample.udp, type: 0x88A8)))
  }

  @Test(
    "what is wrong is said in libpcap's words",
    arguments: [
      ("tcp prot 80", "syntax error"), ("host", "syntax error"), ("arp) or (ip", "syntax error"),
      ("ether proto 99999999999", ""), ("port 70000", "illegal port number"), ("ip broadcast", "netmask not known"),
    ])
  func wrong(_ expression: String, _ says: String) {
    let fault = #expect(throws: FilterFault.self) { try FrameFilter(expression) }
    #expect(
      fault?.description.contains(says) == true && fault?.description.isEmpty == false, "\(String(describing: fault))")
  }

  @Test(
    "a name is not looked up, wherever it stands",
    arguments: [
      "host www.example.com", "web1", "src web1", "port 80 and host web1", "port 80 and src web1", "net lab",
      "10.example",
      "gateway web1", "ether host web1", "host \\tcp", "dst net web1 or port 5", "0xab.example", "$12foo", "host ab:cd",
      "1.2.3.4-5", "host 1.2.3.4.5", "len-4 > 0", "host 10.0.0.1 or web1",
    ])
  func names(_ expression: String) {
    let fault = #expect(throws: FilterFault.self) { try FrameFilter(expression) }
    // Where an address could not stand either, libpcap says so.
    let says = fault?.description ?? ""
    #expect(!says.isEmpty && !says.contains("unknown host"), "\(says)")
  }

  @Test(
    "names that are in no net are taken",
    arguments: [
      "port http or https", "tcp port ssh", "ip proto \\udp", "ether proto \\arp",
      "tcp[tcpflags] & (tcp-syn|tcp-ack) != 0",
      "icmp[icmptype] == icmp-echo", "ip6 host fe80::1", "net 10.0.0.0/8", "ether host 02:00:00:00:00:01", "net 10",
      "ether multicast", "greater 1000 and len <= 1514",
      "icmp6 or igmp or stp or lldp".replacing("lldp", with: "ether proto 0x88cc"),
      "src net 10.0.0.0 mask 255.0.0.0", "portrange 1-1024", "ip[8] < 5 and not ip multicast",
      "inbound or tcp".replacing("inbound", with: "udp"),
    ])
  func taken(_ expression: String) throws {
    _ = try FrameFilter(expression)
  }

  @Test("one that would cost every frame much is refused")
  func limits() {
    let long = #expect(throws: FilterFault.self) { try FrameFilter(String(repeating: "a", count: 2_049)) }
    #expect(long?.description.contains("2048 bytes") == true)
    #expect(throws: FilterFault.self) { try FrameFilter("ip protochain 6") }
    let wide = (1...200).map { "port \($0 * 3)" }.joined(separator: " or ")
    #expect(wide.utf8.count < FrameFilter.lengthLimit * 2)
    let large = #expect(throws: FilterFault.self) { try FrameFilter(String(wide.prefix(2_000))) }
    #expect(large?.description.contains("instructions") == true, "\(String(describing: large))")
  }

  @Test("a frame of which less was kept is judged by its length")
  func length() throws {
    let filter = try FrameFilter("greater 1000")
    #expect(filter.matches(udp, length: 1_500) && !filter.matches(udp))
    let arp = try FrameFilter("arp")
    #expect(!filter.matches([]) && !arp.matches([1, 2, 3]))
  }
}
