// A connection that has become a console: WebSocket frames to bytes, and back.

import Consoles
import FoundationEssentials
import HTTPTypes
import Machines
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// One who watches, behind a WebSocket (RFC 6455).
///
/// ## Messages
/// Binary: what the machine says, and keys. Text, to the daemon: `{"rows": 40, "cols": 120}`, the window's size. Closed
/// with 1000 when the visitor has left, with 4000 and a reason when the console has ended.
///
/// ## How it works
/// It stands between the socket and the handlers of HTTP, and lets nothing through to them any more: for them the
/// request is one that is never answered. So nothing has to be taken away, and who waits for the end of the connection
/// goes on waiting.
///
/// ## Threads
/// Belongs to the channel's event loop.
final class ConsoleSocket: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  /// Bytes of a message, which is one frame or more.
  static let messageLimit = 64 << 10
  /// Between two questions to the client whether it is there.
  static let pulseInterval = TimeAmount.seconds(15)
  /// Between the word of the end and the end.
  static let linger = TimeAmount.seconds(2)
  /// After so many of these questions in which nothing came, the client is gone.
  static let silenceLimit = 4
  /// What of a client may be on the way to the hub. Beyond it nothing is read, and the client's own kernel holds it.
  static let waitingLimit = 128 << 10
  /// What a frame counts beside its bytes.
  private static let frameCost = 256
  /// What fits a close frame beside its number.
  private static let reasonLimit = 123

  private let opening: ConsoleOpening
  private var seat: ConsoleSeat?
  private var context: ChannelHandlerContext?
  private var isOver = false
  private var pulse: Scheduled<Void>?
  /// What the frames of a message are, until its last.
  private var message: WebSocketOpcode?
  private var text: [UInt8] = []
  /// On the way to the hub.
  private var waiting = 0
  private var isHeld = false
  /// Questions since something came.
  private var silence = 0

  init(_ opening: ConsoleOpening) { self.opening = opening }

  /// Turns the connection into the console, and returns when it has ended. `head`: what the request is answered with.
  static func take(_ channel: any Channel, _ opening: ConsoleOpening, head: HTTPFields) async throws {
    var lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"]
    lines.append("Sec-WebSocket-Accept: \(opening.accept)")
    let ofBodies: [HTTPField.Name] = [.contentType, .contentLength]
    for field in head where !ofBodies.contains(field.name) { lines.append("\(field.name): \(field.value)") }
    let answer = ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")
    try await channel.eventLoop.submit {
      let pipeline = channel.pipeline.syncOperations
      let deadline = try pipeline.context(handlerType: RequestDeadline.self)
      (deadline.handler as? RequestDeadline)?.expectNothing()
      deadline.writeAndFlush(NIOAny(answer), promise: nil)
      let encoder = try pipeline.handler(type: HTTPResponseEncoder.self)
      try pipeline.addHandlers(
        [
          WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: messageLimit)),
          ConsoleSocket(opening),
        ], position: .before(encoder))
    }.get()
    // Whatever ends it is told elsewhere.
    try? await channel.closeFuture.get()
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    let watcher = Watcher(
      socket: NIOLoopBound(self, eventLoop: context.eventLoop), loop: context.eventLoop)
    seat = opening.hub.connect(opening.visitor, to: opening.server, by: watcher)
    beat(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    seat?.leave()
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    isOver = true
    pulse?.cancel()
    seat?.leave()
    context.fireChannelInactive()
  }

  // MARK: From the client

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    guard !isOver else { return }
    silence = 0
    guard frame.maskKey != nil else { return end(.protocolError, "frames of a client are masked, RFC 6455 5.1") }
    var bytes = frame.unmaskedData
    let content = bytes.readBytes(length: bytes.readableBytes) ?? []
    switch frame.opcode {
    case .binary, .text: begin(frame.opcode, content, isLast: frame.fin)
    case .continuation:
      guard let message else { return end(.protocolError, "a message begins with its kind, RFC 6455 5.4") }
      take(message, content, isLast: frame.fin)
    case .connectionClose: leave()
    // One that asks and does not take the answers gets no more of them.
    case .ping: if context.channel.isWritable { send(.pong, content) }
    case .pong: break
    default: end(.unacceptableData, "there is no such kind of frame")
    }
  }

  private func begin(_ opcode: WebSocketOpcode, _ content: [UInt8], isLast: Bool) {
    guard message == nil else { return end(.protocolError, "a message has not ended, RFC 6455 5.4") }
    take(opcode, content, isLast: isLast)
  }

  private func take(_ opcode: WebSocketOpcode, _ content: [UInt8], isLast: Bool) {
    message = isLast ? nil : opcode
    // Keys need not wait for the rest of their message.
    guard opcode == .text else {
      seat?.type(content, heard: hold(content.count))
      return
    }
    text += content
    guard text.count <= 1024 else { return end(.messageTooLarge, "a text has at most 1024 bytes") }
    guard isLast else { return }
    defer { text = [] }
    guard let size = Self.size(text) else {
      return end(.unacceptableData, #"a text must be {"rows": N, "cols": N}, each from 1 to 1000"#)
    }
    seat?.resize(size, heard: hold(0))
  }

  /// Counts a frame until the hub has heard it.
  private func hold(_ count: Int) -> @Sendable () -> Void {
    guard let channel = context?.channel else { return {} }
    let (loop, cost) = (channel.eventLoop, count + Self.frameCost)
    let socket = NIOLoopBound(self, eventLoop: loop)
    waiting += cost
    if waiting > Self.waitingLimit, !isHeld {
      isHeld = true
      channel.setOption(.autoRead, value: false).whenFailure { _ in }
    }
    return { loop.execute { socket.value.heard(cost) } }
  }

  private func heard(_ cost: Int) {
    waiting -= cost
    guard isHeld, waiting <= Self.waitingLimit / 2 else { return }
    isHeld = false
    context?.channel.setOption(.autoRead, value: true).whenFailure { _ in }
  }

  private static func size(_ text: [UInt8]) -> TerminalSize? {
    guard let value = try? JSON(reading: text), case .integer(let rows)? = value["rows"],
      case .integer(let columns)? = value["cols"]
    else { return nil }
    return TerminalSize(rows: rows, columns: columns)
  }

  /// The client has gone, and is told that this was heard.
  private func leave() {
    seat?.leave()
    close(.normalClosure, "")
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard error is NIOWebSocketError else { return context.close(promise: nil) }
    end(.messageTooLarge, "frames have at most \(Self.messageLimit) bytes and the form of RFC 6455")
  }

  /// The daemon stops.
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent { return end(.unknown(4000), "toprackd is stopping") }
    context.fireUserInboundEventTriggered(event)
  }

  // MARK: To the client

  fileprivate func show(_ bytes: [UInt8], _ delivered: @escaping @Sendable () -> Void) {
    guard let context, !isOver else { return delivered() }
    let frame = WebSocketFrame(fin: true, opcode: .binary, data: ByteBuffer(bytes: bytes))
    context.writeAndFlush(wrapOutboundOut(frame)).whenComplete { _ in delivered() }
  }

  private func send(_ opcode: WebSocketOpcode, _ content: [UInt8]) {
    guard let context else { return }
    let frame = WebSocketFrame(fin: true, opcode: opcode, data: ByteBuffer(bytes: content))
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
  }

  /// From here, with a reason of ours.
  private func end(_ code: WebSocketErrorCode, _ reason: String) {
    seat?.leave()
    close(code, reason)
  }

  fileprivate func ended(_ reason: String?) {
    if let reason { close(.unknown(4000), reason) } else { close(.normalClosure, "") }
  }

  private func close(_ code: WebSocketErrorCode, _ reason: String) {
    guard let context, !isOver else { return }
    isOver = true
    var content = ByteBuffer()
    content.write(webSocketErrorCode: code)
    var short = Substring(reason)
    while short.utf8.count > Self.reasonLimit { short.removeLast() }
    content.writeString(String(short))
    let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: content)
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(frame)).whenComplete { _ in channel.close(promise: nil) }
    // One that does not read has not read this either.
    let timer = channel.eventLoop.scheduleTask(in: Self.linger) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in timer.cancel() }
  }

  /// Asks for a sign of life, which keeps ways open and finds those that are gone, and whether the client may still be
  /// here.
  private func beat(_ context: ChannelHandlerContext) {
    let (loop, socket) = (context.eventLoop, NIOLoopBound(self, eventLoop: context.eventLoop))
    let isWanted = opening.isWanted
    pulse = loop.scheduleTask(in: Self.pulseInterval) {
      guard !socket.value.isOver, let context = socket.value.context else { return }
      socket.value.silence += 1
      guard socket.value.silence <= Self.silenceLimit else { return context.close(promise: nil) }
      socket.value.send(.ping, [])
      socket.value.beat(context)
      Task {
        if await !isWanted() { loop.execute { socket.value.end(.unknown(4000), "the token was revoked") } }
      }
    }
  }

  /// The hub's side of it.
  private struct Watcher: ConsoleWatcher {
    let socket: NIOLoopBound<ConsoleSocket>
    let loop: any EventLoop

    func show(_ bytes: [UInt8], delivered: @escaping @Sendable () -> Void) {
      loop.execute { socket.value.show(bytes, delivered) }
    }

    func end(_ reason: String?) { loop.execute { socket.value.ended(reason) } }
  }
}
