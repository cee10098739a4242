// Ends connections whose clients do not take their answers: each holds memory here that it has been sent and does not
// fetch.

import NIOCore

/// Closes the channel when the socket has taken nothing of what is to be sent for longer than a limit. Stands next to
/// the socket, so that it counts what the client really has.
///
/// The clock is the event loop's. Threads: belongs to the channel's event loop.
final class ReadingDeadline: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let limit: TimeAmount
  /// Writes that the socket has not taken whole.
  private var waiting = 0
  private var lastTaken = NIODeadline.distantPast
  private var timer: Scheduled<Void>?

  init(_ limit: TimeAmount) { self.limit = limit }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let clock = context.eventLoop
    if waiting == 0 { lastTaken = clock.now }
    waiting += 1
    let taken = promise ?? context.eventLoop.makePromise()
    taken.futureResult.assumeIsolated().whenComplete { _ in
      self.waiting -= 1
      self.lastTaken = clock.now
    }
    if timer == nil { schedule(context.channel) }
    context.write(data, promise: taken)
  }

  private func schedule(_ channel: any Channel) {
    timer = channel.eventLoop.assumeIsolated().scheduleTask(deadline: lastTaken + limit) {
      self.timer = nil
      guard self.waiting > 0 else { return }
      if channel.eventLoop.now - self.lastTaken < self.limit {
        self.schedule(channel)
      } else {
        channel.close(promise: nil)
      }
    }
  }
}
