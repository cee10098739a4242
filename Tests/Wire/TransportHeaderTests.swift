import Net
import Testing
import Wire

@Suite("UDP and TCP headers") struct TransportHeaderTests {
  static let one = IPAddress(v4: 0xC612_0001)
  static let other = IPAddress(v4: 0xC612_0003)

  @Test("a UDP datagram is written with its checksum, and read back, RFC 768")
  func udp() throws {
    let datagram = UDPHeader(sourcePort: 67, destinationPort: 68).datagram([1, 2, 3], from: Self.one, to: Self.other)
    #expect(datagram.prefix(6) == [0, 67, 0, 68, 0, 11])
    let sum = InternetChecksum.pseudoHeader(from: Self.one, to: Self.other, protocol: 17, length: 11)
    #expect(InternetChecksum.sum(datagram, adding: sum) == 0xFFFF)
    let header = try #require(UDPHeader((datagram + [0, 0])[...]))
    #expect(header.length == 11)
    #expect(header.payload((datagram + [0, 0])[...]) == [1, 2, 3])
  }

  @Test("a checksum of zero goes out as all ones, RFC 768")
  func zeroChecksum() {
    // The last word is chosen so that everything else and it add up to all ones.
    for word in UInt16(0)...UInt16.max {
      let payload = [UInt8(word >> 8), UInt8(word & 0xFF)]
      let sum = InternetChecksum.sum(
        [0, 1, 0, 2, 0, 10] + payload,
        adding: InternetChecksum.pseudoHeader(from: Self.one, to: Self.other, protocol: 17, length: 10))
      guard sum == 0xFFFF else { continue }
      let datagram = UDPHeader(sourcePort: 1, destinationPort: 2).datagram(payload, from: Self.one, to: Self.other)
      #expect(datagram[6..<8] == [0xFF, 0xFF])
      return
    }
    Issue.record("no such payload")
  }

  @Test("a UDP length that the bytes contradict gives nothing")
  func udpLengths() {
    #expect(UDPHeader([0, 1, 0, 2, 0, 8, 0, 0]) != nil)
    #expect(UDPHeader([0, 1, 0, 2, 0, 7, 0, 0]) == nil)
    #expect(UDPHeader([0, 1, 0, 2, 0, 9, 0, 0]) == nil)
    #expect(UDPHeader([0, 1, 0, 2, 0, 8, 0]) == nil)
  }

  static func segment(_ flags: UInt8, payload: Int = 0, offset: UInt8 = 5) -> [UInt8] {
    [0x9C, 0x40, 0, 80, 0, 0, 0, 100, 0, 0, 0, 200, offset << 4, flags, 0xFF, 0xFF, 0, 0, 0, 0]
      + [UInt8](repeating: 0, count: payload)
  }

  @Test("a SYN is reset with its sequence number plus one acknowledged, RFC 9293 3.5.2")
  func resetOfSYN() {
    let reset = TCPHeader(Self.segment(0x02)[...])?.reset
    #expect(
      reset
        == TCPHeader(sourcePort: 80, destinationPort: 40_000, sequence: 0, acknowledgment: 101, flags: [.rst, .ack]))
  }

  @Test("payload and FIN count in what is acknowledged")
  func resetOfData() {
    #expect(TCPHeader(Self.segment(0x01, payload: 10)[...])?.reset?.acknowledgment == 111)
  }

  @Test("a segment with an acknowledgment is reset from there, RFC 9293 3.5.2")
  func resetOfACK() {
    let reset = TCPHeader(Self.segment(0x10, payload: 5)[...])?.reset
    #expect(
      reset == TCPHeader(sourcePort: 80, destinationPort: 40_000, sequence: 200, acknowledgment: 0, flags: [.rst]))
  }

  @Test("a reset is never answered, RFC 9293 3.5.2")
  func resetOfReset() {
    #expect(TCPHeader(Self.segment(0x04)[...])?.reset == nil)
    #expect(TCPHeader(Self.segment(0x14)[...])?.reset == nil)
  }

  @Test("a TCP header that does not fit gives nothing")
  func tcpLengths() {
    #expect(TCPHeader(Self.segment(2)[..<19]) == nil)
    #expect(TCPHeader(Self.segment(2, offset: 4)[...]) == nil)
    #expect(TCPHeader(Self.segment(2, offset: 6)[...]) == nil)
    #expect(TCPHeader(Self.segment(2, payload: 4, offset: 6)[...]) != nil)
  }

  @Test("a reset is written with its checksum")
  func written() {
    let header = TCPHeader(
      sourcePort: 80, destinationPort: 40_000, sequence: 1, acknowledgment: 2, flags: [.rst, .ack])
    let bytes = header.segment(from: Self.one, to: Self.other)
    let sum = InternetChecksum.pseudoHeader(from: Self.one, to: Self.other, protocol: 6, length: 20)
    #expect(InternetChecksum.sum(bytes, adding: sum) == 0xFFFF)
    #expect(TCPHeader(bytes[...]) == header)
  }
}

