// One console at the edge: the value decides, and what it wants is done here.

import FoundationEssentials
import Logging
import Machines
import NIOCore
import NIOPosix
import Host
import Net
import Ports
import Rack

/// Performs what a `Console` wants: opens its source, carries bytes, keeps the file and the journal.
///
/// ## Threads
/// Belongs to one event loop. Nothing here blocks: files are opened and shells are started on other threads.
final class ConsoleDesk {
  /// The same for all consoles.
  struct Context: Sendable {
    var directory: String
    var rights: Shell.Rights?
    var hidden: [String]
    var logger: Logger
    var note: @Sendable (ConsoleNote) -> Void
  }

  private static let earlyLimit = 256

  private let loop: any EventLoop
  private let context: Context
  private(set) var server: ConsoleServer
  private var console: Console
  private let log: ConsoleLog
  private var watchers: [VisitorID: any ConsoleWatcher] = [:]
  /// When each came, for people.
  private var arrivals: [VisitorID: Date] = [:]
  private var line: ConsoleLine?
  private var openedAt: Date?
  /// What was said before the daemon's start has not been read yet; this has happened meanwhile.
  private var early: [Console.Event]? = []
  /// Of the attempt that is wanted now: what an earlier one says is not heard.
  private var attempt = 0
  private var timer: Scheduled<Void>?

  init(of server: ConsoleServer, _ source: ConsoleServer.Source, on loop: any EventLoop, _ context: Context) {
    (self.server, self.loop, self.context) = (server, loop, context)
    console = Console(of: server.name, source: source.kind, isOn: server.isOn)
    log = ConsoleLog(context.directory, server.log, of: "\(server.id)", logger: context.logger)
    let desk = NIOLoopBound(self, eventLoop: loop)
    log.tail(Scrollback.standardLimit) { bytes in loop.execute { desk.value.begin(with: bytes) } }
  }

  private func begin(with bytes: [UInt8]) {
    guard let events = early else { return }
    early = nil
    console.recall(bytes)
    handle(.tick)
    for event in events { handle(event) }
  }

  func refusal(mayWrite: Bool) -> String? { console.refusal(mayWrite: mayWrite) }

  var status: ConsoleStatus {
    ConsoleStatus(
      server: server.id, since: line == nil ? nil : openedAt,
      watchers: console.visitors.map { entry in
        ConsoleStatus.Watcher(
          name: entry.visitor.name, from: entry.visitor.from, hasKeyboard: entry.id == console.writer,
          since: arrivals[entry.id] ?? .now)
      })
  }

  func arrive(_ id: VisitorID, _ visitor: Visitor, _ watcher: any ConsoleWatcher) {
    watchers[id] = watcher
    arrivals[id] = .now
    handle(.arrived(id, visitor))
  }

  /// What is known of the server now. It has a console.
  func follow(_ new: ConsoleServer, _ source: ConsoleServer.Source) {
    let old = server
    server = new
    if new.log != old.log { log.rename(to: new.log) }
    if new.name != old.name { handle(.renamed(new.name)) }
    if old.source != new.source { handle(.replaced(source.kind)) }
    handle(.switched(on: new.isOn))
  }

  func handle(_ event: Console.Event) {
    if let count = early?.count {
      // A disk that hangs holds keys; how many is bounded as they would be elsewhere.
      if case .typed = event, count >= Self.earlyLimit { return }
      early?.append(event)
      return
    }
    if case .left(let id) = event { (watchers[id], arrivals[id]) = (nil, nil) }
    for effect in console.handle(event, at: now) { perform(effect) }
    schedule()
  }

  private var now: Instant { NIODeadline.now().uptimeNanoseconds / 1_000_000 }

  /// None of these calls `handle` before it returns.
  private func perform(_ effect: Console.Effect) {
    switch effect {
    case .send(let bytes, let id):
      let count = bytes.count
      watchers[id]?.show(bytes, delivered: later { $0.handle(.delivered(id, count)) })
    case .end(let id, let reason):
      arrivals[id] = nil
      watchers.removeValue(forKey: id)?.end(reason)
    case .open(let size, let terminal): open(size, terminal)
    case .close:
      attempt += 1
      closeLine()
    case .write(let bytes):
      let (count, number) = (bytes.count, attempt)
      line?.write(bytes, taken: later { if $0.attempt == number { $0.handle(.sourceTook(count)) } })
    case .sendBreak: line?.sendBreak()
    case .resize(let size): line?.resize(size)
    case .record(let bytes): log.append(bytes)
    case .began(let visitor, let writes):
      let rights = writes ? "with the keyboard" : visitor.mayWrite ? "as a reader" : "read-only"
      note(.began, visitor, "\(visitor.name) came to the console of \(server.name) from \(visitor.from), \(rights)")
    case .ended(let visit):
      let wrote = visit.hasWritten ? ", had the keyboard" : ""
      note(
        .ended, visit.visitor,
        "\(visit.visitor.name) left the console of \(server.name) after \(visit.duration / 1000) s\(wrote)")
    }
  }

