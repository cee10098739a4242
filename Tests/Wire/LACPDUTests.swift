import Net
import Testing
import Wire

/// An LACPDU as a Linux bond with one partner sends it, written by hand from the figure in the standard.
private let frame: [UInt8] =
  [0x01, 0x80, 0xC2, 0, 0, 2, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x88, 0x09]  // to slow protocols, type
  + [1, 1]  // subtype LACP, version 1
  + [1, 20, 0xFF, 0xFF, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 0, 15, 0, 255, 0, 1, 0x3D, 0, 0, 0]
  + [2, 20, 0x80, 0x00, 0x02, 0, 0, 0, 0, 1, 0x01, 0x02, 0x80, 0x00, 0x03, 0x04, 0xC7, 0, 0, 0]
  + [3, 16, 0, 5] + [UInt8](repeating: 0, count: 12) + [0, 0] + [UInt8](repeating: 0, count: 50)

private let actor = LACPParticipant(
  systemPriority: 0xFFFF, system: MACAddress(0x5254_0012_3456), key: 15, portPriority: 255, port: 1,
  state: [.activity, .aggregation, .synchronization, .collecting, .distributing])
private let partner = LACPParticipant(
  systemPriority: 0x8000, system: MACAddress(0x0200_0000_0001), key: 0x0102, portPriority: 0x8000, port: 0x0304,
  state: [.activity, .timeout, .aggregation, .defaulted, .expired])
private let pdu = LACPDU(actor: actor, partner: partner, collectorMaxDelay: 5)

private let marker: [UInt8] =
  [0x01, 0x80, 0xC2, 0, 0, 2, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x88, 0x09]
  + [2, 1, 1, 16, 0x12, 0x34, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 0xDE, 0xAD, 0xBE, 0xEF, 0, 0, 0, 0]
  + [UInt8](repeating: 0, count: 90)
private let markerPDU = MarkerPDU(
  kind: .information, requesterPort: 0x1234, requesterSystem: MACAddress(0x5254_0012_3456), transaction: 0xDEAD_BEEF)

/// `bytes` with those at `offset` in the frame replaced.
private func changed(_ bytes: [UInt8], _ offset: Int, _ values: UInt8...) -> [UInt8] {
  var bytes = bytes
  for (index, value) in values.enumerated() { bytes[offset + index] = value }
  return bytes
}

private func decode(_ bytes: [UInt8]) -> SlowProtocolPDU {
  unsafe bytes.withUnsafeBytes { bytes in
    unsafe SlowProtocolPDU.decode(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: bytes.count)
  }
}

/// The frame that `write` makes of memory full of 0xAA, and whether it left the byte behind it alone.
private func written(_ write: (UnsafeMutableRawPointer) -> Void) -> (frame: [UInt8], isInBounds: Bool) {
  var bytes = [UInt8](repeating: 0xAA, count: SlowProtocolPDU.frameSize + 1)
  unsafe bytes.withUnsafeMutableBytes { unsafe write($0.baseAddress!) }
  return (Array(bytes.dropLast()), bytes.last == 0xAA)
}

