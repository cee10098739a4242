// `console.sock`: where the programs that sshd starts ask for keys and come to consoles.

import Glibc
public import Machines
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix

/// Serves `console.sock` (`SOSLine`).
///
/// ## How it works
/// Who connects is asked of the kernel (SO_PEERCRED): root, the daemon's own user, or the user that sshd's programs run
/// as; then the login's name and key are sshd's word. Whatever a line asks for is answered by `Desk`, which knows the
/// rack. One visitor is one more `ConsoleWatcher`.
///
/// ## Threads
/// Any. Each connection belongs to its channel's event loop.
public struct SOSSocket: Sendable {
  /// What a line is answered with.
  public struct Desk: Sendable {
    public var keys: @Sendable (_ login: String) async -> [String]
    /// Who comes, and where to, or why not.
    public var admit: @Sendable (SOSCall) async -> Result<SOSVisit, SOSRefusal>

    public init(
      keys: @escaping @Sendable (String) async -> [String],
      admit: @escaping @Sendable (SOSCall) async -> Result<SOSVisit, SOSRefusal>
    ) {
      (self.keys, self.admit) = (keys, admit)
    }
  }

  public let path: String
  let hub: ConsoleHub
  let desk: Desk
  /// Users who may connect.
  let users: Set<UInt32>

  /// Connections at once. sshd has limits of its own.
  static let limit = 512
  /// For the line to come.
  static let patience = TimeAmount.seconds(10)
  /// Between two questions whether the visitor may still be here.
  static let pulse = TimeAmount.seconds(15)

  public init(path: String, hub: ConsoleHub, desk: Desk, users: Set<UInt32>) {
    (self.path, self.hub, self.desk, self.users) = (path, hub, desk, users)
  }

  /// Listens. The caller closes the channel. Only the owner can connect until `chmod` says otherwise.
  public func open() async throws -> any Channel {
    let counter = ConnectionCount(limit: Self.limit)
    return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .childChannelInitializer { [self] channel in
        guard counter.take() else { return channel.close() }
        channel.closeFuture.whenComplete { _ in counter.giveBack() }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(SOSSession(self))
        }
      }
      .childChannelOption(.autoRead, value: false)
      .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
  }
}

/// Somebody who has been let in.
public struct SOSVisit: Sendable {
  public var server: ConsoleServer
  public var visitor: Visitor
  /// Asked now and then: `nil` while they may be here, else why not.
  public var ending: @Sendable () async -> String?

  public init(server: ConsoleServer, visitor: Visitor, ending: @escaping @Sendable () async -> String?) {
    (self.server, self.visitor, self.ending) = (server, visitor, ending)
  }
}

/// Why somebody is not let in: one sentence for them.
public struct SOSRefusal: Error, Sendable {
  public var message: String
  public init(_ message: String) { self.message = message }
}

/// How many connections there are.
final class ConnectionCount: Sendable {
  private let left: NIOLockedValueBox<Int>

  init(limit: Int) { left = NIOLockedValueBox(limit) }

  /// False: there are as many as there may be.
  func take() -> Bool {
    left.withLockedValue { left in
      guard left > 0 else { return false }
      left -= 1
      return true
    }
  }

  func giveBack() { left.withLockedValue { $0 += 1 } }
}

