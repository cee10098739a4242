// Frames that went no further, with what to change.

import Advice
import Capture
import Control
import Host
import Rack
import Switching

extension Renderer {
  /// In the exact form of `toprack drops --json`.
  func drop(_ drop: Drop) -> JSON {
    let advice = advice(for: drop)
    return [
      "time": .string(DropTime.text(drop.time)), "server": JSON(drop.hostname), "nic": .string(drop.nicName),
      "direction": .string(drop.isOutgoing ? "out" : "in"), "reason": .string(drop.reason.name),
      "length": .integer(drop.length), "frame": .string(Self.hex(drop.bytes)),
      "summary": .string(drop.summary), "advice": .string(advice.sentence),
    ]
  }

  func advice(for drop: Drop) -> DropAdvice {
    DropAdvice.of(
      drop.reason, DroppedFrame(drop.bytes, length: drop.length, offload: drop.offload), facts(of: drop))
  }

  /// By the rack as it is now.
  private func facts(of drop: Drop) -> DropFacts {
    guard case .server(let id, hostname: _, project: _, nic: let nic) = drop.owner else {
      return DropFacts(place: drop.nicName)
    }
    let place = "\(drop.hostname ?? "") \(drop.nicName)"
    guard let server = rack.servers[id] else { return DropFacts(place: place) }
    let location = interfaces[id]?[nic]
    return DropFacts(of: nic, server, in: rack, interface: location?.device, interfaceMTU: location?.mtu)
  }

  private static let digits = Array("0123456789abcdef".utf8)

  private static func hex(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension Drop {
  /// Nil: of the rack's own.
  var hostname: String? {
    if case .server(_, hostname: let hostname, project: _, nic: _) = owner { hostname } else { nil }
  }

  /// `eth0`, `uplink/toprack0`.
  var nicName: String {
    switch owner {
    case .server(_, hostname: _, project: _, nic: let nic): nic.rawValue
    case .own(let name): name
    case .unknown(let index): "nic \(index)"
    }
  }

  /// In the words of tcpdump.
  var summary: String {
    bytes.isEmpty ? "frame not at hand" : FrameText.summary(of: bytes, length: length)
  }
}

/// Times of frames.
enum DropTime {
  /// ISO 8601 with nanoseconds, UTC.
  static func text(_ nanoseconds: UInt64) -> String {
    let seconds = Int(nanoseconds / 1_000_000_000)
    let (days, second) = (seconds / 86_400, seconds % 86_400)
    let (year, month, day) = civil(days)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
      + "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))."
      + "\(padded(Int(nanoseconds % 1_000_000_000), 9))Z"
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let text = "\(number)"
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }

  /// The Gregorian date of a day since 1970-01-01. Counted in years that begin with March, so that a leap day is the
  /// last of its year, within eras of 400 years.
  private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
    let year = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    return (year + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, day)
  }
}