struct SlowProtocolVector: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]
  let want: SlowProtocolPDU
  var testDescription: String { name }

  static func lacp(version: UInt8) -> SlowProtocolPDU {
    .lacp(LACPDU(version: version, actor: actor, partner: partner, collectorMaxDelay: 5))
  }

  static let all = [
    SlowProtocolVector(name: "an LACPDU of 124 bytes", bytes: frame, want: .lacp(pdu)),
    SlowProtocolVector(name: "one with padding behind it", bytes: frame + [1, 2, 3, 4], want: .lacp(pdu)),
    SlowProtocolVector(name: "one byte short", bytes: frame.dropLast(), want: .illegal),
    SlowProtocolVector(name: "version 2 is read as version 1", bytes: changed(frame, 15, 2), want: lacp(version: 2)),
    SlowProtocolVector(name: "version 255 too", bytes: changed(frame, 15, 255), want: lacp(version: 255)),
    SlowProtocolVector(name: "version 0 is not looked at", bytes: changed(frame, 15, 0), want: lacp(version: 0)),
    SlowProtocolVector(
      name: "TLVs of version 2 behind the collector are not looked at", bytes: changed(frame, 72, 4, 6, 0, 9, 1, 7),
      want: .lacp(pdu)),
    SlowProtocolVector(name: "TLV types are not looked at", bytes: changed(frame, 16, 9), want: .lacp(pdu)),
    SlowProtocolVector(
      name: "reserved bytes are not looked at",
      bytes: changed(changed(changed(frame, 33, 1, 2, 3), 53, 4, 5, 6), 60, 7, 8), want: .lacp(pdu)),
    SlowProtocolVector(name: "actor length 19", bytes: changed(frame, 17, 19), want: .illegal),
    SlowProtocolVector(name: "actor length 21", bytes: changed(frame, 17, 21), want: .illegal),
    SlowProtocolVector(name: "partner length 19", bytes: changed(frame, 37, 19), want: .illegal),
    SlowProtocolVector(name: "partner length 21", bytes: changed(frame, 37, 21), want: .illegal),
    SlowProtocolVector(name: "collector length 15", bytes: changed(frame, 57, 15), want: .illegal),
    SlowProtocolVector(name: "collector length 17", bytes: changed(frame, 57, 17), want: .illegal),
    SlowProtocolVector(name: "a Marker", bytes: marker, want: .marker(markerPDU)),
    SlowProtocolVector(
      name: "a Marker Response", bytes: changed(marker, 16, 2), want: .marker(markerPDU.response)),
    SlowProtocolVector(name: "a Marker, one byte short", bytes: marker.dropLast(), want: .illegal),
    SlowProtocolVector(name: "a Marker of type 0", bytes: changed(marker, 16, 0), want: .illegal),
    SlowProtocolVector(name: "a Marker of type 3", bytes: changed(marker, 16, 3), want: .illegal),
    SlowProtocolVector(name: "a Marker of length 15", bytes: changed(marker, 17, 15), want: .illegal),
    SlowProtocolVector(name: "a Marker of version 9", bytes: changed(marker, 15, 9), want: .marker(markerPDU)),
    SlowProtocolVector(name: "subtype 0", bytes: changed(frame, 14, 0), want: .illegal),
    SlowProtocolVector(name: "subtype 3, OAM", bytes: changed(frame, 14, 3), want: .unknown),
    SlowProtocolVector(name: "subtype 10", bytes: changed(frame, 14, 10), want: .unknown),
    SlowProtocolVector(name: "subtype 11", bytes: changed(frame, 14, 11), want: .illegal),
    SlowProtocolVector(name: "another EtherType", bytes: changed(frame, 13, 8), want: .unknown),
    SlowProtocolVector(
      name: "a tagged LACPDU", bytes: Array(frame[..<12]) + [0x81, 0, 0, 0] + Array(frame[12...]), want: .unknown),
    SlowProtocolVector(name: "a header without a body", bytes: Array(frame[..<14]), want: .illegal),
    SlowProtocolVector(name: "half a header", bytes: Array(frame[..<13]), want: .unknown),
    SlowProtocolVector(name: "nothing", bytes: [], want: .unknown),
  ]
}

@Suite("Slow protocol PDUs, 802.1AX-2014 6.4.2.3 and 6.5.3.3") struct SlowProtocolPDUTests {
  @Test("are decoded, or refused as what they are", arguments: SlowProtocolVector.all)
  func decoding(_ vector: SlowProtocolVector) { #expect(decode(vector.bytes) == vector.want) }

  @Test("an LACPDU is written as the standard draws it, over whatever was there")
  func writeLACPDU() {
    let result = unsafe written { unsafe pdu.write(to: $0, from: MACAddress(0x5254_0012_3456)) }
    #expect(result.frame == frame)
    #expect(result.isInBounds)
  }

  @Test("an answer repeats the Marker but for its type")
  func writeMarker() {
    let result = unsafe written { unsafe markerPDU.response.write(to: $0, from: MACAddress(0x5254_0012_3456)) }
    #expect(result.frame == changed(marker, 16, 2))
    #expect(result.isInBounds)
  }

  @Test("every prefix of a frame is refused without reading past its end")
  func prefixes() {
    for count in 0..<frame.count {
      #expect(decode(Array(frame[..<count])) == (count < 14 ? .unknown : .illegal), "\(count) bytes")
      #expect(decode(Array(marker[..<count])) == (count < 14 ? .unknown : .illegal), "\(count) bytes")
    }
  }

  @Test("each state bit has its name and its place")
  func names() {
    let names = [
      "activity", "timeout", "aggregation", "synchronization", "collecting", "distributing", "defaulted", "expired",
    ]
    for bit in 0..<8 { #expect(LACPState(rawValue: 1 << UInt8(bit)).names == [names[bit]]) }
    #expect(LACPState(rawValue: 0xFF).names == names)
    #expect(LACPState([]).names.isEmpty)
    #expect(actor.state.rawValue == 0x3D)
  }
}
