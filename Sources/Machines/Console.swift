public import Net

/// The console of one server: what its machine says goes to all who watch, and what one of them types goes to the
/// machine.
///
/// ## How it works
/// Sans-IO: events and the time come in as arguments, effects leave as the result, `deadline` says when to come back.
/// Somebody else opens the source, reads and writes it, and carries bytes to those who watch.
///
///     source   idle ──wanted──▶ opening ──opened──▶ open ──ended──▶ waiting ──its time──▶ opening
///                                  └──────failed──────────────────────┘
///
/// A serial line is wanted always, and tried again each 100 ms: what the machine says while nobody watches is kept. A
/// shell is wanted while somebody watches and the server has power; one that has ended at once is tried again after a
/// second.
///
/// One of those who watch has the keyboard: the first who may write, or who takes it. When they leave nobody is
/// promoted: a line typed by one who does not know that they have the keyboard does harm.
///
/// ## Limits
/// 64 KiB of what was said are kept (`Scrollback`), 16 watch, of whom at most 8 may not write, and one who lets 256 KiB
/// wait is let go, so that the source never waits for anybody. Keys that the machine does not take are dropped beyond 1
/// MiB.
///
/// ## Invariants
/// 1. Whoever has the keyboard is connected and may write.
/// 2. After `end` a visitor gets nothing more.
/// 3. `write` comes only while the source is open.
public struct Console: Sendable {
  public static let visitorLimit = 16
  /// Of those, who may not write: they cannot keep out who may.
  public static let readerLimit = 8
  /// Bytes on the way to one who watches.
  public static let backlogLimit = 256 << 10
  /// Bytes on the way to the machine.
  public static let keysLimit = 1 << 20
  /// Between two attempts to open a source.
  public static let pause: Instant = 100
  /// After a shell that has lived shorter than this, and before the next one.
  public static let shortLife: Instant = 1000

  /// What the machine is reached by.
  public enum Source: Hashable, Sendable {
    /// A shell that is started for the console.
    case shell
    /// A line to a machine that runs by itself.
    case serial
  }

  public enum Event: Sendable {
    case arrived(VisitorID, Visitor)
    case typed(VisitorID, [UInt8])
    case resized(VisitorID, TerminalSize)
    /// So many of the bytes for a visitor have gone.
    case delivered(VisitorID, Int)
    case left(VisitorID)
    /// `canBreak`: the source knows what a break is.
    case sourceOpened(canBreak: Bool)
    case sourceFailed(String)
    case sourceSaid([UInt8])
    /// The machine has taken so many keys.
    case sourceTook(Int)
    case sourceEnded(String)
    case switched(on: Bool)
    case renamed(String)
    /// Another source, or the same at another place.
    case replaced(Source)
    /// There will be no console any more.
    case closed(String)
    case tick
  }

  public enum Effect: Equatable, Sendable {
    case send([UInt8], to: VisitorID)
    /// The last that a visitor gets, after what was sent. `nil`: they have left by themselves.
    case end(VisitorID, String?)
    case open(TerminalSize, terminal: String)
    case close
    case write([UInt8])
    case sendBreak
    case resize(TerminalSize)
    /// For the file of what was said.
    case record([UInt8])
    case began(Visitor, writes: Bool)
    case ended(Visit)
  }

  private enum Link: Equatable, Sendable {
    case idle
    case opening
    case open(since: Instant, canBreak: Bool)
    case waiting(until: Instant)
  }

  private struct Watcher: Sendable {
    var visitor: Visitor
    var since: Instant
    var escapes = EscapeReader()
    /// Bytes on the way.
    var backlog = 0
    var hasWritten: Bool
    /// Has been told that keys of theirs go nowhere.
    var isWarned = false
  }

  /// Of the server.
  public private(set) var name: String
  public private(set) var source: Source
  public private(set) var isOn: Bool
  public private(set) var scrollback: Scrollback
  private var link = Link.idle
  private var watchers: [VisitorID: Watcher] = [:]
  /// Who has the keyboard.
  public private(set) var writer: VisitorID?
  /// Keys on the way to the machine.
  private var keys = 0
  /// Keys for a source that is being opened.
  private var early: [UInt8] = []
  /// The machine has been there before, so that its absence is news.
  private var hasSpoken = false
  /// Why the source could not be opened last, which was said.
  private var lastFailure: String?
  /// Keys have been dropped, which was said.
  private var isDropping = false
  private var isClosed = false

