// The API as a service of the daemon: HTTP/1.1 at a Unix socket and at any number of TCP addresses, with TLS or
// without, all of them before the same responder.

public import FoundationEssentials
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOPosix
import NIOSSL
public import ServiceLifecycle
import Synchronization

/// One place where the API listens.
public struct APIListener: Sendable, CustomStringConvertible {
  enum Place: Sendable {
    case unix(path: String)
    case tcp(descriptor: Int32, TLSIdentity?)
  }

  let place: Place
  public let description: String
  var isSecure: Bool { if case .tcp(_, .some) = place { true } else { false } }

  /// A Unix socket that is made when the service runs.
  public static func unix(path: String) -> APIListener { APIListener(place: .unix(path: path), description: path) }

  /// A bound socket of TCP, taken over. `tls`: `nil` for HTTP in the clear.
  public static func tcp(_ descriptor: Int32, at address: ListenAddress, tls: TLSIdentity?) -> APIListener {
    APIListener(
      place: .tcp(descriptor: descriptor, tls), description: "\(tls == nil ? "http" : "https")://\(address)")
  }
}

/// Serves the API.
///
/// When the daemon stops, idle clients are let go at once, and those in the middle of a request when they are answered.
public struct APIService: Service, CustomStringConvertible {
  public let description = "API"
  private let listeners: [APIListener]
  private let responder: APIResponder
  private let limits: ConnectionLimits
  private let serverName: String
  private let onReady: @Sendable () async -> Void
  private let logger: Logger
  private let date: @Sendable () -> Date

  /// `onReady` is called once, when all listeners listen. `date`: the time of day, by which certificates are renewed.
  public init(
    listeners: [APIListener], responder: APIResponder, limits: ConnectionLimits = ConnectionLimits(),
    serverName: String, logger: Logger, date: @escaping @Sendable () -> Date = { .now },
    onReady: @escaping @Sendable () async -> Void
  ) {
    (self.listeners, self.responder, self.limits) = (listeners, responder, limits)
    (self.serverName, self.logger, self.date, self.onReady) = (serverName, logger, date, onReady)
  }

  public func run() async throws {
    let missing = Countdown(listeners.count)
    try await withThrowingTaskGroup { group in
      group.addTask { await responder.run() }
      for listener in listeners {
        group.addTask {
          try await serve(listener) { if missing.isLast() { await onReady() } }
        }
      }
      try await group.waitForAll()
    }
  }

  /// A connection, and what the gate says of its requests.
  private struct Connection: Sendable {
    let channel: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    let verdicts: GateVerdicts
  }

  private func serve(_ listener: APIListener, whenBound: () async -> Void) async throws {
    let connections = APIConnections(APIConnections.Shares.Limits(total: limits.connections))
    let server = try await bind(listener, connections)
    await whenBound()
    try await withGracefulShutdownHandler {
      try await withThrowingDiscardingTaskGroup { group in
        try await server.executeThenClose { inbound in
          for try await connection in inbound {
            // One that has got no place wants its end, too.
            group.addTask { await answer(connection, isSecure: listener.isSecure) }
          }
        }
      }
    } onGracefulShutdown: {
      server.channel.close(promise: nil)
      // Those that wait for a request go at once, and the others when they are answered.
      connections.end { $0.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }
  }

  private func bind(
    _ listener: APIListener, _ connections: APIConnections
  ) async throws -> NIOAsyncChannel<Connection, Never> {
    let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptRest(logger: logger))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: true)
    switch listener.place {
    case .unix(let path):
      return try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
        setUp(channel, nil, connections, isLocal: true)
      }
    case .tcp(let descriptor, let tls):
      return try await bootstrap.childChannelOption(Self.unsent, value: Self.unsentLimit)
        .bind(descriptor) { channel in setUp(channel, tls, connections, isLocal: false) }
    }
  }

  /// TCP_NOTSENT_LOWAT, tcp(7): the system keeps no more than so many bytes that the client has no room for. Without it
  /// a socket takes up to four MiB of an answer that nobody reads, and `ReadingDeadline` sees it taken.
  private static let unsent = ChannelOptions.Types.SocketOption(
    level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_NOTSENT_LOWAT))
  private static let unsentLimit = ChannelOptions.Types.SocketOption.Value(64 << 10)

  private func setUp(
    _ channel: any Channel, _ tls: TLSIdentity?, _ connections: APIConnections, isLocal: Bool
  ) -> EventLoopFuture<Connection> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(ReadingDeadline(limits.reading))
      if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context(at: date()))) }
      try pipeline.addHandler(
        ConnectionPlace(connections) { logger.warning("no room for a connection from \($0)") })
      try pipeline.addHandler(RequestDeadline(limits))
    }
    .flatMap { http { _, _, _ in }.setup(channel: channel, logger: logger) }
    .flatMapThrowing { connection in
      let gate = RequestGate(bodyLimit: limits.body, wantsHost: !isLocal) { connections.note($0, isWaiting: $1) }
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(gate, position: HTTPRequestDecoder.position(in: pipeline))
      return Connection(channel: connection, verdicts: gate.verdicts)
    }
  }

  private func answer(_ connection: Connection, isSecure: Bool) async {
    let peer = await Peer(connection.channel.channel)
    let channel = http { request, writer, channel in
      var logger = logger
      logger[metadataKey: "peer"] = "\(peer)"
      var context = APIContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
      context.peer = peer
      context.isSecure = isSecure
      context.isWanted = { channel.isActive && !Task.isCancelled }
      let upgrade = UpgradeSlot()
      context.upgrade = upgrade
      var response =
        if let fault = connection.verdicts.next() {
          Routes.response(fault)
        } else {
          try await responder.respond(to: request, context: context)
        }
      response.headers[.date] = HTTPDate.text(date())
      response.headers[.server] = serverName
      if let opening = upgrade.take(), response.status == .switchingProtocols {
        return try await ConsoleSocket.take(channel, opening, head: response.headers)
      }
      if request.method == .head {
        try await writer.writeResponse(response.head)
      } else {
        try await writer.write(response: response.head, body: response.body)
      }
    }
    await channel.handle(value: connection.channel, logger: logger)
  }

  private func http(_ responder: @escaping HTTPChannelHandler.Responder) -> HTTP1Channel {
    HTTP1Channel(
      responder: responder,
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [RequestMarks()], idleTimeout: limits.idle,
        httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
          maxHeaderFieldSize: limits.header, maxHeaderListSize: limits.headers,
          maxHeaderFieldCount: limits.headerCount)))
  }
}

/// Says who of several is the last.
private final class Countdown: Sendable {
  private let left: Mutex<Int>

  init(_ count: Int) { left = Mutex(count) }

  func isLast() -> Bool {
    left.withLock { left in
      left -= 1
      return left == 0
    }
  }
}
