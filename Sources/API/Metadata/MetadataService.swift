// The metadata service as a service of the daemon: HTTP/1.1 on a socket that somebody else has opened, in a network
// namespace of its own.

public import Control
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOPosix
import Net
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

  /// A connection, and what the gate says of its requests.
  private struct Connection: Sendable {
    let channel: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    let verdicts: GateVerdicts
  }

  public func run() async throws {
    let (connections, logger) = (connections, logger)
    let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptRest(logger: logger))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .bind(listener) { channel in setUp(channel) }
    try await withGracefulShutdownHandler {
      try await withThrowingDiscardingTaskGroup { group in
        try await server.executeThenClose { inbound in
          for try await connection in inbound {
            // One that has got no place wants its end, too.
            group.addTask { await http(connection.verdicts).handle(value: connection.channel, logger: logger) }
          }
        }
      }
    } onGracefulShutdown: {
      server.channel.close(promise: nil)
      connections.closeAll()
    }
  }

  private func setUp(_ channel: any Channel) -> EventLoopFuture<Connection> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(
        MetadataPlace(connections) { logger.debug("metadata: one connection too many from \(String(describing: $0))") })
      try pipeline.addHandler(OctetLimit(connections.limits.octets))
    }
    .flatMap { http(nil).setup(channel: channel, logger: logger) }
    .flatMapThrowing { connection in
      let gate = RequestGate(bodyLimit: connections.limits.body) { connections.note($0, isWaiting: $1) }
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(gate, position: HTTPRequestDecoder.position(in: pipeline))
      return Connection(channel: connection, verdicts: gate.verdicts)
    }
  }

  private func http(_ verdicts: GateVerdicts?) -> HTTP1Channel {
    let responder = responder
    return HTTP1Channel(
      responder: { request, writer, channel in
        var response =
          if let fault = verdicts?.next() {
            MetadataResponder.error(fault.status, fault.messages[0])
          } else {
            await responder.respond(
              request.method, request.head.path ?? "/", from: IPAddress(channel.remoteAddress)
            ) {
              do {
                return Array(try await request.body.collect(upTo: MachineReport.bodyLimit).readableBytesView)
              } catch is NIOTooManyBytesError {
                return nil
              }
            }
          }
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
