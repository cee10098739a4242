import Net
import Testing

@testable import Machines

/// A console, and what each who watches has seen.
private struct Room {
  var console: Console
  var now: Instant = 0
  var shown: [Int: [UInt8]] = [:]
  var ended: [Int: String?] = [:]
  var other: [Console.Effect] = []

  init(_ source: Console.Source = .shell, isOn: Bool = true) {
    console = Console(of: "web1", source: source, isOn: isOn)
  }

  /// Those of its effects that are no bytes for somebody.
  @discardableResult
  mutating func handle(_ event: Console.Event) -> [Console.Effect] {
    let effects = console.handle(event, at: now)
    var rest: [Console.Effect] = []
    for effect in effects {
      switch effect {
      case .send(let bytes, let id): shown[id.number, default: []] += bytes
      case .end(let id, let reason): ended.updateValue(reason, forKey: id.number)
      default: rest.append(effect)
      }
    }
    other += rest
    return rest
  }

  @discardableResult
  mutating func arrive(
    _ number: Int, _ name: String, mayWrite: Bool = true, takes: Bool = false, replays: Bool = true,
    size: TerminalSize? = nil
  ) -> [Console.Effect] {
    handle(
      .arrived(
        VisitorID(number),
        Visitor(name: name, from: "the Unix socket", mayWrite: mayWrite, takes: takes, replays: replays, size: size)))
  }

  @discardableResult
  mutating func type(_ number: Int, _ text: String) -> [Console.Effect] {
    handle(.typed(VisitorID(number), Array(text.utf8)))
  }

  mutating func say(_ text: String) { handle(.sourceSaid(Array(text.utf8))) }

  /// What `number` has been shown since the last question.
  mutating func seen(_ number: Int) -> String {
    defer { shown[number] = [] }
    return String(decoding: shown[number] ?? [], as: UTF8.self)
  }
}

extension [Console.Effect] {
  fileprivate var written: String {
    String(
      decoding: flatMap { effect -> [UInt8] in if case .write(let bytes) = effect { bytes } else { [] } }, as: UTF8.self
    )
  }
}

@Suite("Console") struct ConsoleTests {
  private static let size = TerminalSize(rows: 40, columns: 120)!

  @Test("the first to come starts the shell with their window, is greeted, and has the keyboard")
  func first() {
    var room = Room()
    #expect(room.console.deadline == nil && room.other.isEmpty, "nobody watches: no shell")
    #expect(room.arrive(1, "anna", size: Self.size).contains(.open(Self.size, terminal: "vt100")))
    #expect(room.seen(1) == "\r\n[SOS session for web1, read-write, 1 connected. Use ~? for help.]\r\n")
    #expect(room.type(1, "id\r").isEmpty, "kept until the shell is there")
    #expect(room.handle(.sourceOpened(canBreak: false)).written == "id\r")
    #expect(room.type(1, "ls\r").written == "ls\r")
    room.say("uid=0\r\n")
    #expect(room.seen(1) == "uid=0\r\n")
  }

  @Test("who comes later sees what was said, then the greeting, and reads")
  func second() {
    var room = Room()
    room.arrive(1, "anna")
    room.handle(.sourceOpened(canBreak: false))
    room.say("# ")
    room.arrive(2, "bert")
    #expect(room.seen(2) == "# \r\n[SOS session for web1, read-only, 2 connected. Use ~? for help.]\r\n")
    #expect(room.type(2, "rm -rf /\r").written == "")
    #expect(room.seen(2) == "\r\n[read-only: ~t takes the keyboard]\r\n")
    #expect(room.type(2, "again").written == "" && room.seen(2) == "", "said once")
    room.arrive(3, "carl", replays: false)
    #expect(room.seen(3) == "\r\n[SOS session for web1, read-only, 3 connected. Use ~? for help.]\r\n")
  }

