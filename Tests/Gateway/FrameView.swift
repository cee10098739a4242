import Net
import Switching
import Wire

/// A frame that the gateway sent, taken apart by other means than the gateway's own, so that a mistake is not made twice.
struct FrameView: CustomStringConvertible {
  let port: PortIndex
  let bytes: [UInt8]

  init(_ bytes: [UInt8], _ port: PortIndex) { (self.bytes, self.port) = (bytes, port) }

  var virtio: ArraySlice<UInt8> { bytes[..<12] }
  var destination: MACAddress { mac(12) }
  var source: MACAddress { mac(18) }
  var type: Int { number(24, 2) }
  /// From the network header on.
  var packet: [UInt8] { Array(bytes[26...]) }
  var isV4: Bool { type == 0x0800 }
  var isV6: Bool { type == 0x86DD }
  var isARP: Bool { type == 0x0806 }

  var description: String { "port \(port.value): " + bytes.map { String($0, radix: 16) }.joined(separator: " ") }

  func number(_ index: Int, _ count: Int) -> Int { bytes[index..<index + count].reduce(0) { $0 << 8 | Int($1) } }
  func mac(_ index: Int) -> MACAddress { MACAddress(UInt64(number(index, 6))) }

  // MARK: IP

  var from: IPAddress { isV4 ? address4(26 + 12) : address6(26 + 8) }
  var to: IPAddress { isV4 ? address4(26 + 16) : address6(26 + 24) }
  var typeOfService: Int { isV4 ? number(27, 1) : number(26, 2) >> 4 & 0xFF }
  var ttl: Int { isV4 ? number(26 + 8, 1) : number(26 + 7, 1) }
  var protocolNumber: Int { isV4 ? number(26 + 9, 1) : number(26 + 6, 1) }
  var dontFragment: Bool { isV4 && number(26 + 6, 1) & 0x40 != 0 }
  var isFragment: Bool { isV4 ? number(26 + 6, 2) & 0x3FFF != 0 : protocolNumber == 44 }
  /// Behind the IP header; the gateway sends neither options nor extension headers but the Fragment header.
  var payload: [UInt8] { Array(packet[(isV4 ? 20 : 40)...]) }
  var icmpType: Int? { protocolNumber == 1 || protocolNumber == 58 ? Int(payload[0]) : nil }
  var icmpCode: Int { Int(payload[1]) }
  /// The word behind the checksum.
  var icmpRest: Int { payload[4..<8].reduce(0) { $0 << 8 | Int($1) } }
  /// Of an ICMP error: what it is about. Of an echo: its data.
  var icmpData: [UInt8] { Array(payload[8...]) }
  var isICMPError: Bool {
    guard let icmpType, !isFragment else { return false }
    return isV4 ? [3, 4, 5, 11, 12].contains(icmpType) : icmpType < 128
  }

  private func address4(_ index: Int) -> IPAddress { IPAddress(v4: UInt32(number(index, 4))) }
  private func address6(_ index: Int) -> IPAddress {
    IPAddress(
      v6: UInt128(UInt64(number(index, 4)) << 32 | UInt64(number(index + 4, 4))) << 64
        | UInt128(UInt64(number(index + 8, 4)) << 32 | UInt64(number(index + 12, 4))))
  }

  // MARK: Well-formed

  /// One's complement sum, the slow way.
  static func sum(_ bytes: some Sequence<UInt8>) -> Int {
    var (sum, high) = (0, true)
    for byte in bytes {
      sum += high ? Int(byte) << 8 : Int(byte)
      high.toggle()
    }
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
    return sum
  }

  /// What is wrong with the frame in itself: lengths, checksums, MTU.
  func faults(mtu: Int) -> [String] {
    var faults: [String] = []
    func check(_ isRight: Bool, _ text: String) { if !isRight { faults.append(text) } }
    check(bytes.count >= 26, "short")
    guard faults.isEmpty else { return faults }
    check(virtio.allSatisfy { $0 == 0 }, "virtio header")
    check(!source.isGroup && source.value != 0, "source MAC")
    check(destination.value != 0, "destination MAC")
    switch type {
    case 0x0806: check(bytes.count == 26 + 28, "ARP length")
    case 0x0800:
      check(packet.count >= 20 && number(28, 2) == packet.count && packet[0] == 0x45, "IPv4 length")
      check(packet.count <= mtu, "IPv4 MTU")
      check(Self.sum(packet.prefix(20)) == 0xFFFF, "IPv4 checksum")
      if faults.isEmpty, !isFragment { faults += transportFaults(pseudo: Array(packet[12..<20])) }
    case 0x86DD:
      check(packet.count >= 40 && number(30, 2) == packet.count - 40 && packet[0] >> 4 == 6, "IPv6 length")
      check(packet.count <= mtu, "IPv6 MTU")
      if faults.isEmpty, !isFragment { faults += transportFaults(pseudo: Array(packet[8..<40])) }
    default: faults.append("EtherType")
    }
    return faults
  }

  private func transportFaults(pseudo addresses: [UInt8]) -> [String] {
    let length = payload.count
    let pseudo = addresses + [UInt8(length >> 8), UInt8(length & 0xFF), 0, UInt8(protocolNumber)]
    switch protocolNumber {
    case 1: return Self.sum(payload) == 0xFFFF ? [] : ["ICMP checksum"]
    case 6, 17, 58: return Self.sum(pseudo + payload) == 0xFFFF ? [] : ["checksum of protocol \(protocolNumber)"]
    default: return ["protocol \(protocolNumber)"]
    }
  }
}
