// Who is connected to the metadata service. Servers are strangers: each has a share, and none can keep the others out,
// or itself by connections that it has forgotten.

import NIOCore

/// The open connections, with their limits.
final class MetadataConnections: Sendable {
  struct Limits: Sendable {
    var total = 1024
    /// From one address.
    var perSource = 16
    /// Life of a connection, whatever it does. Bounds all that is slow: headers, bodies, readers.
    var lifetime = TimeAmount.seconds(30)
    /// Without a request.
    var idle = TimeAmount.seconds(10)
    /// Octets of a body; nobody has to send one.
    var body = 64 * 1024
    /// Octets that one connection may send: requests have a hundred or two.
    var octets = 256 * 1024
  }

  let limits: Limits
  private let connections: APIConnections

  init(_ limits: Limits) {
    self.limits = limits
    connections = APIConnections(APIConnections.Shares.Limits(total: limits.total, most: limits.perSource))
  }

  var count: Int { connections.count }

  /// Takes a connection on. A server that has its share already gets one more for the one of its own that waits
  /// longest; false: all of them are being answered, and the new one should be closed.
  func admit(_ channel: any Channel) -> Bool {
    guard case .v4 = channel.remoteAddress, connections.admit(channel, of: CallerAddress(channel.remoteAddress)) else {
      return false
    }
    let end = channel.eventLoop.scheduleTask(in: limits.lifetime) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in end.cancel() }
    return true
  }

  /// The connection is being answered, or waits for its server.
  func note(_ channel: any Channel, isWaiting: Bool) { connections.note(channel, isWaiting: isWaiting) }

  /// Closes all, and every one that comes.
  func closeAll() { connections.end { $0.close(promise: nil) } }
}

/// Asks for a place when the connection is there, before anything of it is read.
final class MetadataPlace: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let connections: MetadataConnections
  private let log: (SocketAddress?) -> Void

  init(_ connections: MetadataConnections, log: @escaping (SocketAddress?) -> Void) {
    (self.connections, self.log) = (connections, log)
  }

  func channelActive(context: ChannelHandlerContext) {
    if connections.admit(context.channel) { return context.fireChannelActive() }
    log(context.channel.remoteAddress)
    context.close(promise: nil)
  }
}

/// Ends a connection that sends more than a number of octets. Stands before the decoder, which takes a request line of
/// any length.
final class OctetLimit: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private var left: Int

  init(_ limit: Int) { left = limit }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    left -= unwrapInboundIn(data).readableBytes
    guard left >= 0 else {
      context.close(promise: nil)
      return
    }
    context.fireChannelRead(data)
  }
}
