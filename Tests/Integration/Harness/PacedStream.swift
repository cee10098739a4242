import Foundation
import Glibc
import Synchronization

/// Numbered frames of one conversation, one each millisecond, and an account of where they arrived: for changes during
/// which some may be lost, where the question is how long that lasts.
///
/// Time is counted at the sender: what was sent between two frames that arrived, and did not arrive, was lost for as
/// long as it took to send it. A thread of the test that is late makes nothing look longer than it was.
final class PacedStream {
  struct Report: CustomStringConvertible {
    var sent = 0
    var received = 0
    /// Frames that arrived once more.
    var duplicates = 0
    /// From the last frame that arrived before the longest loss to the first one after it; zero when none was lost.
    var longestLoss = Duration.zero
    var lost: Int { sent - received }

    var description: String {
      "\(sent) frames sent, \(lost) lost, \(duplicates) duplicates, longest loss \(longestLoss.milliseconds) ms"
    }
  }

  private let name: String
  private let sender: Sender
  private let watched: [(nic: String, capture: TimedCapture)]
  private var arrivals: [String: [Int]] = [:]
  private var times: [ContinuousClock.Instant] = []

  /// Opens what is needed to send from `nic` as `source`. Frames are looked for at the NICs `watching`, which must be up
  /// now, and may go down and up later.
  init(
    _ name: String, from nic: NIC, source: MAC? = nil, tags: [Frame.Tag] = [], to destination: MAC, watching: [NIC]
  ) throws {
    self.name = name
    watched = try watching.map { nic in
      (nic.name, try TimedCapture(on: nic, filter: "ether proto 0x88b5 or (vlan and ether proto 0x88b5)"))
    }
    sender = Sender(
      name: name, nic: nic, frame: Frame(to: destination, from: source ?? nic.mac, tags: tags, payload: []))
  }

  func start() { sender.start() }

  /// Waits until `count` frames more have been sent: so long the conversation goes on.
  func goOn(for count: Int = 300) { sender.wait(for: count) }

  /// Sends no more, and waits until nothing is on its way.
  func stop() throws {
    times = try sender.stop()
    var quietSince = ContinuousClock.now
    while quietSince.duration(to: .now) < .milliseconds(200) {
      usleep(10_000)
      if try look() { quietSince = .now }
    }
  }

  /// How the frames arrived, all in all, at the NICs `places`. After `stop`.
  func report(at places: NIC...) -> Report {
    var report = Report(sent: times.count)
    var seen = Set<Int>()
    for number in places.flatMap({ arrivals[$0.name] ?? [] }) where !seen.insert(number).inserted {
      report.duplicates += 1
    }
    report.received = seen.count
    var last: Int?
    for number in seen.sorted() {
      if let last, number > last + 1 {
        report.longestLoss = max(report.longestLoss, times[last].duration(to: times[number]))
      }
      last = number
    }
    if let last, last + 1 < times.count, let end = times.last {
      report.longestLoss = max(report.longestLoss, times[last].duration(to: end))
    }
    return report
  }

  /// Takes what the captures have; returns whether there was a frame of this stream.
  private func look() throws -> Bool {
    var found = false
    for (nic, capture) in watched {
      let numbers = try capture.drain().compactMap { Frame($0.bytes).flatMap(number(of:)) }
      arrivals[nic, default: []] += numbers
      found = found || !numbers.isEmpty
    }
    return found
  }

  private func number(of frame: Frame) -> Int? {
    let mark = Array("\(name) #".utf8)
    guard frame.payload.starts(with: mark) else { return nil }
    return Int(String(decoding: frame.payload.dropFirst(mark.count).prefix { $0 != 0 }, as: UTF8.self))
  }

  /// The thread that sends.
  private final class Sender: @unchecked Sendable {
    private let name: String
    // Nobody else sends by this NIC while the thread does; sending touches nothing but the socket.
    private let nic: NIC
    private let frame: Frame
    private let stopping = Atomic(false)
    private let sent = Answer<[ContinuousClock.Instant]>()
    private let progress = NSCondition()
    private var count = 0

    init(name: String, nic: NIC, frame: Frame) {
      self.name = name
      self.nic = nic
      self.frame = frame
    }

    func start() {
      Thread { [self] in sent.give(.success(run())) }.start()
    }

    func wait(for more: Int) {
      progress.lock()
      defer { progress.unlock() }
      let goal = count + more
      while count < goal { progress.wait() }
    }

    func stop() throws -> [ContinuousClock.Instant] {
      stopping.store(true, ordering: .relaxed)
      return try sent.take()
    }

    private func run() -> [ContinuousClock.Instant] {
      var times: [ContinuousClock.Instant] = []
      var next = timespec()
      clock_gettime(CLOCK_MONOTONIC, &next)
      while !stopping.load(ordering: .relaxed) {
        var numbered = frame
        numbered.payload = Array("\(name) #\(times.count)".utf8) + [UInt8](repeating: 0, count: 50)
        times.append(.now)
        // A link that is down refuses the frame: it is lost, as it would be further on.
        _ = nic.trySend(numbered.bytes)
        progress.lock()
        count += 1
        progress.broadcast()
        progress.unlock()
        next.tv_nsec += 1_000_000
        if next.tv_nsec >= 1_000_000_000 {
          next.tv_nsec -= 1_000_000_000
          next.tv_sec += 1
        }
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nil) == EINTR {}
      }
      return times
    }
  }
}

extension Duration {
  var milliseconds: Int { Int(self / .milliseconds(1)) }
}
