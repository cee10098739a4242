// The metadata service as a service of the daemon: HTTP/1.1 on a socket that somebody else has opened, in a network namespace of
// its own.

public import Control
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOPosix
public import Rack
public import ServiceLifecycle

/// Serves `http://169.254.169.254/` to servers.
///
/// Ends at once when the daemon stops: what is asked here can be asked again.
public struct MetadataService: Service, CustomStringConvertible {
  public let description = "metadata service"
  private let listener: Int32
  private let responder: MetadataResponder
  private let connections: MetadataConnections
  private let logger: Logger

  /// - Parameters:
  ///   - listener: a listening socket; taken over.
  ///   - plan: where servers' addresses come from.
  public init(
    listener: Int32, control: Control, plan: AddressPlan, logger: Logger
  ) {
    let responder = MetadataResponder(control: control, privateSubnets: plan.privateRoutes.map(\.description))
    self.init(listener: listener, responder: responder, limits: MetadataConnections.Limits(), logger: logger)
  }

  init(listener: Int32, responder: MetadataResponder, limits: MetadataConnections.Limits, logger: Logger) {
    (self.listener, self.responder, self.logger) = (listener, responder, logger)
    connections = MetadataConnections(limits)
  }

  public func run() async throws {
    let http = channel()
    let (connections, logger) = (connections, logger)
    let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptRest(logger: logger))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .bind(listener) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(OctetLimit(connections.limits.octets))
        }
        .flatMap { http.setup(channel: channel, logger: logger) }
      }
    try await withGracefulShutdownHandler {
      try await withThrowingDiscardingTaskGroup { group in
        try await server.executeThenClose { inbound in
          for try await connection in inbound {
            if !connections.admit(connection.channel) {
              logger.debug(
                "metadata: one connection too many from \(String(describing: connection.channel.remoteAddress))")
              connection.channel.close(promise: nil)
            }
            // One that is closed wants its end, too.
            group.addTask { await http.handle(value: connection, logger: logger) }
          }
        }
      }
    } onGracefulShutdown: {
      server.channel.close(promise: nil)
      connections.closeAll()
    }
  }

  private func channel() -> HTTP1Channel {
    let responder = responder
    return HTTP1Channel(
      responder: { request, writer, channel in
        var response = await responder.respond(
          request.method, request.head.path ?? "/", from: SourceAddress(channel.remoteAddress))
        response.headers[.server] = "toprackd"
        if request.method == .head {
          try await writer.writeResponse(response.head)
        } else {
          try await writer.write(response: response.head, body: response.body)
        }
      },
      configuration: HTTP1Channel.Configuration(
        idleTimeout: connections.limits.idle,
        httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
          maxHeaderFieldSize: 4096, maxHeaderListSize: 16_384, maxHeaderFieldCount: 64)))
  }
}
