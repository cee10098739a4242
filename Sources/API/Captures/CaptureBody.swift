// A capture as the body of an answer.

import Capture
import Control
import FoundationEssentials
import HummingbirdCore
import NIOCore
import ServiceLifecycle

/// Writes frames while they come, until a limit is reached, the reader goes, or the daemon stops.
///
/// ## How it works
/// Nobody wakes this: it looks for frames, and when there are none again after a moment. A write waits while the
/// reader is behind, and so does everything here: what comes meanwhile stays in the rings of the capture, which are of
/// fixed size and count what they have no room for.
struct CaptureBody: Sendable {
  /// Between two looks when nothing came; a frame is on its way to the reader after that much at most.
  private static let pause = Duration.milliseconds(20)
  /// Between two looks whether the caller may still see this.
  private static let door = Duration.seconds(1)

  let call: Call
  let running: RunningCapture
  let form: CaptureForm
  let duration: Duration?
  /// Whether the reader is still to have what comes.
  var isWanted: @Sendable () async -> Bool = { true }

  /// What frames become.
  protocol Encoder {
    mutating func head() -> [UInt8]
    /// Called without frames, too: there may be something else to say.
    mutating func encode(_ frames: [CapturedFrame]) -> [UInt8]
    mutating func end(lost: UInt64) -> [UInt8]
  }

  func write(_ encoder: some Encoder, to writer: inout any ResponseBodyWriter) async throws {
    var encoder = encoder
    var reader = CaptureReader(running.source, form)
    let clock = ContinuousClock()
    let end = duration.map { clock.now + $0 }
    var nextAsk = clock.now + Self.door
    try await send(encoder.head(), to: &writer)
    while !reader.isOver, !Task.isShuttingDownGracefully, call.isWanted() {
      // Before the look: what came until the end is taken.
      let isLate = end.map { clock.now >= $0 } ?? false
      if clock.now >= nextAsk {
        guard await call.isStillLetIn(), await isWanted() else { break }
        nextAsk = clock.now + Self.door
      }
      let frames = reader.next()
      try await send(encoder.encode(frames), to: &writer)
      if isLate { break }
      if frames.isEmpty { try await Task.sleep(for: min(Self.pause, end.map { $0 - clock.now } ?? Self.pause)) }
    }
    try await send(encoder.end(lost: reader.lost), to: &writer)
    try await writer.finish(nil)
    withExtendedLifetime(running) {}
  }

  private func send(_ bytes: [UInt8], to writer: inout any ResponseBodyWriter) async throws {
    if !bytes.isEmpty { try await writer.write(ByteBuffer(bytes: bytes)) }
  }
}

/// As a file.
struct CaptureFileEncoder: CaptureBody.Encoder {
  private var file: CaptureFile

  init(_ source: CaptureSource) {
    file = CaptureFile(source, application: "toprackd", at: Self.now)
  }

  mutating func head() -> [UInt8] { file.head() }
  mutating func encode(_ frames: [CapturedFrame]) -> [UInt8] { file.blocks(frames) }
  mutating func end(lost: UInt64) -> [UInt8] { file.end(lost: lost, at: Self.now) }

  private static var now: UInt64 { UInt64(max(0, Date.now.timeIntervalSince1970 * 1_000_000)) * 1_000 }
}

/// As lines of JSON; an empty one first, so that the reader knows that the capture is in force.
struct CaptureLineEncoder: CaptureBody.Encoder {
  /// What stands before and behind each line.
  private let before: [UInt8]
  private let behind: [UInt8]
  /// Lines of frames of one second that are given out; of more, how many they were. Nil: all.
  private let pace: Int?
  private var second: (number: UInt64, text: String) = (.max, "")
  private var shown = 0
  private var skipped = 0

  init(before: String = "", behind: String = "\n", pace: Int? = nil) {
    (self.before, self.behind, self.pace) = (Array(before.utf8), Array(behind.utf8), pace)
  }

  mutating func head() -> [UInt8] { behind.suffix(1) }

  mutating func encode(_ frames: [CapturedFrame]) -> [UInt8] {
    var text: [UInt8] = []
    if frames.isEmpty { addSkipped(to: &text) }
    for frame in frames {
      begin(frame.time / 1_000_000_000, &text)
      shown += 1
      if let pace, shown > pace { skipped += 1 } else { add(line(frame), to: &text) }
    }
    return text
  }

  func end(lost: UInt64) -> [UInt8] {
    var text: [UInt8] = []
    if lost > 0 { add(["lost": .integer(Int(clamping: lost))], to: &text) }
    return text
  }

  private func add(_ line: JSON, to text: inout [UInt8]) { text += before + line.text + behind }

  private mutating func begin(_ number: UInt64, _ text: inout [UInt8]) {
    guard number != second.number else { return }
    addSkipped(to: &text)
    second = (number, Date(timeIntervalSince1970: Double(number)).ISO8601Format())
    shown = 0
  }

  private mutating func addSkipped(to text: inout [UInt8]) {
    if skipped > 0 { add(["skipped": .integer(skipped)], to: &text) }
    skipped = 0
  }

  private func line(_ frame: CapturedFrame) -> JSON {
    let rest = frame.time % 1_000_000_000
    let digits = String(rest)
    let fraction = String(repeating: "0", count: 9 - digits.count) + digits
    return [
      "time": .string("\(second.text.dropLast()).\(fraction)Z"), "server": .string(frame.interface.server),
      "nic": .string(frame.interface.nic), "direction": .string(frame.isOutgoing ? "out" : "in"),
      "reason": JSON(frame.reason), "length": .integer(frame.length), "summary": .string(frame.summary),
      "remark": JSON(frame.remark), "frame": .string(Self.hex(frame.bytes)),
    ]
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
