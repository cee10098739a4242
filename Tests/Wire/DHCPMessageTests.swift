import Net
import Testing
import Wire

/// A message of zeros but for what a client fills in, with `options` behind the magic cookie.
private func message(sname: [UInt8] = [], file: [UInt8] = [], options: [UInt8]) -> [UInt8] {
  [1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 3, 0x80, 0]  // BOOTREQUEST, Ethernet; xid; 3 seconds; broadcast
    + [198, 18, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]  // ciaddr, yiaddr, siaddr, giaddr
    + [0x52, 0x54, 0, 0x12, 0x34, 0x56] + [UInt8](repeating: 0, count: 10)
    + sname + [UInt8](repeating: 0, count: 64 - sname.count)
    + file + [UInt8](repeating: 0, count: 128 - file.count)
    + [0x63, 0x82, 0x53, 0x63] + options
}

private func decode(_ bytes: [UInt8]) -> DHCPMessage? { DHCPMessage(bytes[...]) }

/// `bytes` with the one at `offset` replaced.
private func changed(_ bytes: [UInt8], _ offset: Int, _ value: UInt8) -> [UInt8] {
  var bytes = bytes
  bytes[offset] = value
  return bytes
}

private let discover = message(options: [53, 1, 1, 55, 3, 1, 3, 121, 255])

@Suite("DHCPv4 messages, RFC 2131 2 and RFC 2132") struct DHCPMessageTests {
  @Test("every field is read from its place")
  func fields() throws {
    var bytes = message(sname: Array("boot".utf8), file: Array("pxelinux.0".utf8), options: [53, 1, 3, 255])
    for (index, value) in (16..<28).enumerated() { bytes[value] = UInt8(index + 1) }
    bytes[3] = 2
    let read = try #require(decode(bytes))
    #expect(read.operation == .request)
    #expect(read.hops == 2)
    #expect(read.transaction == 0x1234_5678)
    #expect(read.seconds == 3)
    #expect(read.flags == DHCPMessage.broadcastFlag)
    #expect(read.clientAddress == IPAddress(v4: 0xC612_0003))
    #expect(read.yourAddress == IPAddress(v4: 0x0102_0304))
    #expect(read.nextServer == IPAddress(v4: 0x0506_0708))
    #expect(read.relayAddress == IPAddress(v4: 0x090A_0B0C))
    #expect(read.hardwareAddress == MACAddress(0x5254_0012_3456))
    #expect(read.serverName == Array("boot".utf8))
    #expect(read.file == Array("pxelinux.0".utf8))
    #expect(read.kind == .request)
  }

  @Test("a slice is read from its own start")
  func slice() {
    let padded = [9, 9, 9] + discover + [9]
    #expect(DHCPMessage(padded[3..<3 + discover.count]) == decode(discover))
    #expect(decode(discover)?.kind == .discover)
  }

  @Test("every prefix that ends in the header or inside an option is refused")
  func prefixes() {
    // 53 with 3 bytes, 55 with 5, the end option; behind a whole option the end option may be missing.
    for count in 0...discover.count {
      let isWhole = [240, 243, 248, 249].contains(count)
      #expect((decode(Array(discover[..<count])) != nil) == isWhole, "\(count) bytes")
    }
  }

  @Test(
    "another hardware type, address length, operation or cookie is refused", arguments: [0, 1, 2, 236, 237, 238, 239])
  func foreign(offset: Int) {
    #expect(decode(changed(discover, offset, 3)) == nil)
    #expect(decode(changed(discover, offset, 0)) == nil)
  }