  public init(of name: String, source: Source, isOn: Bool, scrollback: Scrollback = Scrollback()) {
    (self.name, self.source, self.isOn, self.scrollback) = (name, source, isOn, scrollback)
  }

  /// When `tick` is due.
  public var deadline: Instant? { if case .waiting(let until) = link { until } else { nil } }

  public var isOpen: Bool { if case .open = link { true } else { false } }

  /// Those who watch, in the order in which they came, and since when.
  public var visitors: [(id: VisitorID, visitor: Visitor, since: Instant)] {
    watchers.sorted { $0.key < $1.key }.map { ($0.key, $0.value.visitor, $0.value.since) }
  }

  /// Why one more, who may write or not, cannot come now; `nil`: they can.
  public func refusal(mayWrite: Bool) -> String? {
    let readers = watchers.values.count { !$0.visitor.mayWrite }
    if !mayWrite, readers >= Self.readerLimit {
      return "the console of \(name) has \(Self.readerLimit) read-only watchers, which is the limit; "
        + "try again when one has left"
    }
    guard watchers.count >= Self.visitorLimit else { return nil }
    return "the console of \(name) has \(Self.visitorLimit) watchers, which is the limit; try again when one has left"
  }

  /// What was said before, of which nobody has been told yet.
  public mutating func recall(_ bytes: some Collection<UInt8>) {
    precondition(scrollback.count == 0 && watchers.isEmpty, "the past comes first")
    scrollback.append(bytes)
  }

  /// An event that does not fit the state (bytes of a source that was closed meanwhile, keys of one who was let go) has
  /// no effect.
  public mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    guard !isClosed else { return [] }
    var effects: [Effect] = []
    switch event {
    case .arrived(let id, let visitor): arrive(id, visitor, now, &effects)
    case .typed(let id, let keys): type(keys, of: id, now, &effects)
    case .resized(let id, let size): resize(id, size, &effects)
    case .delivered(let id, let count): watchers[id]?.backlog -= count
    case .left(let id): leave(id, now, &effects)
    case .sourceOpened(let canBreak): opened(canBreak, now, &effects)
    case .sourceFailed(let reason): failed(reason, now, &effects)
    case .sourceSaid(let bytes): if isOpen { publish(bytes, now, &effects) }
    case .sourceTook(let count): took(count)
    case .sourceEnded(let reason): sourceEnded(reason, now, &effects)
    case .switched(let on): switchPower(on, now, &effects)
    case .renamed(let new): name = new
    case .replaced(let new): replace(new, now, &effects)
    case .closed(let reason): close(reason, now, &effects)
    case .tick: tick(now, &effects)
    }
    return effects
  }
}

// MARK: Those who watch

extension Console {
  private mutating func arrive(_ id: VisitorID, _ visitor: Visitor, _ now: Instant, _ effects: inout [Effect]) {
    if let refusal = refusal(mayWrite: visitor.mayWrite) { return effects.append(.end(id, refusal)) }
    let writes = visitor.mayWrite && (writer == nil || visitor.takes)
    watchers[id] = Watcher(visitor: visitor, since: now, hasWritten: writes)
    if visitor.replays { send(scrollback.bytes, to: id, now, &effects) }
    if writes, let former = writer { tell(former, "\(visitor.name) has taken the keyboard", now, &effects) }
    if writes { writer = id }
    send(
      ConsoleText.greeting(name, canWrite: writes, connected: watchers.count), to: id, now, &effects)
    if !isOn { tell(id, ConsoleText.switched(name, on: false), now, &effects) }
    effects.append(.began(visitor, writes: writes))
    if writes, isOpen, let size = visitor.size { effects.append(.resize(size)) }
    seek(now, &effects)
  }

  private mutating func leave(_ id: VisitorID, _ now: Instant, _ effects: inout [Effect]) {
    guard let watcher = watchers.removeValue(forKey: id) else { return }
    effects.append(
      .ended(Visit(visitor: watcher.visitor, hasWritten: watcher.hasWritten, duration: now - watcher.since)))
    guard writer == id else { return }
    writer = nil
    for other in watchers.keys.sorted() where watchers[other]?.visitor.mayWrite == true {
      tell(other, "\(watcher.visitor.name) has left; ~t takes the keyboard", now, &effects)
    }
  }

  /// Lets a visitor go.
  private mutating func end(_ id: VisitorID, _ reason: String?, _ now: Instant, _ effects: inout [Effect]) {
    guard watchers[id] != nil else { return }
    effects.append(.end(id, reason))
    leave(id, now, &effects)
  }

