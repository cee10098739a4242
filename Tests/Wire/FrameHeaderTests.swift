import Net
import Testing
import Wire

/// Destination 02:00:00:00:00:02, source 02:00:00:00:00:01.
let addresses: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]

struct FrameVector: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]
  let want: FrameHeader.Decoded
  var testDescription: String { name }

  static func header(tag: UInt16? = nil, type: UInt16) -> FrameHeader.Decoded {
    .header(
      FrameHeader(
        destination: MACAddress(0x0200_0000_0002), source: MACAddress(0x0200_0000_0001), tagControl: tag ?? 0,
        isTagged: tag != nil, etherType: type))
  }

  static let all = [
    FrameVector(name: "nothing", bytes: [], want: .fault(.runt)),
    FrameVector(name: "one byte short of a header", bytes: Array(repeating: 0, count: 13), want: .fault(.runt)),
    FrameVector(name: "a bare header", bytes: addresses + [8, 0], want: header(type: 0x0800)),
    FrameVector(name: "an 802.3 length", bytes: addresses + [0, 46], want: header(type: 46)),
    FrameVector(
      name: "tag, one byte short of the type behind it", bytes: addresses + [0x81, 0, 0, 1, 8],
      want: .fault(.truncatedTag)),
    FrameVector(name: "tag cut after its protocol", bytes: addresses + [0x81, 0], want: .fault(.truncatedTag)),
    FrameVector(
      name: "PCP 5, VID 100, IPv4", bytes: addresses + [0x81, 0, 0xA0, 0x64, 8, 0],
      want: header(tag: 0xA064, type: 0x0800)),
    FrameVector(
      name: "priority tag", bytes: addresses + [0x81, 0, 0xE0, 0, 8, 6], want: header(tag: 0xE000, type: 0x0806)),
    FrameVector(
      name: "DEI set, VID 4094", bytes: addresses + [0x81, 0, 0x1F, 0xFE, 8, 0], want: header(tag: 0x1FFE, type: 0x0800)
    ),
    FrameVector(name: "VID 4095", bytes: addresses + [0x81, 0, 0x0F, 0xFF, 8, 0], want: .fault(.reservedVLAN)),
    FrameVector(
      name: "VID 4095 with priority", bytes: addresses + [0x81, 0, 0xFF, 0xFF, 8, 0], want: .fault(.reservedVLAN)),
    FrameVector(
      name: "a second C-tag is payload", bytes: addresses + [0x81, 0, 0, 7, 0x81, 0, 0x0F, 0xFF, 8, 0],
      want: header(tag: 7, type: 0x8100)),
    FrameVector(name: "an S-tag is payload", bytes: addresses + [0x88, 0xA8, 0, 7, 8, 0], want: header(type: 0x88A8)),
  ]
}

@Suite("Frame header") struct FrameHeaderTests {
  @Test("decodes, or names the fault", arguments: FrameVector.all)
  func decode(_ vector: FrameVector) {
    let decoded = unsafe vector.bytes.withUnsafeBytes { bytes in
      // An empty array has no base address; a pointer that is never read stands in.
      unsafe FrameHeader.decode(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: bytes.count)
    }
    #expect(decoded == vector.want)
  }

  @Test("splits the control field into priority and VID")
  func tagControl() {
    let header = FrameHeader(
      destination: MACAddress(0), source: MACAddress(0), tagControl: 0xB123, isTagged: true, etherType: 0)
    #expect(header.priority == 0xB000)
    #expect(header.vid == 0x123)
  }
}

@Suite("MAC address") struct MACAddressTests {
  @Test("knows groups, reserved addresses and sources that nobody can have")
  func kinds() {
    #expect(MACAddress("01:80:c2:00:00:00")!.isReserved)
    #expect(MACAddress("01:80:c2:00:00:0f")!.isReserved)
    #expect(!MACAddress("01:80:c2:00:00:10")!.isReserved)
    #expect(!MACAddress("01:80:c1:ff:ff:ff")!.isReserved)
    #expect(MACAddress("01:80:c2:00:00:02")!.isSlowProtocols)
    #expect(!MACAddress("01:80:c2:00:00:03")!.isSlowProtocols)
    #expect(MACAddress("ff:ff:ff:ff:ff:ff")!.isGroup)
    #expect(MACAddress("01:00:5e:00:00:01")!.isGroup)
    #expect(!MACAddress("02:00:5e:00:00:01")!.isGroup)
    #expect(!MACAddress("ff:ff:ff:ff:ff:ff")!.isValidSource)
    #expect(!MACAddress(0).isValidSource)
    #expect(MACAddress(1).isValidSource)
  }

  @Test("reads what it writes, and nothing else", arguments: ["02:00:00:0a:0b:ff", "00:00:00:00:00:00"])
  func text(_ text: String) { #expect(MACAddress(text)?.description == text) }

  @Test(
    "refuses other text",
    arguments: [
      "", "02:00:00:00:00", "02:00:00:00:00:01:02", "2:0:0:0:0:1", "02-00-00-00-00-01", "0g:00:00:00:00:01",
      "+2:00:00:00:00:01",
    ])
  func noAddress(_ text: String) { #expect(MACAddress(text) == nil) }
}

@Suite("VLAN identifier") struct VLANIDTests {
  @Test("is 1...4094", arguments: [(0, false), (1, true), (4094, true), (4095, false), (4096, false), (-1, false)])
  func range(_ value: Int, _ valid: Bool) { #expect((VLANID(value) != nil) == valid) }
}
