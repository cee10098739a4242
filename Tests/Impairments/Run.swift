import Impairments
import Net

/// A link that frames are sent through, as its owner does it: what waits is in a `DelayLine`, what is due is taken first.
struct Run {
  struct Frame: Equatable {
    var number: Int
    var sentAt: UInt64
    var arrivedAt: UInt64
    var isCopy = false
    var corruption: ImpairedLink.Corruption?
  }

  private(set) var arrived: [Frame] = []
  private(set) var lost: [Int] = []
  private(set) var refused: [Int] = []

  /// Sends `count` frames, one each `gap` nanoseconds. `change`: called before the frame of that number.
  init(
    _ settings: Impairment, frames count: Int, every gap: UInt64 = 10_000, bytes: Int = 1_000,
    direction: ImpairedLink.Direction = .toServer, seed: UInt64 = 1,
    change: (Int, inout Impairment) -> Void = { _, _ in }
  ) {
    var link = ImpairedLink(settings, direction, seed: seed)
    var line = DelayLine(capacity: count * 2 + 8, bytes: .max)
    var frames: [Frame] = []
    var settings = settings
    for number in 0..<count {
      let now = UInt64(number) * gap
      drain(&link, &line, frames, until: now)
      let before = settings
      change(number, &settings)
      if settings != before { link.set(settings, seed: seed) }
      let fate = link.arrive(at: now, length: bytes, header: 14, wireBytes: bytes)
      frames.append(Frame(number: number, sentAt: now, arrivedAt: 0))
      switch fate {
      case .lost: lost.append(number)
      case .queueFull: refused.append(number)
      case .passes(let passage):
        frames[number].corruption = passage.corruption
        frames[number].isCopy = passage.isDuplicated
        if passage.places > 0 {
          link.hold(Int32(number), passage)
        } else if passage.release <= now {
          deliver(frames[number], at: now)
        } else {
          precondition(line.put(Int32(number), bytes: bytes, release: passage.release))
        }
        while let next = link.takePassed() {
          if next.release <= now {
            deliver(frames[Int(next.frame)], at: now)
          } else {
            precondition(line.put(next.frame, bytes: bytes, release: next.release))
          }
        }
      }
    }
    drain(&link, &line, frames, until: .max)
  }

  private mutating func drain(
    _ link: inout ImpairedLink, _ line: inout DelayLine, _ frames: [Frame], until now: UInt64
  ) {
    while let next = [line.deadline, link.deadline].compactMap(\.self).min(), next <= now {
      while let entry = line.take(at: next) { deliver(frames[Int(entry.frame)], at: next) }
      while let frame = link.takeDue(at: next) { deliver(frames[Int(frame)], at: next) }
    }
  }

  private mutating func deliver(_ frame: Frame, at now: UInt64) {
    var frame = frame
    let isDuplicated = frame.isCopy
    (frame.arrivedAt, frame.isCopy) = (now, false)
    arrived.append(frame)
    if isDuplicated {
      (frame.isCopy, frame.corruption) = (true, nil)
      arrived.append(frame)
    }
  }

  var order: [Int] { arrived.filter { !$0.isCopy }.map(\.number) }
  var isInOrder: Bool { zip(order, order.dropFirst()).allSatisfy(<) }
  var delays: [UInt64] { arrived.map { $0.arrivedAt - $0.sentAt } }
}

extension Impairment {
  init(seed: UInt64 = 7, _ change: (inout Impairment) -> Void) {
    self.init()
    self.seed = seed
    change(&self)
  }
}

extension Fraction {
  static func percent(_ value: Double) -> Fraction { Fraction(value / 100)! }
}

/// Whether `count` is within a tenth of what is expected.
func isNear(_ count: Int, _ expected: Int) -> Bool { abs(count - expected) * 10 <= expected }