  @Test("the keyboard goes to who takes it, on arrival or by ~t, and both are told")
  func take() {
    var room = Room()
    room.arrive(1, "anna")
    room.handle(.sourceOpened(canBreak: false))
    _ = room.seen(1)
    #expect(room.arrive(2, "bert", takes: true, size: Self.size).contains(.resize(Self.size)))
    #expect(room.seen(2).contains("read-write, 2 connected"))
    #expect(room.seen(1) == "\r\n[bert has taken the keyboard]\r\n")
    #expect(room.type(2, "x").written == "x" && room.type(1, "y").written == "")
    _ = room.seen(1)
    room.type(1, "~t")
    #expect(room.type(1, "z").written == "z" && room.type(2, "w").written == "")
    #expect(room.seen(1) == "\r\n[you have the keyboard now]\r\n")
    #expect(room.seen(2).hasPrefix("\r\n[anna has taken the keyboard]\r\n"))
  }

  @Test("who is read-only never has the keyboard, neither as the first nor by ~t, and the next to come has it")
  func readOnly() {
    var room = Room()
    room.arrive(1, "guest", mayWrite: false)
    room.handle(.sourceOpened(canBreak: false))
    #expect(room.seen(1).contains("read-only, 1 connected"))
    room.type(1, "~t")
    #expect(room.seen(1) == "\r\n[this session is read-only and cannot take the keyboard]\r\n")
    #expect(room.type(1, "x").written == "")
    room.arrive(2, "anna")
    #expect(room.seen(2).contains("read-write, 2 connected"))
  }

  @Test("when who has the keyboard leaves nobody is promoted: ~t takes it, or the next to come")
  func noPromotion() {
    var room = Room()
    for (number, name) in [(1, "anna"), (2, "bert")] { room.arrive(number, name) }
    room.handle(.sourceOpened(canBreak: false))
    _ = room.seen(2)
    room.handle(.left(VisitorID(1)))
    #expect(room.seen(2) == "\r\n[anna has left; ~t takes the keyboard]\r\n")
    #expect(room.type(2, "x").written == "" && room.console.writer == nil)
    room.arrive(3, "carl")
    #expect(room.type(3, "y").written == "y")
    room.handle(.left(VisitorID(3)))
    room.type(2, "~t")
    #expect(room.type(2, "z").written == "z")
  }

