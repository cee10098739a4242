import Net
import Testing

@Suite("IP addresses and prefixes") struct IPAddressTests {
  @Test("text of both families, RFC 5952 for IPv6")
  func text() {
    #expect(IPAddress(v4: 0xC612_0001).description == "198.18.0.1")
    #expect(IPAddress(v6: 0x2001_0db8 << 96 | 1).description == "2001:db8::1")
    #expect(IPAddress(v6: 0).description == "::")
    #expect(IPPrefix(v4: 0xC612_0003, length: 31).description == "198.18.0.2/31")
    #expect(IPPrefix(IPAddress(v6: 0x2001_0db8 << 96 | 3), length: 127).description == "2001:db8::2/127")
  }

  @Test("a prefix holds its own addresses and no others", arguments: [0, 1, 31, 63, 64, 65, 96, 112, 127, 128])
  func contains(length: Int) {
    let all = IPAddress(high: .max, low: .max)
    let prefix = IPPrefix(all, length: length)
    #expect(prefix.contains(all))
    let host: UInt128 = length == 128 ? 0 : UInt128.max >> UInt128(length)
    #expect(prefix.base.v6 == UInt128.max & ~host)
    guard length > 0 else { return }
    #expect(!prefix.contains(IPAddress(v6: UInt128.max ^ (1 << UInt128(128 - length)))))
  }

  @Test("the default routes of the two families are different prefixes")
  func defaults() {
    #expect(IPPrefix(v4: 0, length: 0).contains(IPAddress(v4: 0x0102_0304)))
    #expect(!IPPrefix(v4: 0, length: 0).contains(IPAddress(v6: 0x2001_0db8 << 96)))
  }
}
