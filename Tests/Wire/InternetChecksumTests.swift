import Net
import Testing
import Wire

@Suite("Internet checksum, RFC 1071 and RFC 1624") struct InternetChecksumTests {
  @Test("the example of RFC 1071 3")
  func example() {
    let bytes: [UInt8] = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]
    #expect(InternetChecksum.sum(bytes) == 0xddf2)
    #expect(unsafe bytes.withUnsafeBytes { unsafe InternetChecksum.sum($0.baseAddress!, count: 8) } == 0xddf2)
    #expect(InternetChecksum.finish(0xddf2) == 0x220d)
  }

  @Test("both ways of summing agree, at every length and alignment", arguments: 0..<4)
  func agree(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let bytes = seed == 3 ? [UInt8](repeating: 0xFF, count: 700) : generator.bytes(700)
    for start in 0..<8 {
      for count in [0, 1, 2, 3, 7, 8, 9, 15, 16, 20, 63, 64, 65, 255, 600, 681] {
        let slow = InternetChecksum.sum(bytes[start..<start + count], adding: 0x1234)
        let fast = unsafe bytes.withUnsafeBytes {
          unsafe InternetChecksum.sum($0.baseAddress! + start, count: count, adding: 0x1234)
        }
        #expect(fast == slow, "start \(start), count \(count)")
      }
    }
  }

  @Test("an update gives what summing anew gives, RFC 1624 4")
  func update() {
    // The corner case of the RFC: the field changes from 0x5555 to 0x3285, the header's checksum from 0xDD2F to 0x0000.
    #expect(InternetChecksum.update(0xDD2F, from: 0x5555, to: 0x3285) == 0)
    var header: [UInt8] = [0x45, 0, 0, 84, 1, 2, 0x40, 0, 64, 1, 0, 0, 198, 18, 0, 1, 198, 18, 0, 3]
    for ttl in UInt8(1)...255 {
      header[8] = ttl
      let before = InternetChecksum.finish(InternetChecksum.sum(header))
      header[8] = ttl - 1
      let after = InternetChecksum.finish(InternetChecksum.sum(header))
      let updated = InternetChecksum.update(before, from: UInt16(ttl) << 8 | 1, to: UInt16(ttl - 1) << 8 | 1)
      #expect(updated == after, "TTL \(ttl)")
    }
  }

  @Test("the pseudo-header of an IPv4 and of an IPv6 packet")
  func pseudoHeader() {
    let v4 = InternetChecksum.pseudoHeader(
      from: IPAddress(v4: 0xC612_0001), to: IPAddress(v4: 0xC612_0003), protocol: 17, length: 9)
    #expect(v4 == InternetChecksum.sum([198, 18, 0, 1, 198, 18, 0, 3, 0, 17, 0, 9]))
    let one = IPAddress(v6: 0x2001_0db8 << 96 | 1)
    let other = IPAddress(v6: 0x2001_0db8 << 96 | 0xFFFF)
    let bytes = [one, other].flatMap { address in
      (0..<8).flatMap { [UInt8(address.group($0) >> 8), UInt8(address.group($0) & 0xFF)] }
    }
    #expect(
      InternetChecksum.pseudoHeader(from: one, to: other, protocol: 58, length: 70_000)
        == InternetChecksum.sum(bytes + [0, 1, 0x11, 0x70, 0, 0, 0, 58]))
  }
}