  @Test("~. leaves, ~? and ~w answer the one who asks, ~~ types one tilde")
  func escapes() {
    var room = Room()
    room.arrive(1, "anna")
    room.arrive(2, "guest", mayWrite: false)
    room.handle(.sourceOpened(canBreak: false))
    (_, _) = (room.seen(1), room.seen(2))
    room.now = 65_000
    #expect(room.type(1, "~?~w~~").written == "~")
    let answer = room.seen(1)
    #expect(answer.contains("~t  take the keyboard"))
    #expect(
      answer.hasSuffix(
        "\r\n[anna (you) from the Unix socket has the keyboard, for 1 min\r\n"
          + " guest from the Unix socket watches, read-only, for 1 min]\r\n"
      ))
    #expect(room.seen(2) == "")
    let visit = Visit(
      visitor: Visitor(name: "anna", from: "the Unix socket", mayWrite: true), hasWritten: true, duration: 65_000)
    #expect(room.type(1, "\r~.not seen").contains(.ended(visit)))
    #expect(room.ended[1] == .some(nil))
    #expect(room.type(1, "late").isEmpty)
  }

  @Test("a break goes to a serial device, from who has the keyboard")
  func sendBreak() {
    var room = Room(.serial)
    #expect(room.handle(.tick) == [.open(.standard, terminal: "vt100")])
    room.handle(.sourceOpened(canBreak: true))
    room.arrive(1, "anna")
    room.arrive(2, "bert")
    #expect(room.type(1, "~B") == [.sendBreak])
    #expect(room.type(2, "~B").isEmpty && room.seen(2).hasSuffix("[a break is for who has the keyboard]\r\n"))
    room.handle(.sourceEnded("machine disconnected"))
    room.type(1, "~B")
    #expect(room.seen(1).hasSuffix("[a break cannot be sent to web1: only a serial device knows it]\r\n"))
  }

  @Test("the seventeenth is refused, and comes in when one has left")
  func limit() {
    var room = Room()
    for number in 1...16 { room.arrive(number, "v\(number)") }
    #expect(room.console.refusal(mayWrite: true) != nil)
    room.arrive(17, "v17")
    #expect(room.ended[17]??.hasPrefix("the console of web1 has 16 watchers") == true)
    room.handle(.left(VisitorID(3)))
    room.arrive(18, "v18")
    #expect(room.ended[18] == nil && room.seen(18).contains("16 connected"))
  }

  @Test("half of the places are for those who may write: readers cannot keep them out")
  func readers() {
    var room = Room()
    for number in 1...8 { room.arrive(number, "v\(number)", mayWrite: false) }
    #expect(room.console.refusal(mayWrite: false) != nil && room.console.refusal(mayWrite: true) == nil)
    room.arrive(9, "v9", mayWrite: false)
    #expect(room.ended[9]??.hasPrefix("the console of web1 has 8 read-only watchers") == true)
    room.arrive(10, "anna")
    #expect(room.ended[10] == nil && room.console.writer == VisitorID(10))
    room.handle(.left(VisitorID(3)))
    room.arrive(11, "v11", mayWrite: false)
    #expect(room.ended[11] == nil)
  }

  @Test("who lets 256 KiB wait is let go; the others and the source go on")
  func slow() {
    var room = Room()
    room.arrive(1, "anna")
    room.arrive(2, "sleeper")
    room.handle(.sourceOpened(canBreak: false))
    let greeting = room.shown[2]!.count
    let piece = [UInt8](repeating: 0x41, count: 4096)
    for _ in 0..<(Console.backlogLimit - greeting) / 4096 {
      room.handle(.sourceSaid(piece))
      room.handle(.delivered(VisitorID(1), 4096))
    }
    #expect(room.ended.isEmpty)
    room.handle(.sourceSaid(piece))
    #expect(room.ended[2]??.hasPrefix("you read too slowly") == true && room.ended[1] == nil)
    #expect(room.console.visitors.map(\.id.number) == [1])
  }

  @Test("a shell that ends is started again while somebody watches; one that ends at once, after a second")
  func again() {
    var room = Room()
    room.arrive(1, "anna")
    room.now = 10
    room.handle(.sourceOpened(canBreak: false))
    room.now = 2_000
    room.handle(.sourceEnded("the shell has ended"))
    #expect(room.seen(1).hasSuffix("\r\n[console: the shell has ended]\r\n"))
    #expect(room.console.deadline == 2_100)
    room.now = 2_100
    #expect(room.handle(.tick) == [.open(.standard, terminal: "vt100")])
    room.handle(.sourceOpened(canBreak: false))
    room.handle(.sourceEnded("the shell has ended"))
    #expect(room.console.deadline == 3_100)
    room.handle(.left(VisitorID(1)))
    room.now = 3_100
    #expect(room.handle(.tick).isEmpty && room.console.deadline == nil, "nobody watches")
    #expect(room.arrive(2, "bert").contains(.open(.standard, terminal: "vt100")))
    #expect(room.seen(2).hasPrefix("\r\n[console: the shell has ended]"))
  }

  @Test("why a shell cannot be started is said once, as long as it is the same, and each second it is tried again")
  func cannotStart() {
    var room = Room()
    room.arrive(1, "anna")
    _ = room.seen(1)
    for (second, reason) in ["no namespace", "no namespace", "no memory"].enumerated() {
      room.now = Instant(second) * 1_000
      room.handle(.tick)
      room.handle(.sourceFailed(reason))
      #expect(room.seen(1) == (second == 1 ? "" : "\r\n[console: \(reason)]\r\n"))
      #expect(room.console.deadline == room.now + 1_000)
    }
  }

  @Test("a serial line is tried each 100 ms without a word, kept whoever watches, and its loss is said once")
  func serial() {
    var room = Room(.serial)
    for attempt in 0..<3 {
      room.now = Instant(attempt) * 100
      #expect(room.handle(.tick) == [.open(.standard, terminal: "vt100")])
      #expect(room.handle(.sourceFailed("no such file")).isEmpty && room.console.deadline == room.now + 100)
    }
    room.arrive(7, "early")
    _ = room.seen(7)
    room.type(7, "root\r")
    #expect(room.seen(7) == "\r\n[web1 does not answer: no such file]\r\n")
    room.handle(.left(VisitorID(7)))
    room.now = 300
    room.handle(.tick)
    room.handle(.sourceOpened(canBreak: false))
    room.say("login: ")
    room.handle(.sourceEnded("machine disconnected"))
    room.arrive(1, "anna")
    #expect(room.seen(1).hasPrefix("login: \r\n[console: machine disconnected]\r\n\r\n[SOS session"))
    room.type(1, "root\r")
    #expect(room.seen(1) == "\r\n[web1 does not answer]\r\n")
    room.now = 400
    room.handle(.tick)
    room.handle(.sourceOpened(canBreak: false))
    #expect(room.seen(1) == "\r\n[console: machine connected]\r\n")
  }

  @Test("without power the shell ends and the console says so, to those who come as well; with power it goes on")
  func power() {
    var room = Room()
    room.arrive(1, "anna")
    room.handle(.sourceOpened(canBreak: false))
    _ = room.seen(1)
    #expect(room.handle(.switched(on: false)).contains(.close))
    #expect(room.seen(1) == "\r\n[web1 is switched off]\r\n")
    room.type(1, "x")
    #expect(room.seen(1) == "\r\n[web1 is switched off]\r\n")
    room.arrive(2, "bert")
    #expect(room.seen(2).hasSuffix("Use ~? for help.]\r\n\r\n[web1 is switched off]\r\n"))
    #expect(room.console.deadline == nil)
    #expect(room.handle(.switched(on: true)).contains(.open(.standard, terminal: "vt100")))
    var serial = Room(.serial, isOn: false)
    #expect(serial.handle(.tick) == [.open(.standard, terminal: "vt100")], "the machine is not ours to switch")
  }

  @Test("when the server is deleted all are told why, once, and nothing follows")
  func closed() {
    var room = Room()
    for (number, name) in [(1, "anna"), (2, "bert")] { room.arrive(number, name) }
    room.handle(.sourceOpened(canBreak: false))
    (_, _) = (room.seen(1), room.seen(2))
    let effects = room.handle(.closed("web1 was deleted"))
    #expect(effects.first == .close && effects.count == 3)
    #expect(room.ended == [1: "web1 was deleted", 2: "web1 was deleted"] && room.seen(2) == "")
    #expect(room.handle(.sourceSaid([1])).isEmpty && room.handle(.tick).isEmpty)
  }

  @Test("keys that the machine does not take are dropped beyond 1 MiB, which is said once; ~. still leaves")
  func flood() {
    var room = Room()
    room.arrive(1, "anna")
    room.handle(.sourceOpened(canBreak: false))
    _ = room.seen(1)
    let piece = String(repeating: "x", count: 65_536)
    for _ in 0..<16 { #expect(room.type(1, piece).written == piece) }
    #expect(room.type(1, piece).written == "" && room.type(1, piece).written == "")
    #expect(room.seen(1) == "\r\n[web1 does not take what is typed; it is dropped until it does]\r\n")
    room.handle(.sourceTook(1 << 20))
    #expect(room.type(1, "\r").written == "\r")
    room.type(1, "~.")
    #expect(room.ended[1] == .some(nil))
  }

  @Test("what is said is recorded, also the console's own words about the machine, but not a greeting")
  func record() {
    var room = Room()
    room.arrive(1, "anna")
    room.handle(.sourceOpened(canBreak: false))
    room.say("hello")
    room.handle(.switched(on: false))
    let recorded = room.other.flatMap { effect -> [UInt8] in if case .record(let bytes) = effect { bytes } else { [] } }
    #expect(String(decoding: recorded, as: UTF8.self) == "hello\r\n[web1 is switched off]\r\n")
  }

  @Test("another source closes the old one; what it still says is not heard")
  func replaced() {
    var room = Room()
    room.arrive(1, "anna")
    room.handle(.sourceOpened(canBreak: false))
    _ = room.seen(1)
    #expect(
      room.handle(.replaced(.serial)).filter { $0 == .close || $0 == .open(.standard, terminal: "vt100") }.count == 2)
    room.say("old")
    #expect(room.seen(1) == "\r\n[console: another source]\r\n")
  }
}
