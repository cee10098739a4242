import Net
import Testing

@testable import Machines

/// What a console must do, written down without its states: who is there, who may write, what was said.
///
/// The machine's bytes are 0x80 and above, the console's own words are ASCII; so the two are told apart.
private struct Model {
  struct Watcher {
    var mayWrite: Bool
    var shown: [UInt8]
    var waiting: Int
  }
  var watchers: [VisitorID: Watcher] = [:]
  /// All that is for everybody, the console's own words too.
  var recorded: [UInt8] = []
  var keys: [UInt8] = []
  var writer: VisitorID?
  var isOpen = false
  var isOn = true
}

@Suite("Console against a model") struct ConsoleModelTests {
  /// Bytes of scrollback: few, so that there are often more.
  private static let kept = 4_096

  @Test(
    "20 000 seeded events: one writer who may, bytes in order to everybody, nothing after the end", arguments: 1...4)
  func agrees(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var console = Console(
      of: "s", source: seed.isMultiple(of: 2) ? .serial : .shell, isOn: true,
      scrollback: Scrollback(limit: Self.kept))
    var model = Model()
    var (now, next) = (Instant(0), 1)
    var gone: Set<VisitorID> = []
    var isOpening = false
    for step in 0..<20_000 {
      now += .random(in: 0...40, using: &random)
      let somebody = model.watchers.keys.sorted().randomElement(using: &random) ?? VisitorID(0)
      var event = Console.Event.tick
      var isTaking = false
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<12:
        isTaking = .random(using: &random)
        event = .arrived(
          VisitorID(next),
          Visitor(
            name: "v\(next)", from: "x", mayWrite: .random(using: &random), takes: isTaking,
            replays: .random(using: &random)))
        next += 1
      // Each ninth neither reads nor leaves, until it is let go.
      case 12..<20: if !somebody.number.isMultiple(of: 9) { event = .left(somebody) }
      case 20..<40:
        event = .sourceSaid(
          (0..<Int.random(in: 1...600, using: &random)).map { _ in .random(in: 0x80...0xFF, using: &random) })
      case 40..<60:
        event = .typed(
          somebody, (0..<Int.random(in: 1...200, using: &random)).map { _ in .random(in: 0x80...0xFF, using: &random) })
      case 60..<64: event = .typed(somebody, Array("\u{1D}t".utf8))
      case 64..<66: event = .typed(somebody, Array("\u{1D}.".utf8))
      case 66..<80:
        if let waiting = model.watchers[somebody]?.waiting, !somebody.number.isMultiple(of: 9) {
          event = .delivered(somebody, waiting)
        }
      case 80..<88: event = .sourceOpened(canBreak: false)
      case 88..<90: event = .sourceFailed("no")
      case 90..<92: event = .sourceEnded("over")
      case 92..<94: event = .switched(on: !model.isOn)
      case 94..<96: event = .sourceTook(.random(in: 0...1_000, using: &random))
      default: break
      }

      let effects = console.handle(event, at: now)
      // What the model says of it.
      switch event {
      case .arrived(let id, let visitor) where model.watchers.count < 16:
        model.watchers[id] = Model.Watcher(
          mayWrite: visitor.mayWrite,
          shown: visitor.replays ? model.recorded.suffix(Self.kept).filter { $0 >= 0x80 } : [],
          waiting: 0)
        if visitor.mayWrite, model.writer == nil || isTaking { model.writer = id }
      case .typed(let id, let keys) where keys == Array("\u{1D}t".utf8):
        if model.watchers[id]?.mayWrite == true { model.writer = id }
      case .typed(let id, let keys) where keys[0] >= 0x80:
        if model.writer == id, model.isOpen || isOpening { model.keys += keys }
      case .sourceSaid(let bytes) where model.isOpen:
        for id in model.watchers.keys { model.watchers[id]?.shown += bytes }
      case .delivered(let id, let count): model.watchers[id]?.waiting -= count
      case .left(let id):
        model.watchers[id] = nil
        gone.insert(id)
      case .switched(let on): model.isOn = on
      case .sourceOpened where isOpening: (isOpening, model.isOpen) = (false, true)
      case .sourceFailed where isOpening:
        isOpening = false
        model.keys = []
      case .sourceEnded: model.isOpen = false
      default: break
      }

      var shown: [VisitorID: [UInt8]] = [:]
      for effect in effects {
        switch effect {
        case .send(let bytes, let id):
          #expect(!gone.contains(id), "seed \(seed), step \(step): something after the end")
          shown[id, default: []] += bytes.filter { $0 >= 0x80 }
          model.watchers[id]?.waiting += bytes.count
          #expect(model.watchers[id].map { $0.waiting <= Console.backlogLimit } ?? true)
        case .end(let id, _):
          gone.insert(id)
          model.watchers[id] = nil
        case .open:
          #expect(!isOpening && !model.isOpen, "seed \(seed), step \(step): opened twice")
          isOpening = true
        case .close: (isOpening, model.isOpen, model.keys) = (false, false, [])
        case .write(let bytes):
          #expect(model.isOpen, "seed \(seed), step \(step): keys for a source that is not there")
          #expect(bytes.elementsEqual(model.keys.prefix(bytes.count)), "seed \(seed), step \(step)")
          model.keys.removeFirst(min(bytes.count, model.keys.count))
        case .record(let bytes): model.recorded = (model.recorded + bytes).suffix(Self.kept)
        case .sendBreak, .resize, .began, .ended: break
        }
      }
      if let writer = model.writer, model.watchers[writer] == nil { model.writer = nil }
      for (id, bytes) in shown where model.watchers[id] != nil {
        try #require(bytes == model.watchers[id]?.shown, "seed \(seed), step \(step): \(id) is shown something else")
      }
      #expect(console.visitors.map(\.id) == model.watchers.keys.sorted(), "seed \(seed), step \(step)")
      #expect(console.writer == model.writer, "seed \(seed), step \(step)")
      #expect(console.isOpen == model.isOpen, "seed \(seed), step \(step)")
      #expect(console.writer.map { model.watchers[$0]?.mayWrite == true } ?? true)
      for id in model.watchers.keys { model.watchers[id]?.shown = [] }
    }
    #expect(next > 1_000)
  }
}
