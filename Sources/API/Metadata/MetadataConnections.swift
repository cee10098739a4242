// Who is connected to the metadata service. Servers are strangers: each has a share, and none can keep the others out.

import NIOCore
import Synchronization

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
    /// Octets that one connection may send: requests have a hundred or two.
    var octets = 256 * 1024
  }

  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var sources: [SourceAddress: Int] = [:]
    var isClosed = false
  }

  let limits: Limits
  private let state = Mutex(State())

  init(_ limits: Limits) { self.limits = limits }

  var count: Int { state.withLock { $0.channels.count } }

  /// Takes a connection on; false: a limit is reached, and it should be closed.
  func admit(_ channel: any Channel) -> Bool {
    guard let source = SourceAddress(channel.remoteAddress) else { return false }
    let isAdmitted = state.withLock { state in
      guard !state.isClosed, state.channels.count < limits.total,
        state.sources[source, default: 0] < limits.perSource
      else { return false }
      state.channels[ObjectIdentifier(channel)] = channel
      state.sources[source, default: 0] += 1
      return true
    }
    guard isAdmitted else { return false }
    let end = channel.eventLoop.scheduleTask(in: limits.lifetime) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in
      end.cancel()
      self.state.withLock { state in
        state.channels[ObjectIdentifier(channel)] = nil
        state.sources[source]! -= 1
        if state.sources[source] == 0 { state.sources[source] = nil }
      }
    }
    return true
  }

  /// Closes all, and every one that comes.
  func closeAll() {
    let channels = state.withLock { state in
      state.isClosed = true
      return Array(state.channels.values)
    }
    for channel in channels { channel.close(promise: nil) }
  }
}

/// Ends a connection that sends more than a number of octets. Stands before the decoder, which takes a request line of any
/// length.
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
