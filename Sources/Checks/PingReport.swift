import Rack

/// What ping(8) has said, of iputils or of busybox.
public struct PingReport: Hashable, Sendable {
  public var sent = 0, answered = 0
  /// Of a round trip, as ping wrote it: "0.213".
  public var average: String?
  /// Why there was no answer, in ping's words: `Network is unreachable`.
  public var complaint: String?

  public init(sent: Int = 0, answered: Int = 0, average: String? = nil, complaint: String? = nil) {
    (self.sent, self.answered, self.average, self.complaint) = (sent, answered, average, complaint)
  }

  public init(reading output: String) {
    for line in output.split(whereSeparator: \.isNewline) {
      if line.contains("packets transmitted") {
        let numbers = line.split(separator: ",").compactMap { part in
          part.split(separator: " ").lazy.compactMap { Int($0) }.first
        }
        (sent, answered) = (numbers.first ?? 0, numbers.dropFirst().first ?? 0)
      } else if line.contains("min/avg/max") {
        let figures = line.split(separator: "=").last?.split(separator: "/") ?? []
        average = figures.dropFirst().first.map { $0.trimming }
      } else if line.hasPrefix("ping: ") {
        let words = line.dropFirst("ping: ".count)
        complaint = String(words.split(separator: ": ").last ?? words).visibleInLine
      } else if line.hasPrefix("From "), let number = line.firstRange(of: "icmp_seq=") {
        complaint = String(line[number.upperBound...].drop(while: \.isNumber)).trimming.visibleInLine
      }
    }
    // A complaint about one of several says nothing when others were answered.
    if answered > 0 { complaint = nil }
  }

  /// `3 sent, 3 answered, 0.2 ms`.
  public var words: String {
    if sent == 0 { return "nothing was sent: \(complaint.map(Self.sentence) ?? "ping gave no reason")" }
    let answers = answered == 0 ? "none answered" : "\(answered) answered"
    let rest = average.map { "\($0) ms" } ?? complaint.map(Self.sentence)
    return (["\(sent) sent", answers] + (rest.map { [$0] } ?? [])).joined(separator: ", ")
  }

  private static func sentence(_ text: String) -> String { text.lowercased() }
}

extension StringProtocol {
  fileprivate var trimming: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