  private mutating func resize(_ id: VisitorID, _ size: TerminalSize, _ effects: inout [Effect]) {
    guard watchers[id] != nil else { return }
    watchers[id]?.visitor.size = size
    if writer == id, isOpen { effects.append(.resize(size)) }
  }

  private mutating func takeKeyboard(_ id: VisitorID, _ now: Instant, _ effects: inout [Effect]) {
    guard let watcher = watchers[id] else { return }
    guard watcher.visitor.mayWrite else {
      return tell(id, "this session is read-only and cannot take the keyboard", now, &effects)
    }
    if writer == id { return tell(id, "you have the keyboard", now, &effects) }
    if let former = writer { tell(former, "\(watcher.visitor.name) has taken the keyboard", now, &effects) }
    writer = id
    watchers[id]?.hasWritten = true
    tell(id, "you have the keyboard now", now, &effects)
    if isOpen, let size = watcher.visitor.size { effects.append(.resize(size)) }
  }

  private mutating func showWho(to id: VisitorID, _ now: Instant, _ effects: inout [Effect]) {
    let lines = visitors.map { entry in
      let role =
        entry.id == writer ? "has the keyboard" : entry.visitor.mayWrite ? "watches" : "watches, read-only"
      let you = entry.id == id ? " (you)" : ""
      let span = ConsoleText.span(now - entry.since)
      return "\(entry.visitor.name)\(you) from \(entry.visitor.from) \(role), for \(span)"
    }
    send(Array("\r\n[\(lines.joined(separator: "\r\n "))]\r\n".utf8), to: id, now, &effects)
  }

  private mutating func tell(_ id: VisitorID, _ text: String, _ now: Instant, _ effects: inout [Effect]) {
    send(ConsoleText.line(text), to: id, now, &effects)
  }

  private mutating func send(_ bytes: [UInt8], to id: VisitorID, _ now: Instant, _ effects: inout [Effect]) {
    guard let backlog = watchers[id]?.backlog, !bytes.isEmpty else { return }
    guard backlog + bytes.count <= Self.backlogLimit else {
      return end(id, "you read too slowly: \(backlog) bytes were waiting", now, &effects)
    }
    watchers[id]?.backlog = backlog + bytes.count
    effects.append(.send(bytes, to: id))
  }
}

// MARK: Keys

extension Console {
  private mutating func type(_ keys: [UInt8], of id: VisitorID, _ now: Instant, _ effects: inout [Effect]) {
    guard let items = watchers[id]?.escapes.read(keys) else { return }
    for item in items {
      // One of them may have been the last.
      guard watchers[id] != nil else { return }
      switch item {
      case .keys(let keys): pass(keys, of: id, now, &effects)
      case .command(.leave): end(id, nil, now, &effects)
      case .command(.help): send(ConsoleText.help, to: id, now, &effects)
      case .command(.takeKeyboard): takeKeyboard(id, now, &effects)
      case .command(.who): showWho(to: id, now, &effects)
      case .command(.sendBreak): sendBreak(id, now, &effects)
      }
    }
  }

  private mutating func pass(_ bytes: [UInt8], of id: VisitorID, _ now: Instant, _ effects: inout [Effect]) {
    guard writer == id else {
      watchers[id]?.escapes.startLine()
      let mayWrite = watchers[id]?.visitor.mayWrite == true
      return warn(id, mayWrite ? "read-only: ~t takes the keyboard" : "this session is read-only", now, &effects)
    }
    switch link {
    case .opening where early.count + bytes.count <= Self.keysLimit: early += bytes
    case .open where keys + bytes.count <= Self.keysLimit:
      keys += bytes.count
      watchers[id]?.isWarned = false
      effects.append(.write(bytes))
    case .open, .opening:
      guard !isDropping else { return }
      isDropping = true
      tell(id, "\(name) does not take what is typed; it is dropped until it does", now, &effects)
    case .idle, .waiting:
      warn(id, isOn ? silence : ConsoleText.switched(name, on: false), now, &effects)
    }
  }

  /// What one is told who types to a machine that is not there.
  private var silence: String { "\(name) does not answer" + (lastFailure.map { ": \($0)" } ?? "") }

  /// Says it once, not with each key.
  private mutating func warn(_ id: VisitorID, _ text: String, _ now: Instant, _ effects: inout [Effect]) {
    guard watchers[id]?.isWarned == false else { return }
    watchers[id]?.isWarned = true
    tell(id, text, now, &effects)
  }