  private func note(_ kind: ConsoleNote.Kind, _ visitor: Visitor, _ text: String) {
    context.note(ConsoleNote(kind: kind, server: server.id, visitor: visitor, text: text))
  }

  private func schedule() {
    timer?.cancel()
    timer = console.deadline.map { deadline in
      let wait = TimeAmount.milliseconds(Int64(deadline - min(deadline, now)))
      return loop.scheduleTask(in: wait, later { $0.handle(.tick) })
    }
  }

  /// For closures that may come from anywhere; the desk is kept for as long.
  private func later(_ body: @escaping @Sendable (ConsoleDesk) -> Void) -> @Sendable () -> Void {
    let (loop, desk) = (loop, NIOLoopBound(self, eventLoop: loop))
    return { loop.execute { body(desk.value) } }
  }
}

// MARK: The source

extension ConsoleDesk {
  private func open(_ size: TerminalSize, _ terminal: String) {
    attempt += 1
    let number = attempt
    guard let route = route(size, terminal) else {
      return later { desk in
        if desk.attempt == number { desk.handle(.sourceFailed("this daemon starts no shells: console-shell is none")) }
      }()
    }
    let desk = NIOLoopBound(self, eventLoop: loop)
    route.open(on: loop) { channel, end in
      let line = ConsoleLine(channel, end)
      try channel.pipeline.syncOperations.addHandler(
        SourceReader(
          opened: { desk.value.opened(line, end, number) },
          said: { if desk.value.attempt == number { desk.value.handle(.sourceSaid($0)) } },
          ended: { desk.value.ended(line, number) }))
    }
    .whenFailure { error in
      guard desk.value.attempt == number else { return }
      desk.value.handle(.sourceFailed((error as? PortsFault)?.message ?? "\(error)"))
    }
  }

  /// `nil`: it may not be.
  private func route(_ size: TerminalSize, _ terminal: String) -> ConsoleRoute? {
    guard let source = server.source else { return nil }
    if case .shell = source, context.rights == nil { return nil }
    return ConsoleRoute(
      source: source, hostname: server.name, user: server.user, size: size, terminal: terminal,
      rights: context.rights ?? .confined, hidden: context.hidden)
  }

  private func opened(_ line: ConsoleLine, _ end: ConsoleLine.End, _ number: Int) {
    guard attempt == number else { return line.close() }
    (self.line, openedAt) = (line, .now)
    handle(.sourceOpened(canBreak: end.canBreak))
  }

  private func ended(_ line: ConsoleLine, _ number: Int) {
    guard attempt == number, self.line === line else { return }
    closeLine()
    handle(.sourceEnded(console.source == .shell ? "the shell has ended" : "machine disconnected"))
  }

  private func closeLine() {
    line?.close()
    (line, openedAt) = (nil, nil)
  }
}

extension ConsoleServer.Source {
  var kind: Console.Source {
    switch self {
    case .shell: .shell
    case .serial: .serial
    }
  }
}

/// Bytes of a machine, no faster than a fast line: a shell that writes without end would take a whole core, and throw
/// out everybody who watches.
///
/// Threads: belongs to the channel's event loop.
final class SourceReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// 64 KiB in 16 ms are 4 MB/s.
  static let portion = 64 << 10
  static let turn = TimeAmount.milliseconds(16)

  private let opened: () -> Void
  private let said: ([UInt8]) -> Void
  private let ended: () -> Void
  private var count = 0
  private var turnEnds = NIODeadline.distantPast
  private var pause: Scheduled<Void>?
  private var wantsRead = false

  init(opened: @escaping () -> Void, said: @escaping ([UInt8]) -> Void, ended: @escaping () -> Void) {
    (self.opened, self.said, self.ended) = (opened, said, ended)
  }

  func channelActive(context: ChannelHandlerContext) {
    opened()
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    let now = context.eventLoop.now
    if now >= turnEnds { (count, turnEnds) = (0, now + Self.turn) }
    count += bytes.readableBytes
    if count >= Self.portion, pause == nil { rest(context.channel, until: turnEnds) }
    said(Array(bytes.readableBytesView))
  }

  private func rest(_ channel: any Channel, until end: NIODeadline) {
    channel.setOption(.autoRead, value: false).whenFailure { _ in }
    pause = channel.eventLoop.assumeIsolated().scheduleTask(deadline: end) {
      self.pause = nil
      channel.setOption(.autoRead, value: true).whenFailure { _ in }
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    pause?.cancel()
    ended()
    context.fireChannelInactive()
  }

  /// EIO is how a terminal says that its last process has ended.
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
