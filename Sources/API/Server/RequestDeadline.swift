// Ends connections whose requests do not come. Two handlers of one channel: the first, below the parser, sees bytes and
// so where a request begins; the second, above it, sees heads and ends.
//
// Threads: both belong to the channel's event loop.

import NIOCore
import NIOHTTPTypes

/// Closes the channel when a request that has begun is not complete in time, or its head is longer than any is.
///
///     arriving ──end──▶ done ──bytes──▶ arriving        arriving for longer than the limit ──▶ closed
///
/// A new connection is `arriving`: it owes its first request, and before it a TLS handshake.
final class RequestDeadline: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let limits: ConnectionLimits
  private var timer: Scheduled<Void>?
  /// `nil` while no head is arriving.
  private var headBytes: Int? = 0
  /// The connection has had its last request; what still comes is thrown away.
  private var expectsNothing = false

  init(_ limits: ConnectionLimits) { self.limits = limits }

  func handlerAdded(context: ChannelHandlerContext) { begin(context.channel) }
  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if expectsNothing { return context.fireChannelRead(data) }
    if timer == nil {
      headBytes = 0
      begin(context.channel)
    }
    if let count = headBytes {
      let total = count + unwrapInboundIn(data).readableBytes
      headBytes = total
      guard total < limits.head else {
        context.close(promise: nil)
        return
      }
    }
    context.fireChannelRead(data)
  }

  /// The last request has come, or something that is none.
  func expectNothing() {
    expectsNothing = true
    requestHasCome()
  }

  /// The parser has seen the head of a request.
  fileprivate func headHasCome(_ channel: any Channel) {
    headBytes = nil
    // One that came in the same bytes as the end of the request before it.
    if timer == nil, !expectsNothing { begin(channel) }
  }

  /// The parser has seen the end of a request.
  func requestHasCome() {
    timer?.cancel()
    timer = nil
  }

  private func begin(_ channel: any Channel) {
    timer = channel.eventLoop.scheduleTask(in: limits.request) { channel.close(promise: nil) }
  }
}

/// Tells the channel's `RequestDeadline` what the parser has seen.
final class RequestMarks: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart

  private var deadline: RequestDeadline?

  func handlerAdded(context: ChannelHandlerContext) {
    deadline = try? context.pipeline.syncOperations.handler(type: RequestDeadline.self)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head: deadline?.headHasCome(context.channel)
    case .body: break
    case .end: deadline?.requestHasCome()
    }
    context.fireChannelRead(data)
  }
}