  private mutating func sendBreak(_ id: VisitorID, _ now: Instant, _ effects: inout [Effect]) {
    guard writer == id else { return tell(id, "a break is for who has the keyboard", now, &effects) }
    guard case .open(_, canBreak: true) = link else {
      return tell(id, "a break cannot be sent to \(name): only a serial device knows it", now, &effects)
    }
    effects.append(.sendBreak)
  }

  private mutating func took(_ count: Int) {
    keys = max(0, keys - count)
    if keys == 0 { isDropping = false }
  }
}

// MARK: The source

extension Console {
  /// A serial line belongs to a machine of its own, which may be on whatever its server is here.
  private var isWanted: Bool {
    switch source {
    case .serial: true
    case .shell: isOn && !watchers.isEmpty
    }
  }

  /// Opens the source if it is wanted and nothing is under way.
  private mutating func seek(_ now: Instant, _ effects: inout [Effect]) {
    guard link == .idle, isWanted else { return }
    link = .opening
    let shown = writer.flatMap { watchers[$0]?.visitor } ?? watchers.min { $0.key < $1.key }?.value.visitor
    effects.append(.open(shown?.size ?? .standard, terminal: shown?.terminal ?? "vt100"))
  }

  private mutating func tick(_ now: Instant, _ effects: inout [Effect]) {
    if case .waiting(let until) = link, now >= until { link = .idle }
    seek(now, &effects)
  }

  private mutating func opened(_ canBreak: Bool, _ now: Instant, _ effects: inout [Effect]) {
    guard link == .opening else { return }
    link = .open(since: now, canBreak: canBreak)
    if source == .serial, hasSpoken { publish(ConsoleText.line("console: machine connected"), now, &effects) }
    hasSpoken = true
    (keys, isDropping, lastFailure) = (early.count, false, nil)
    if !early.isEmpty { effects.append(.write(early)) }
    early = []
    if let writer, let size = watchers[writer]?.visitor.size { effects.append(.resize(size)) }
  }

  private mutating func failed(_ reason: String, _ now: Instant, _ effects: inout [Effect]) {
    guard link == .opening else { return }
    early = []
    switch source {
    // It is not there yet, which is no news each 100 ms.
    case .serial:
      link = .waiting(until: now + Self.pause)
      lastFailure = reason
    case .shell:
      link = .waiting(until: now + Self.shortLife)
      if reason != lastFailure { publish(ConsoleText.line("console: \(reason)"), now, &effects) }
      lastFailure = reason
    }
  }

  private mutating func sourceEnded(_ reason: String, _ now: Instant, _ effects: inout [Effect]) {
    guard case .open(let since, canBreak: _) = link else { return }
    let isShort = source == .shell && now - since < Self.shortLife
    link = .waiting(until: now + (isShort ? Self.shortLife : Self.pause))
    (keys, isDropping) = (0, false)
    publish(ConsoleText.line("console: \(reason)"), now, &effects)
  }

  private mutating func switchPower(_ on: Bool, _ now: Instant, _ effects: inout [Effect]) {
    guard on != isOn else { return }
    isOn = on
    if !on, source == .shell { shut(&effects) }
    publish(ConsoleText.line(ConsoleText.switched(name, on: on)), now, &effects)
    for id in watchers.keys { watchers[id]?.isWarned = false }
    if on, case .waiting = link { link = .idle }
    seek(now, &effects)
  }

  private mutating func replace(_ new: Source, _ now: Instant, _ effects: inout [Effect]) {
    shut(&effects)
    (source, hasSpoken, lastFailure) = (new, false, nil)
    publish(ConsoleText.line("console: another source"), now, &effects)
    seek(now, &effects)
  }

  private mutating func close(_ reason: String, _ now: Instant, _ effects: inout [Effect]) {
    shut(&effects)
    // They all go, so nobody has to be told that the keyboard is free.
    writer = nil
    for id in watchers.keys.sorted() { end(id, reason, now, &effects) }
    isClosed = true
  }

  private mutating func shut(_ effects: inout [Effect]) {
    if link == .opening || isOpen { effects.append(.close) }
    (link, keys, early, isDropping) = (.idle, 0, [], false)
  }

  /// For all who watch, those who come later, and the file.
  private mutating func publish(_ bytes: [UInt8], _ now: Instant, _ effects: inout [Effect]) {
    guard !bytes.isEmpty else { return }
    scrollback.append(bytes)
    effects.append(.record(bytes))
    for id in watchers.keys.sorted() { send(bytes, to: id, now, &effects) }
  }
}