@Suite("ICMP messages") struct ICMPMessageTests {
  @Test("the checksum of ICMPv4 goes over the message, that of ICMPv6 over the pseudo-header too")
  func checksums() {
    let v4 = ICMPMessage.bytes(type: 8, code: 0, rest: 0x0001_0002, data: [1, 2, 3])
    #expect(v4.count == 11)
    #expect(InternetChecksum.sum(v4) == 0xFFFF)
    let (one, other) = (IPAddress.linkLocal(MACAddress(1)), IPAddress.allNodes)
    let v6 = ICMPMessage.bytes(type: 128, code: 0, rest: 7, data: [1, 2, 3], from: one, to: other)
    let sum = InternetChecksum.pseudoHeader(from: one, to: other, protocol: 58, length: 11)
    #expect(InternetChecksum.sum(v6, adding: sum) == 0xFFFF)
  }

  @Test("errors and what is unknown are no queries, RFC 1122 3.2.2; ICMPv6 errors are below 128, RFC 4443 2.1")
  func kinds() {
    for type in [0, 8, 13, 14] as [UInt8] { #expect(ICMPv4.isQuery(type)) }
    for type in [3, 4, 5, 11, 12, 19, 40, 255] as [UInt8] { #expect(!ICMPv4.isQuery(type)) }
    #expect(ICMPv6.isError(127))
    #expect(!ICMPv6.isError(128))
  }
}

@Suite("Kinds of addresses") struct AddressKindTests {
  @Test(
    "a source that names no single host, RFC 1812 4.3.2.7",
    arguments: [
      (0x0000_0000, false), (0x00FF_FFFF, false), (0x0100_0000, true), (0x7EFF_FFFF, true), (0x7F00_0001, false),
      (0x8000_0000, true), (0xDFFF_FFFF, true), (0xE000_0000, false), (0xF000_0000, false), (0xFFFF_FFFF, false),
    ] as [(UInt32, Bool)])
  func v4(address: UInt32, namesOneHost: Bool) { #expect(IPAddress(v4: address).namesOneHost == namesOneHost) }

  @Test("unspecified, loopback and groups name no single host, RFC 4443 2.4 (e)")
  func v6() {
    for address in [IPAddress.unspecified6, IPAddress(v6: 1), .allNodes] { #expect(!address.namesOneHost) }
    for address in [IPAddress(v6: 2), .linkLocal(MACAddress(1)), IPAddress(v6: 0x2001 << 112)] {
      #expect(address.namesOneHost)
    }
  }

  @Test("derived addresses: modified EUI-64, solicited-node group, MAC of a group")
  func derived() {
    // The example of RFC 4291 Appendix A: 34-56-78-9A-BC-DE.
    #expect(IPAddress.linkLocal(MACAddress(0x3456_789A_BCDE)).description == "fe80::3656:78ff:fe9a:bcde")
    #expect(IPAddress(v6: 0x4037 << 112 | 0x01_0800_200E_8C6C).solicitedNode.description == "ff02::1:ff0e:8c6c")
    #expect(MACAddress(group: .allNodes).description == "33:33:00:00:00:01")
    #expect(IPAddress(v6: 0xFEBF << 112).isLinkLocal6)
    #expect(!IPAddress(v6: 0xFEC0 << 112).isLinkLocal6)
  }
}
