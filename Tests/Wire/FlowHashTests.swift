import Testing
import Wire

private func hash(_ bytes: [UInt8]) -> UInt32 {
  unsafe bytes.withUnsafeBytes { bytes in
    unsafe FlowHash.hash(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: bytes.count)
  }
}

private func bytes(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
private func ports(_ source: UInt16, _ destination: UInt16) -> [UInt8] {
  bytes(source) + bytes(destination) + [UInt8](repeating: 0, count: 16)
}

/// A packet of 20 header bytes, or more with `options`, and `payload`.
private func ipv4(
  _ protocolNumber: UInt8, _ payload: [UInt8], host: UInt8 = 1, fragment: UInt16 = 0, options: Int = 0,
  version: UInt8 = 4
) -> [UInt8] {
  [version << 4 | UInt8(5 + options), 0] + bytes(UInt16(20 + 4 * options + payload.count)) + [0, 0] + bytes(fragment)
    + [64, protocolNumber, 0, 0, 10, 0, 0, host, 10, 0, 0, 200] + [UInt8](repeating: 1, count: 4 * options) + payload
}

/// A packet whose extension headers have the types `extensions` and 8 bytes each.
private func ipv6(_ next: UInt8, _ payload: [UInt8], host: UInt8 = 1, extensions: [UInt8] = []) -> [UInt8] {
  let chain = extensions + [next]
  let source = [0xFD] + [UInt8](repeating: 0, count: 14) + [host]
  let destination = [0xFD] + [UInt8](repeating: 0, count: 14) + [200]
  var packet: [UInt8] = [0x60, 0, 0, 0, 0, 0, chain[0], 64] + source + destination
  for type in chain.dropFirst() { packet += [type, 0, 0, 0, 0, 0, 0, 0] }
  return packet + payload
}

private func frame(_ type: UInt16, _ packet: [UInt8], tags: [[UInt8]] = []) -> [UInt8] {
  addresses + tags.joined() + bytes(type) + packet
}
private let tcp4 = frame(0x0800, ipv4(6, ports(1000, 80)))
private let tcp6 = frame(0x86DD, ipv6(6, ports(1000, 80)))
private let cTag: [UInt8] = [0x81, 0, 0x20, 7]
private let sTag: [UInt8] = [0x88, 0xA8, 0, 9]

/// Two frames, and whether they are of one conversation.
struct FlowVector: Sendable, CustomTestStringConvertible {
  let name: String
  let a: [UInt8]
  let b: [UInt8]
  let isSame: Bool
  var testDescription: String { name }

  static let addressing = [
    FlowVector(
      name: "IPv4: another source port", a: tcp4, b: frame(0x0800, ipv4(6, ports(1001, 80))), isSame: false),
    FlowVector(
      name: "IPv4: another destination port", a: tcp4, b: frame(0x0800, ipv4(6, ports(1000, 81))), isSame: false),
    FlowVector(
      name: "IPv4: another address", a: tcp4, b: frame(0x0800, ipv4(6, ports(1000, 80), host: 2)), isSame: false),
    FlowVector(
      name: "IPv4: more payload, a super-frame", a: tcp4,
      b: tcp4 + [UInt8](repeating: 3, count: 60_000), isSame: true),
    FlowVector(
      name: "IPv4: don't-fragment is no fragment", a: tcp4,
      b: frame(0x0800, ipv4(6, ports(1000, 80), fragment: 0x4000)), isSame: true),
    FlowVector(
      name: "IPv4: options before the ports", a: tcp4, b: frame(0x0800, ipv4(6, ports(1000, 80), options: 3)),
      isSame: true),
    FlowVector(
      name: "IPv4: UDP ports count", a: frame(0x0800, ipv4(17, ports(1, 2))), b: frame(0x0800, ipv4(17, ports(1, 3))),
      isSame: false),
    FlowVector(
      name: "IPv4: SCTP ports count", a: frame(0x0800, ipv4(132, ports(1, 2))),
      b: frame(0x0800, ipv4(132, ports(1, 3))), isSame: false),
    FlowVector(
      name: "IPv4: ICMP has no ports", a: frame(0x0800, ipv4(1, ports(1, 2))), b: frame(0x0800, ipv4(1, ports(3, 4))),
      isSame: true),
    FlowVector(
      name: "IPv4: ICMP by addresses", a: frame(0x0800, ipv4(1, ports(1, 2))),
      b: frame(0x0800, ipv4(1, ports(1, 2), host: 2)), isSame: false),
    FlowVector(
      name: "IPv6: another source port", a: tcp6, b: frame(0x86DD, ipv6(6, ports(1001, 80))), isSame: false),
    FlowVector(
      name: "IPv6: another address", a: tcp6, b: frame(0x86DD, ipv6(6, ports(1000, 80), host: 2)), isSame: false),
    FlowVector(
      name: "IPv6: options, routing and destination headers are stepped over", a: tcp6,
      b: frame(0x86DD, ipv6(6, ports(1000, 80), extensions: [0, 43, 60, 60])), isSame: true),
    FlowVector(
      name: "IPv6: five extension headers hide the ports", a: tcp6,
      b: frame(0x86DD, ipv6(6, ports(1000, 80), extensions: [0, 43, 60, 60, 60])), isSame: false),
    FlowVector(
      name: "IPv6: ICMPv6 has no ports", a: frame(0x86DD, ipv6(58, ports(1, 2))),
      b: frame(0x86DD, ipv6(58, ports(3, 4))),
      isSame: true),
    FlowVector(
      name: "not IP: another MAC address", a: frame(0x0806, []),
      b: [2, 0, 0, 0, 0, 3] + frame(0x0806, []).dropFirst(6),
      isSame: false),
    FlowVector(name: "not IP: payload does not count", a: frame(0x0806, [1]), b: frame(0x0806, [2, 3]), isSame: true),
    FlowVector(
      name: "not IP: the VLAN counts", a: frame(0x0806, [], tags: [[0x81, 0, 0, 7]]),
      b: frame(0x0806, [], tags: [[0x81, 0, 0, 8]]), isSame: false),
    FlowVector(
      name: "not IP: the priority does not", a: frame(0x0806, [], tags: [[0x81, 0, 0, 7]]),
      b: frame(0x0806, [], tags: [[0x81, 0, 0xE0, 7]]), isSame: true),
    FlowVector(
      name: "not IP: a priority tag is no tag", a: frame(0x0806, []), b: frame(0x0806, [], tags: [[0x81, 0, 0xE0, 0]]),
      isSame: true),
  ]

  static let fragments = [
    FlowVector(
      name: "IPv4: first and later fragment", a: frame(0x0800, ipv4(17, ports(1, 2), fragment: 0x2000)),
      b: frame(0x0800, ipv4(17, ports(77, 99), fragment: 0x0001)), isSame: true),
    FlowVector(
      name: "IPv4: the last offset bit makes a fragment", a: frame(0x0800, ipv4(17, ports(1, 2), fragment: 0x1000)),
      b: frame(0x0800, ipv4(17, ports(77, 99), fragment: 0x2000)), isSame: true),
    FlowVector(
      name: "IPv6: first and later fragment", a: frame(0x86DD, ipv6(17, ports(1, 2), extensions: [44])),
      b: frame(0x86DD, ipv6(17, ports(77, 99), extensions: [44])), isSame: true),
    FlowVector(
      name: "IPv6: a fragment behind options", a: frame(0x86DD, ipv6(17, ports(1, 2), extensions: [0, 44])),
      b: frame(0x86DD, ipv6(17, ports(77, 99), extensions: [44])), isSame: true),
    FlowVector(
      name: "IPv4: fragments of other hosts", a: frame(0x0800, ipv4(17, ports(1, 2), fragment: 0x2000)),
      b: frame(0x0800, ipv4(17, ports(1, 2), host: 2, fragment: 0x2000)), isSame: false),
  ]

  static let damaged = [
    FlowVector(
      name: "IPv4 with the ports whole, and one byte short of them",
      a: frame(0x0800, ipv4(6, Array(ports(5, 6)[..<4]))),
      b: frame(0x0800, ipv4(6, Array(ports(5, 6)[..<3]))), isSame: false),
    FlowVector(
      name: "IPv4 without ports hashes like ICMP", a: frame(0x0800, ipv4(6, Array(ports(5, 6)[..<3]))),
      b: frame(0x0800, ipv4(1, [])), isSame: true),
    FlowVector(
      name: "IPv4 one byte short of a header hashes as not IP", a: frame(0x0800, Array(ipv4(6, [])[..<19])),
      b: frame(0x0806, []), isSame: true),
    FlowVector(
      name: "IPv4 with a whole header does not", a: frame(0x0800, ipv4(6, [])), b: frame(0x0806, []), isSame: false),
    FlowVector(
      name: "IPv4 of version 5 hashes as not IP", a: frame(0x0800, ipv4(6, ports(1, 2), version: 5)),
      b: frame(0x0806, []), isSame: true),
    FlowVector(
      name: "IPv6 one byte short of a header hashes as not IP", a: frame(0x86DD, Array(ipv6(6, [])[..<39])),
      b: frame(0x0806, []), isSame: true),
    FlowVector(
      name: "IPv6 with the ports whole, and one byte short of them",
      a: frame(0x86DD, ipv6(6, Array(ports(5, 6)[..<4]))),
      b: frame(0x86DD, ipv6(6, Array(ports(5, 6)[..<3]))), isSame: false),
    FlowVector(
      name: "IPv6 whose extension leads out of the frame hashes by addresses",
      a: frame(0x86DD, Array(ipv6(6, [], extensions: [0]).dropLast(6)) + [255, 0, 0, 0, 0, 0]),
      b: frame(0x86DD, ipv6(58, [])), isSame: true),
  ]
}

@Suite("Flow hash") struct FlowHashTests {
  @Test("tells conversations apart", arguments: FlowVector.addressing)
  func conversations(_ vector: FlowVector) { #expect((hash(vector.a) == hash(vector.b)) == vector.isSame) }

  @Test("keeps the fragments of two hosts together", arguments: FlowVector.fragments)
  func fragments(_ vector: FlowVector) { #expect((hash(vector.a) == hash(vector.b)) == vector.isSame) }

  @Test("uses what of a damaged frame is there", arguments: FlowVector.damaged)
  func damaged(_ vector: FlowVector) { #expect((hash(vector.a) == hash(vector.b)) == vector.isSame) }

  @Test(
    "does not depend on the tags before an IP header",
    arguments: [[cTag], [sTag], [sTag, cTag], [cTag, cTag], [sTag, sTag, cTag, cTag], [[0x81, 0, 0, 0]]])
  func tags(_ tags: [[UInt8]]) {
    #expect(hash(frame(0x0800, ipv4(6, ports(1000, 80)), tags: tags)) == hash(tcp4))
    #expect(hash(frame(0x86DD, ipv6(6, ports(1000, 80)), tags: tags)) == hash(tcp6))
  }

  @Test("looks no deeper than four tags")
  func manyTags() {
    let deep = frame(0x0800, ipv4(6, ports(1000, 80)), tags: Array(repeating: cTag, count: 5))
    #expect(hash(deep) != hash(tcp4))
    #expect(hash(deep) == hash(frame(0x0806, [], tags: [cTag])))
  }

  @Test("is the same before a tag is pushed and after")
  func push() {
    let memory = Memory(tcp4)
    var frame = memory.frame
    let before = frame.flowHash
    frame.pushTag(0xA3E9)
    #expect(frame.flowHash == before)
    #expect(before == hash(tcp4))
  }

  @Test("reads nothing past the end of any prefix, and a runt has the hash 0")
  func prefixes() {
    for whole in [tcp4, tcp6, frame(0x86DD, ipv6(6, ports(1, 2), extensions: [0, 60]), tags: [sTag, cTag])] {
      for count in 0...whole.count {
        // Memory of exactly that size: an overrun is one for the address sanitizer.
        let value = hash(Array(whole[..<count]))
        #expect((value == 0) == (count < 14), "\(count) bytes")
      }
    }
  }

  @Test("spreads neighbouring conversations evenly", arguments: [2, 3, 4])
  func spread(_ members: Int) {
    var v4 = [Int](repeating: 0, count: members)
    var v6 = v4
    var hosts = v4
    for port in UInt16(0)..<4_000 {
      v4[FlowHash.member(hash(frame(0x0800, ipv4(6, ports(32_768 + port, 443)))), of: members)] += 1
      v6[FlowHash.member(hash(frame(0x86DD, ipv6(17, ports(32_768 + port, 443)))), of: members)] += 1
      let station = addresses[..<10] + bytes(port) + [0x88, 0xB5]
      hosts[FlowHash.member(hash(Array(station)), of: members)] += 1
    }
    for count in v4 + v6 + hosts {
      #expect(abs(count - 4_000 / members) < 200, "\(v4) \(v6) \(hosts)")
    }
  }

  @Test("a bond of one has one member")
  func single() {
    #expect(FlowHash.member(0, of: 1) == 0)
    #expect(FlowHash.member(.max, of: 1) == 0)
    #expect(FlowHash.member(.max, of: 2) == 1)
  }
}
