import Net
import Testing
import Wire

@Suite("ARP packet, RFC 826") struct ARPPacketTests {
  /// Who has 10.0.0.0? Tell 10.0.0.1.
  static let request: [UInt8] = [
    0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0, 0, 0, 0, 0x11, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0,
  ]

  @Test("a request is read, padded or not, and written as it was")
  func request() throws {
    for padding in [0, 18] {
      let packet = try #require(ARPPacket((Self.request + [UInt8](repeating: 0xEE, count: padding))[...]))
      #expect(packet.operation == .request)
      #expect(packet.senderMAC == MACAddress(0x0200_0000_0011))
      #expect(packet.sender == IPAddress(v4: 0x0A00_0001))
      #expect(packet.targetMAC == MACAddress(0))
      #expect(packet.target == IPAddress(v4: 0x0A00_0000))
      #expect(packet.bytes == Self.request)
    }
  }

  @Test("a slice in the middle of a frame is read from its own start")
  func slice() {
    let frame = [UInt8](repeating: 9, count: 26) + Self.request
    #expect(ARPPacket(frame[26...])?.bytes == Self.request)
  }

  @Test(
    "what is not an ARP packet of IPv4 over Ethernet gives nothing",
    arguments: [
      ("hardware type 6", 1, 6), ("protocol type 0x86DD", 2, 0x86), ("hardware length 8", 4, 8),
      ("protocol length 16", 5, 16), ("operation 0", 7, 0), ("operation 3", 7, 3), ("sender is a group", 8, 1),
    ] as [(String, Int, UInt8)])
  func invalid(name: String, index: Int, value: UInt8) {
    var bytes = Self.request
    bytes[index] = value
    #expect(ARPPacket(bytes[...]) == nil)
  }

  @Test("no sender MAC, and one byte too few, give nothing")
  func short() {
    var bytes = Self.request
    bytes.replaceSubrange(8..<14, with: repeatElement(0, count: 6))
    #expect(ARPPacket(bytes[...]) == nil)
    for count in 0..<28 { #expect(ARPPacket(Self.request[..<count]) == nil) }
  }
}
