// What shows that a server asked and nobody answered. Pure.

import Checks
import Rack

struct DeafEvidence: Sendable {
  /// Of a NIC, as the switch has counted it.
  struct Traffic: Hashable, Sendable {
    var isUp: Bool
    /// Frames that the server has sent.
    var frames: Int
  }

  private var sent = 0, answered = 0
  private var frames: [PortName: Int] = [:]
  /// Why an attempt shows nothing; the last one counts.
  private var doubt: String?
  private var complaint: String?

  var isAnswered: Bool { answered > 0 }

  /// An attempt: `egress` are the server's NICs by which it must have left, `before` and `after` what they had sent.
  mutating func add(
    _ report: PingReport, _ way: Way, _ egress: Set<PortName>, _ before: [PortName: Traffic],
    _ after: [PortName: Traffic]
  ) {
    sent += report.sent
    answered += report.answered
    complaint = report.complaint
    switch way {
    case .nowhere(let reason):
      doubt = "nothing was sent: \(reason)"
      return
    case .by(let device, _) where egress.isEmpty:
      doubt = "packets leave by \(device), which is no NIC of the server"
      return
    case .by: break
    }
    let down = egress.filter { !(before[$0]?.isUp ?? false) || !(after[$0]?.isUp ?? false) }
    // Of a bond one member is enough.
    if down.count == egress.count {
      doubt = "the link of \(Self.list(down)) was down"
      return
    }
    for nic in egress.subtracting(down) { frames[nic, default: 0] += max(0, after[nic]!.frames - before[nic]!.frames) }
  }

  func verdict(of server: String) -> CheckRunner.Attempt {
    if answered > 0 { return .failed("\(sent) sent, \(answered) answered") }
    if let doubt { return .provesNothing(doubt) }
    let all = frames.values.reduce(0, +)
    guard all > 0 else {
      let reason = complaint.map { ", \($0.lowercased())" } ?? ""
      return .provesNothing("\(sent) sent, none answered, but no frame of \(server) reached the switch\(reason)")
    }
    let nics = Self.list(Set(frames.filter { $0.value > 0 }.keys))
    return .passed("\(sent) sent, none answered; \(all) \(all == 1 ? "frame" : "frames") left by \(nics)")
  }

  private static func list(_ nics: Set<PortName>) -> String {
    nics.map(\.rawValue).sorted().joined(separator: " and ")
  }
}
