import Foundation
import Synchronization

/// Numbered frames that run from one NIC to another without a pause while a test does something else.
///
/// Never more than `window` frames are on their way, so that no queue on the path overflows because of the test
/// itself: a frame that does not arrive was lost by the switch.
final class FrameStream: Sendable {
  struct Report: Sendable {
    var received = 0
    /// What went wrong: a frame missing, doubled, damaged or out of order; nil when nothing did.
    var fault: String?
  }

  private let stopping = Atomic(false)
  private let answer = Answer<Report>()
  private static let window = 64

  /// Starts the stream from `sender` to `receiver`, which must be in a VLAN, untagged.
  init(from sender: NIC, to receiver: NIC) throws {
    let ends = Ends(sender: sender, receiver: receiver)
    Thread { [self] in answer.give(Result { try run(ends) }) }.start()
  }

  /// Sends no more, waits for what is on its way, and reports.
  func stop() throws -> Report {
    stopping.store(true, ordering: .relaxed)
    return try answer.take()
  }

  /// The two NICs, which only the stream's thread uses while it runs.
  private struct Ends: @unchecked Sendable {
    let sender: NIC
    let receiver: NIC
  }

  private func run(_ ends: Ends) throws -> Report {
    var report = Report()
    var sent = 0
    func frame(_ number: Int) -> Frame {
      Frame(to: ends.receiver.mac, from: ends.sender.mac, "stream \(number)", size: 60 + number % 1_400)
    }
    while true {
      let isStopping = stopping.load(ordering: .relaxed)
      while !isStopping, sent < report.received + Self.window {
        try ends.sender.send(frame(sent))
        sent += 1
      }
      if report.received == sent { return report }
      guard let arrived = try ends.receiver.next(within: .seconds(5)) else {
        report.fault = "frame \(report.received) of \(sent) did not arrive"
        return report
      }
      guard arrived == frame(report.received) else {
        report.fault = "instead of frame \(report.received) of \(sent) came \(arrived)"
        return report
      }
      report.received += 1
    }
  }
}
