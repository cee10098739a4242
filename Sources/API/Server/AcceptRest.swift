// What a listener does when the process has no descriptor left for another connection: it rests, and tries again. NIO
// has a handler of its own for that, which leaves the socket registered: epoll says "readable" again at once, and a
// core is spent on it.

import Glibc
import Logging
import NIOCore

/// Stops reading from a listening socket for a moment when accept(2) fails for lack of something. Belongs in front of
/// all else in the pipeline of the listener.
final class AcceptRest: ChannelInboundHandler {
  typealias InboundIn = any Channel

  static let pause = TimeAmount.milliseconds(100)
  /// Between two lines in the log.
  private static let silence = TimeAmount.seconds(60)
  private static let shortages: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM]

  private let logger: Logger
  private var said: NIODeadline?

  init(logger: Logger) { self.logger = logger }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let fault = error as? IOError, Self.shortages.contains(fault.errnoCode) else {
      return context.fireErrorCaught(error)
    }
    let now = NIODeadline.now()
    if said.map({ now - $0 >= Self.silence }) ?? true {
      said = now
      logger.warning("new connections wait: \(String(cString: strerror(fault.errnoCode)))")
    }
    let channel = context.channel
    channel.setOption(.autoRead, value: false).whenSuccess {
      channel.eventLoop.scheduleTask(in: Self.pause) {
        // One that was closed meanwhile reads nothing any more.
        channel.setOption(.autoRead, value: true).whenFailure { _ in }
      }
    }
  }
}
