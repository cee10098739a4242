// QEMU's monitor, by which it says what becomes of the guest and is told what to do.

import FoundationEssentials
import NIOCore
import NIOPosix

/// A connection to QEMU's monitor, in the QEMU Machine Protocol: a JSON value a line.
///
/// QEMU takes one client; while we are there nobody else is. Belongs to its event loop.
final class MonitorLine {
  /// What QEMU says that we listen to.
  enum Word: Sendable {
    /// The guest is over. `guest`: by its own will. `reason`: `guest-shutdown`, `host-signal`, …
    case shutDown(guest: Bool, reason: String)
    /// It has answered for the first time.
    case ready
    case other
  }

  private let channel: any Channel

  private init(_ channel: any Channel) { self.channel = channel }

  /// `heard` and `ended` are called on the loop; `ended` once.
  static func open(
    _ path: String, on loop: any EventLoop, heard: @escaping @Sendable (Word) -> Void,
    ended: @escaping @Sendable () -> Void
  ) -> EventLoopFuture<NIOLoopBound<MonitorLine>> {
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(5))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(MonitorReader(heard: heard, ended: ended))
        }
      }
      .connect(unixDomainSocketPath: path)
      .map { channel in
        let line = MonitorLine(channel)
        // Nothing else is answered before.
        line.send("qmp_capabilities")
        return NIOLoopBound(line, eventLoop: loop)
      }
  }

  func send(_ command: String) {
    channel.writeAndFlush(ByteBuffer(string: "{\"execute\":\"\(command)\"}\r\n"), promise: nil)
  }

  func close() { channel.close(promise: nil) }
}

/// Bytes to lines, and lines to words. Belongs to the channel's event loop.
private final class MonitorReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// What one line may have; QEMU's own are a few hundred.
  private static let lineLimit = 1 << 20

  private struct Message: Decodable {
    struct Details: Decodable {
      var guest: Bool?
      var reason: String?
    }
    var event: String?
    var data: Details?
  }

  private let heard: @Sendable (MonitorLine.Word) -> Void
  private let ended: @Sendable () -> Void
  private var rest: [UInt8] = []

  init(heard: @escaping @Sendable (MonitorLine.Word) -> Void, ended: @escaping @Sendable () -> Void) {
    (self.heard, self.ended) = (heard, ended)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    rest += unwrapInboundIn(data).readableBytesView
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      heard(Self.word(rest[..<end]))
      rest.removeFirst(end + 1)
    }
    if rest.count > Self.lineLimit { context.close(promise: nil) }
  }

  private static func word(_ line: ArraySlice<UInt8>) -> MonitorLine.Word {
    // An answer's value may be of any form.
    let text = String(decoding: line, as: UTF8.self)
    if text.hasPrefix("{\"return\"") { return .ready }
    guard let message = try? JSONDecoder().decode(Message.self, from: Data(line)), message.event == "SHUTDOWN" else {
      return .other
    }
    return .shutDown(guest: message.data?.guest ?? false, reason: message.data?.reason ?? "")
  }

  func channelInactive(context: ChannelHandlerContext) {
    ended()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
