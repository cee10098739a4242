import Net
import Testing

@Suite("IP addresses") struct IPAddressTests {
  struct Text: Sendable, CustomTestStringConvertible {
    let address: IPAddress, text: String
    var testDescription: String { text }
    static let all = [
      Text(address: IPAddress(v4: 0), text: "0.0.0.0"),
      Text(address: IPAddress(v4: 0xFFFF_FFFF), text: "255.255.255.255"),
      Text(address: IPAddress(v4: 0xC612_0A01), text: "198.18.10.1"),
      Text(address: IPAddress(v6: 0), text: "::"),
      Text(address: IPAddress(v6: 1), text: "::1"),
      Text(address: IPAddress(v6: 1 << 112), text: "1::"),
      Text(address: IPAddress(v6: .max), text: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
      Text(address: IPAddress(v6: 0x2001_0db8_0000_0001_0001_0001_0001_0001), text: "2001:db8:0:1:1:1:1:1"),
      Text(address: IPAddress(v6: 0x2001_0db8_0000_0000_0001_0000_0000_0001), text: "2001:db8::1:0:0:1"),
      Text(address: IPAddress(v6: 0x2001_0000_0000_0001_0000_0000_0000_0001), text: "2001:0:0:1::1"),
      Text(address: IPAddress(v6: 0x2001_0db8_0a0b_0000_0000_0000_0000_0000), text: "2001:db8:a0b::"),
    ]
  }

  @Test("are written as RFC 5952 says, and read back", arguments: Text.all)
  func text(_ vector: Text) {
    #expect(vector.address.description == vector.text)
    #expect(IPAddress(vector.text) == vector.address)
  }

  @Test(
    "are read in every form",
    arguments: [
      ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("64:ff9b::198.18.0.1", "64:ff9b::c612:1"),
      ("0001:02:3::", "1:2:3::"),
    ])
  func otherForms(_ text: String, _ written: String) { #expect(IPAddress(text)?.description == written) }

  @Test(
    "a text that is none is none, nor is an IPv4-mapped address",
    arguments: ["", "1.2.3", "01.2.3.4", "1.2.3.4/32", "::1/128", "1::2::3", "fe80::1%eth0", "::ffff:198.18.0.1"])
  func invalid(_ text: String) { #expect(IPAddress(text) == nil) }

  @Test("are counted within their family, IPv4 before IPv6")
  func numbers() {
    let first = IPAddress(v4: 0xC612_00FF)
    #expect((first + 1).description == "198.18.1.0" && (first + 1).number == 0xC612_0100)
    #expect((IPAddress(v6: 0x2001_0db8 << 96) + (1 << 64)).description == "2001:db8:0:1::")
    #expect(first < first + 1 && .broadcast < IPAddress(v6: 0x2001_0db8 << 96))
    #expect((first.family, first.width) == (4, 32))
  }
}

@Suite("MAC addresses") struct MACAddressTests {
  @Test("text and octets in the order of the wire")
  func text() {
    let mac = MACAddress(0x0200_0A0B_0C0D)
    #expect(mac.description == "02:00:0a:0b:0c:0d" && mac.octets == [2, 0, 10, 11, 12, 13])
    #expect(MACAddress("02:00:0A:0b:0c:0d") == mac)
    #expect(mac.isLocal && !mac.isGroup && mac < .broadcast)
  }

  @Test(
    "a text that is none is none", arguments: ["", "02:00:0a:0b:0c", "2:0:a:b:c:d", "+2:00:0a:0b:0c:0d", "02-00-0a"])
  func invalid(_ text: String) { #expect(MACAddress(text) == nil) }
}
