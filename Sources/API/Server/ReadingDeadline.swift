// Ends connections whose clients do not take their answers: each holds memory here that it has been sent and does not
// fetch.

import NIOCore

/// Closes the channel when, while something waits to be sent, the socket takes less of it within a limit than a pace
/// asks for. Stands next to the socket, so that it counts what the client really has.
///
/// A time begins when something waits and nothing did before, and again whenever enough was taken in one that is over.
/// So a stream that says little is left alone, as long as that is taken.
///
/// The clock is the event loop's. Threads: belongs to the channel's event loop.
final class ReadingDeadline: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Bytes that are taken within the limit, or all that wait: a hundred times less than any line has.
  static let pace = 64 << 10
  /// What is written at once, so that it is seen how much of a large write has been taken.
  private static let sliceSize = 16 << 10

  private let limit: TimeAmount
  /// Bytes that the socket has not taken.
  private var waiting = 0
  private var taken = 0
  private var began = NIODeadline.distantPast
  private var timer: Scheduled<Void>?

  init(_ limit: TimeAmount) { self.limit = limit }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    var rest = unwrapOutboundIn(data)
    while rest.readableBytes > Self.sliceSize, let slice = rest.readSlice(length: Self.sliceSize) {
      write(slice, nil, context)
    }
    write(rest, promise, context)
  }

  private func write(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
    let size = bytes.readableBytes
    if waiting == 0 { begin(context.eventLoop) }
    waiting += size
    let written = promise ?? context.eventLoop.makePromise()
    written.futureResult.assumeIsolated().whenComplete { _ in
      self.waiting -= size
      self.taken += size
    }
    if timer == nil, waiting > 0 { schedule(context) }
    context.write(wrapOutboundOut(bytes), promise: written)
  }

  private func begin(_ clock: any EventLoop) { (began, taken) = (clock.now, 0) }

  private func schedule(_ context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: began + limit) {
      self.timer = nil
      guard self.waiting > 0 else { return }
      if context.eventLoop.now - self.began >= self.limit {
        // From here, and not through TLS, which would wait for a farewell from one who reads nothing.
        guard self.taken >= Self.pace else { return context.close(promise: nil) }
        self.begin(context.eventLoop)
      }
      self.schedule(context)
    }
  }
}