/// One connection to `console.sock`.
///
/// Threads: belongs to the channel's event loop.
final class SOSSession: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Keys on the way to the hub; beyond it nothing is read, and the visitor's own sshd holds them.
  private static let waitingLimit = 128 << 10
  private static let frameCost = 256
  /// Between the word of the end and the end.
  private static let linger = TimeAmount.seconds(2)

  private let socket: SOSSocket
  private var context: ChannelHandlerContext?
  /// Until its end has come.
  private var line: [UInt8]? = []
  private var frames = SOSFrameReader()
  /// What came behind the line before the visitor was let in.
  private var early: [UInt8] = []
  private var seat: ConsoleSeat?
  private var isOver = false
  private var timer: Scheduled<Void>?
  private var waiting = 0

  /// `struct ucred`, unix(7).
  private struct Credentials {
    var process: Int32, user: UInt32, group: UInt32
  }

  init(_ socket: SOSSocket) { self.socket = socket }

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    let session = NIOLoopBound(self, eventLoop: context.eventLoop)
    let users = socket.users
    guard let provider = context.channel as? any SocketOptionProvider else { return context.close(promise: nil) }
    let asked: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    asked.map { users.contains($0.user) }.hop(to: context.eventLoop).whenComplete { result in
      guard case .success(true) = result else { return session.value.drop() }
      session.value.timer = session.value.context?.eventLoop.scheduleTask(in: SOSSocket.patience) {
        session.value.drop()
      }
      session.value.read()
    }
  }

  private func drop() { context?.close(promise: nil) }

  private func read() {
    context?.channel.setOption(.autoRead, value: true).whenFailure { _ in }
  }

  private func rest() {
    context?.channel.setOption(.autoRead, value: false).whenFailure { _ in }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = Array(unwrapInboundIn(data).readableBytesView)
    guard !isOver else { return }
    guard var text = line else { return take(bytes) }
    text += bytes
    guard let end = text.firstIndex(of: UInt8(ascii: "\n")) else {
      line = text
      return text.count > SOSLine.limit ? finish("a line has at most \(SOSLine.limit) bytes") : ()
    }
    line = nil
    timer?.cancel()
    early = Array(text[(end + 1)...])
    answer(String(decoding: text[..<end], as: UTF8.self))
  }

  private func answer(_ text: String) {
    guard let context else { return }
    let (session, loop) = (NIOLoopBound(self, eventLoop: context.eventLoop), context.eventLoop)
    let socket = socket
    switch SOSLine(text) {
    case .keys(let login):
      rest()
      Task {
        let lines = await socket.desk.keys(login)
        loop.execute { session.value.give(lines) }
      }
    case .console(let call):
      // Nothing is read until it is known who it is.
      rest()
      Task {
        let answer = await socket.desk.admit(call)
        loop.execute { session.value.admit(answer) }
      }
    case nil:
      finish("this is no line of console.sock; valid are keys LOGIN and console LOGIN KIND KEY FROM ROWS COLS TERM")
    }
  }

  private func give(_ lines: [String]) {
    guard let context, !isOver else { return }
    isOver = true
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: lines.map { $0 + "\n" }.joined())))
      .whenComplete { _ in channel.close(promise: nil) }
  }

  private func admit(_ answer: Result<SOSVisit, SOSRefusal>) {
    guard let context, !isOver else { return }
    switch answer {
    case .failure(let refusal): finish(refusal.message)
    case .success(let visit):
      let watcher = Watcher(session: NIOLoopBound(self, eventLoop: context.eventLoop), loop: context.eventLoop)
      seat = socket.hub.connect(visit.visitor, to: visit.server, by: watcher)
      beat(context, visit)
      let bytes = early
      early = []
      take(bytes)
      read()
    }
  }

  private func take(_ bytes: [UInt8]) {
    guard let found = frames.read(bytes) else { return finish("this is no frame of console.sock") }
    for frame in found {
      switch frame {
      case .keys(let keys): seat?.type(keys, heard: hold(keys.count))
      case .window(let size): if let size { seat?.resize(size, heard: hold(0)) }
      }
    }
  }

  /// Counts a frame until the hub has heard it.
  private func hold(_ count: Int) -> @Sendable () -> Void {
    guard let loop = context?.eventLoop else { return {} }
    let session = NIOLoopBound(self, eventLoop: loop)
    let cost = count + Self.frameCost
    if waiting <= Self.waitingLimit, waiting + cost > Self.waitingLimit { rest() }
    waiting += cost
    return {
      loop.execute {
        let before = session.value.waiting
        session.value.waiting -= cost
        if before > Self.waitingLimit, session.value.waiting <= Self.waitingLimit { session.value.read() }
      }
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    isOver = true
    timer?.cancel()
    seat?.leave()
    self.context = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  /// The last word.
  fileprivate func finish(_ reason: String?) {
    guard let context, !isOver else { return }
    isOver = true
    seat?.leave()
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: SOSFrame.end(reason))))
      .whenComplete { _ in channel.close(promise: nil) }
    // One that does not read has not read this either.
    let timer = channel.eventLoop.scheduleTask(in: Self.linger) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in timer.cancel() }
  }

  fileprivate func show(_ bytes: [UInt8], _ delivered: @escaping @Sendable () -> Void) {
    guard let context, !isOver else { return delivered() }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: SOSFrame.output(bytes)))).whenComplete { _ in delivered() }
  }

  /// Asks now and then whether the visitor may still be here.
  private func beat(_ context: ChannelHandlerContext, _ visit: SOSVisit) {
    let (loop, session) = (context.eventLoop, NIOLoopBound(self, eventLoop: context.eventLoop))
    timer = loop.scheduleTask(in: SOSSocket.pulse) {
      guard !session.value.isOver, let context = session.value.context else { return }
      session.value.beat(context, visit)
      Task {
        if let reason = await visit.ending() { loop.execute { session.value.finish(reason) } }
      }
    }
  }

  /// The hub's side of it.
  private struct Watcher: ConsoleWatcher {
    let session: NIOLoopBound<SOSSession>
    let loop: any EventLoop

    func show(_ bytes: [UInt8], delivered: @escaping @Sendable () -> Void) {
      loop.execute { session.value.show(bytes, delivered) }
    }

    func end(_ reason: String?) { loop.execute { session.value.finish(reason) } }
  }
}
