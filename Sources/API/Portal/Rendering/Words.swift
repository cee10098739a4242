// Words and numbers as people read them.

import FoundationEssentials
import Rack

extension NetworkMode {
  /// As the portal calls it.
  var title: String {
    switch self {
    case .layer3: "Layer 3"
    case .hybrid: "Hybrid"
    case .layer2Bonded: "Layer 2, bonded"
    case .layer2Individual: "Layer 2, bond broken"
    case .hybridBonded: "Hybrid, bonded"
    }
  }

  /// What it is, in a sentence.
  var summary: String {
    switch self {
    case .layer3: "Both NICs in bond0, which has the server’s addresses. No VLANs."
    case .hybrid: "eth0 stays in bond0 with the addresses; eth1 takes VLANs."
    case .layer2Bonded: "Both NICs in bond0, which takes VLANs. No addresses."
    case .layer2Individual: "No bond: eth0 and eth1 each take VLANs of their own. No addresses."
    case .hybridBonded: "Both NICs in bond0, which has the addresses, and VLANs beside them, tagged."
    }
  }
}

extension Address.Kind {
  var title: String {
    switch self {
    case .publicIPv4: "public IPv4"
    case .privateIPv4: "private IPv4"
    case .publicIPv6: "public IPv6"
    }
  }
}

enum Words {
  /// `a`, `a and b`, `a, b and c`.
  static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }

  /// `0`, `830 bit/s`, `1.2 Mbit/s`.
  static func rate(_ bits: Double) -> String {
    bits < 1 ? "0" : scaled(bits, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"])
  }

  /// `0 B`, `1.2 MB`.
  static func bytes(_ count: UInt64) -> String { scaled(Double(count), 1000, ["B", "kB", "MB", "GB", "TB", "PB"]) }

  private static func scaled(_ value: Double, _ step: Double, _ units: [String]) -> String {
    var (value, index) = (value, 0)
    while value >= step * 0.9995, index < units.count - 1 { (value, index) = (value / step, index + 1) }
    let digits = value < 9.95 && index > 0 ? "\((value * 10).rounded() / 10)" : "\(Int(value.rounded()))"
    return "\(digits) \(units[index])"
  }

  /// With a space between thousands: `1 234 567`.
  static func count(_ value: UInt64) -> String {
    let digits = Array(String(value))
    return String(
      digits.enumerated().flatMap { index, digit -> [Character] in
        index > 0 && (digits.count - index) % 3 == 0 ? ["\u{202F}", digit] : [digit]
      })
  }

  /// `2026-11-24 12:00:05 UTC`
  static func time(_ date: Date) -> String {
    var parts = date.ISO8601Format()
    if parts.hasSuffix("Z") { parts.removeLast() }
    return parts.replacing("T", with: " ") + " UTC"
  }
}
