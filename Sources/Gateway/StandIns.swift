// STAND-INS: take this file away when the real ones come; the names and the calls are theirs.

import Wire

/// Stand-in for DHCPServer.swift: no DHCP.
struct DHCPAnswer: Equatable, Sendable {
  var message: [UInt8]
  var toMAC: MACAddress
  var toAddress: IPAddress
  var from: IPAddress
}

enum DHCPServer {
  static func answer(_ message: ArraySlice<UInt8>, on interface: RoutedInterface, at now: UInt64) -> DHCPAnswer? { nil }
}

/// Stand-in for Wire's PacketCutter: only what needs no cutting.
enum PacketCutter {
  static func cut(_ bytes: [UInt8], mtu: Int) -> [[UInt8]] {
    let isFinished = bytes.prefix(2).allSatisfy { $0 == 0 }
    return isFinished && bytes.count - VirtioNetHeader.size - FrameHeader.size <= mtu ? [bytes] : []
  }
}

/// Stand-in for Reassembler.swift: every fragment is lost.
struct Reassembler {
  var deadline: UInt64? { nil }
  mutating func expire(at now: UInt64) {}
  mutating func add(_ packet: ArraySlice<UInt8>, at now: UInt64) -> [UInt8]? { nil }
}