  @Test("a reply is read, as what it is")
  func reply() { #expect(decode(changed(discover, 0, 2))?.operation == .reply) }

  @Test("a message of 4096 bytes is read and one of 4097 is not")
  func maximum() {
    let padding = [UInt8](repeating: 0, count: 4_096 - discover.count)
    #expect(decode(discover + padding) != nil)
    #expect(decode(discover + padding + [0]) == nil)
  }

  @Test("pads are skipped, what follows the end is not looked at, an option may be empty, RFC 2132 3.1 and 3.2")
  func padding() {
    let read = decode(message(options: [0, 0, 12, 0, 0, 53, 1, 8, 255, 53, 200]))
    #expect(read?.kind == .inform)
    #expect(read?.options[.hostName] == [])
    #expect(read?.options.entries.count == 2)
  }

  @Test("a message type of another length, 0 or 9 is none, RFC 2132 9.6")
  func kinds() {
    #expect(decode(message(options: [53, 0, 255]))?.kind == nil)
    #expect(decode(message(options: [53, 2, 1, 1, 255]))?.kind == nil)
    #expect(decode(message(options: [53, 1, 0, 255]))?.kind == nil)
    #expect(decode(message(options: [53, 1, 9, 255]))?.kind == nil)
    for kind in UInt8(1)...8 { #expect(decode(message(options: [53, 1, kind, 255]))?.kind?.rawValue == kind) }
  }

  @Test("an address option of 3 or 5 bytes is none")
  func addresses() {
    #expect(decode(message(options: [50, 4, 198, 18, 0, 3]))?.options.address(.requestedAddress)?.v4 == 0xC612_0003)
    #expect(decode(message(options: [50, 3, 198, 18, 0]))?.options.address(.requestedAddress) == nil)
    #expect(decode(message(options: [50, 5, 198, 18, 0, 3, 1]))?.options.address(.requestedAddress) == nil)
    #expect(decode(message(options: []))?.options.address(.requestedAddress) == nil)
  }

  @Test("an option that comes again continues the first, RFC 3396 7")
  func concatenation() {
    let read = decode(message(options: [12, 2, 97, 98, 53, 1, 1, 12, 3, 99, 100, 101, 255]))
    #expect(read?.options[.hostName] == Array("abcde".utf8))
    #expect(read?.options.entries.map(\.code) == [.hostName, .messageType])
  }

  @Test("overload: options go on in file, in sname, or in both, file first, RFC 2132 9.3 and RFC 3396 5")
  func overload() {
    let sname: [UInt8] = [12, 1, 0x63, 255, 7, 7]
    let file: [UInt8] = [12, 1, 0x62, 0, 60, 1, 0x2E, 255]
    func read(_ value: UInt8) -> DHCPMessage? {
      decode(message(sname: sname, file: file, options: [52, 1, value, 12, 1, 0x61, 255]))
    }
    #expect(read(1)?.options[.hostName] == Array("ab".utf8))
    #expect(read(1)?.options[.vendorClass] == [0x2E])
    #expect(read(1)?.file == [])
    #expect(read(1)?.serverName == sname)
    #expect(read(2)?.options[.hostName] == Array("ac".utf8))
    #expect(read(2)?.serverName == [])
    #expect(read(2)?.file == Array(file[..<3]))
    #expect(read(3)?.options[.hostName] == Array("abc".utf8))
    for value: UInt8 in [0, 4, 255] { #expect(read(value)?.options[.hostName] == Array("a".utf8)) }
  }

  @Test("an overload option inside an overloaded field means nothing")
  func nestedOverload() {
    let bytes = message(sname: [12, 1, 0x63, 255], file: [52, 1, 2, 255], options: [52, 1, 1, 255])
    #expect(decode(bytes)?.options[.hostName] == nil)
  }

  @Test("an option that runs over the end of an overloaded field is refused, one that ends there is not")
  func overloadBounds() {
    let fits: [UInt8] = [12, 62] + [UInt8](repeating: 0x61, count: 62)
    #expect(decode(message(sname: fits, options: [52, 1, 2]))?.options[.hostName]?.count == 62)
    let runsOver: [UInt8] = [12, 63] + [UInt8](repeating: 0x61, count: 62)
    #expect(decode(message(sname: runsOver, options: [52, 1, 2])) == nil)
    #expect(decode(message(sname: runsOver, options: [52, 1, 1])) != nil)
  }

  @Test("what is written has 300 bytes or more, and reads back, RFC 1542 2.1")
  func written() {
    var sent = DHCPMessage(
      operation: .reply, transaction: 0xDEAD_BEEF, flags: 0x8000, hardwareAddress: MACAddress(0x5254_0012_3456))
    sent.yourAddress = IPAddress(v4: 0xC612_0003)
    sent.nextServer = IPAddress(v4: 0xC612_0009)
    sent.file = Array("undionly.kpxe".utf8)
    sent.options.append(.messageType, [2])
    sent.options.append(.leaseTime, number: 86_400)
    sent.options.append(.router, address: IPAddress(v4: 0xC612_0002))
    let bytes = sent.encoded(limit: 548)
    #expect(bytes.count == 300)
    #expect(Array(bytes[..<12]) == [2, 1, 6, 0, 0xDE, 0xAD, 0xBE, 0xEF, 0, 0, 0x80, 0])
    #expect(Array(bytes[12..<28]) == [0, 0, 0, 0, 198, 18, 0, 3, 198, 18, 0, 9, 0, 0, 0, 0])
    #expect(Array(bytes[28..<44]) == [0x52, 0x54, 0, 0x12, 0x34, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[108..<122]) == Array("undionly.kpxe".utf8) + [0])
    #expect(
      Array(bytes[236..<257])
        == [0x63, 0x82, 0x53, 0x63, 53, 1, 2, 51, 4, 0, 1, 0x51, 0x80, 3, 4, 198, 18, 0, 2, 255, 0])
    #expect(decode(bytes) == sent)
  }

  @Test("a file name is cut so that a NUL stands behind it")
  func longFile() {
    var sent = DHCPMessage(operation: .reply, transaction: 1, flags: 0, hardwareAddress: MACAddress(2))
    sent.file = [UInt8](repeating: 0x61, count: 128)
    sent.serverName = [UInt8](repeating: 0x62, count: 64)
    let bytes = sent.encoded(limit: 548)
    #expect(bytes[234] == 0x61)
    #expect(bytes[235] == 0)
    #expect(bytes[107] == 0)
    #expect(bytes[236] == 0x63)
  }

  @Test(
    "a value of 256 bytes is written as two options, and of 255 as one, RFC 3396 6",
    arguments: [0, 1, 254, 255, 256, 510, 511])
  func longValue(count: Int) {
    var sent = DHCPMessage(operation: .reply, transaction: 1, flags: 0, hardwareAddress: MACAddress(2))
    sent.options.append(.bootfileName, (0..<count).map { UInt8(truncatingIfNeeded: $0) })
    let bytes = sent.encoded(limit: 1_000)
    #expect(bytes[240] == 67)
    #expect(Int(bytes[241]) == min(count, 255))
    #expect(decode(bytes)?.options == sent.options)
    #expect(decode(bytes)?.options[.bootfileName]?.count == count)
  }

  @Test("an option that does not fit into the limit is left out whole, and those behind it that fit are not")
  func limit() {
    func codes(_ count: Int, limit: Int) -> [DHCPOption]? {
      var sent = DHCPMessage(operation: .reply, transaction: 1, flags: 0, hardwareAddress: MACAddress(2))
      sent.options.append(.messageType, [5])
      sent.options.append(.hostName, [UInt8](repeating: 0x61, count: count))
      sent.options.append(.interfaceMTU, [5, 220])
      let bytes = sent.encoded(limit: limit)
      #expect(bytes.count <= max(limit, 300))
      return decode(bytes)?.options.entries.map(\.code)
    }
    // 240 + 3 + (2 + 53) + 1 = 299 without the MTU; with its 4 bytes 1 byte too many.
    #expect(codes(49, limit: 300) == [.messageType, .hostName, .interfaceMTU])
    #expect(codes(53, limit: 303) == [.messageType, .hostName, .interfaceMTU])
    #expect(codes(53, limit: 302) == [.messageType, .hostName])
    #expect(codes(55, limit: 0) == [.messageType, .interfaceMTU])
    #expect(codes(54, limit: 0) == [.messageType, .hostName])
  }
}
