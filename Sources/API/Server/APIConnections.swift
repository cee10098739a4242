// Who is connected, with the limits: the open connections of one listener.

import HTTPTypes
import NIOCore
import Synchronization

/// The open connections of one listener, and the shares of their callers.
///
/// Threads: safe to share.
final class APIConnections: Sendable {
  typealias Shares = ConnectionShares<CallerAddress, ObjectIdentifier>

  private struct State {
    var shares: Shares
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isEnding = false
    /// Those that are told that there is no room.
    var refused = 0
  }

  /// Connections that are told so at once; further ones are closed without a word.
  private static let refusedLimit = 64

  private let state: Mutex<State>

  init(_ limits: Shares.Limits) { state = Mutex(State(shares: Shares(limits))) }

  var count: Int { state.withLock { $0.channels.count } }

  /// Takes a connection on, perhaps in place of another, which is closed; false: there is no room, or the daemon stops.
  func admit(_ channel: any Channel, of caller: CallerAddress) -> Bool {
    let id = ObjectIdentifier(channel)
    let (isAdmitted, victim): (Bool, (any Channel)?) = state.withLock { state in
      guard !state.isEnding else { return (false, nil) }
      switch state.shares.admit(id, of: caller) {
      case .refused: return (false, nil)
      case .admitted:
        state.channels[id] = channel
        return (true, nil)
      case .inPlace(let other):
        state.channels[id] = channel
        return (true, state.channels.removeValue(forKey: other))
      }
    }
    victim?.close(promise: nil)
    guard isAdmitted else { return false }
    channel.closeFuture.whenComplete { _ in
      self.state.withLock { state in
        state.shares.remove(id)
        state.channels[id] = nil
      }
    }
    return true
  }

  /// The connection is being answered, or waits for its caller.
  func note(_ channel: any Channel, isWaiting: Bool) {
    state.withLock { $0.shares.note(ObjectIdentifier(channel), isWaiting: isWaiting) }
  }

  /// Whether one more can be told that there is no room; then `hasBeenRefused` follows.
  func mayRefuse() -> Bool {
    state.withLock { state in
      guard !state.isEnding, state.refused < Self.refusedLimit else { return false }
      state.refused += 1
      return true
    }
  }

  func hasBeenRefused() { state.withLock { $0.refused -= 1 } }

  /// Lets `how` end each, and takes no further ones.
  func end(_ how: (any Channel) -> Void) {
    let channels = state.withLock { state in
      state.isEnding = true
      return Array(state.channels.values)
    }
    for channel in channels { how(channel) }
  }
}

/// Asks for a place when the connection is there, and tells one that gets none so. Stands above TLS, so that what it
/// says can be read.
///
/// Threads: belongs to the channel's event loop.
final class ConnectionPlace: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let connections: APIConnections
  private let log: (CallerAddress) -> Void
  private var isRefused = false

  /// How long one that is refused has to read why.
  private static let patience = TimeAmount.seconds(1)
  static let refusal = "there is no room for another connection now; try again in 1 s"

  /// `log`: told who has been refused.
  init(_ connections: APIConnections, log: @escaping (CallerAddress) -> Void) {
    (self.connections, self.log) = (connections, log)
  }

  func channelActive(context: ChannelHandlerContext) {
    let caller = Self.caller(context.channel)
    if connections.admit(context.channel, of: caller) { return context.fireChannelActive() }
    isRefused = true
    log(caller)
    guard connections.mayRefuse() else { return context.close(promise: nil) }
    let (channel, connections) = (context.channel, connections)
    channel.closeFuture.whenComplete { _ in connections.hasBeenRefused() }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer)), promise: nil)
    channel.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { channel.close(promise: nil) }
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if !isRefused { context.fireChannelRead(data) }
  }

  private static let answer: String = {
    let body = String(decoding: APIError(.serviceUnavailable, refusal).body.text, as: UTF8.self)
    return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: 1\r\n"
      + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }()

  private static func caller(_ channel: any Channel) -> CallerAddress {
    guard case .unixDomainSocket = channel.localAddress else { return CallerAddress(channel.remoteAddress) }
    var user = UInt32.max
    // On the event loop the answer is there at once.
    (channel as? any SocketOptionProvider).map(Peer.credentials)?.assumeIsolated().whenSuccess { user = $0.user }
    return .user(user)
  }
}
