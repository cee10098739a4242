// A console as a connection: the request that becomes a WebSocket, by NIO's own upgrade.

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// An open console, before anything was read or written.
struct ConsoleConnection: Sendable {
  let channel: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

  /// A frame of the server: 64 KiB of what was said before, and some.
  private static let frameLimit = 1 << 20
  /// A reason of the server's, in a close frame.
  static let ended = 4000

  /// A message to the daemon. What a client sends is masked, RFC 6455 5.3.
  static func frame(_ opcode: WebSocketOpcode, _ bytes: ByteBuffer) -> WebSocketFrame {
    WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: bytes)
  }
}

extension Client {
  private enum Upgrade: Sendable {
    case done(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>)
    case refused
  }

  /// Opens the console at `path`. Throws what the daemon says against it.
  func console(_ path: String, _ query: [String: String?]) async throws -> ConsoleConnection {
    let target = target(path, query)
    let upgrade: Upgrade
    do {
      upgrade = try await connect { channel in Self.upgrade(channel, head(target)) }
    } catch {
      throw Failure.unreachable(endpoint.unreachable(error, timeout: .seconds(10)))
    }
    if case .done(let channel) = upgrade { return ConsoleConnection(channel: channel) }
    // Asked as a document, it says what is in the way.
    _ = try await get(path, query)
    throw Failure.refused("the API does not let the connection become a console; is there a proxy in between?")
  }

  private func head(_ target: String) -> HTTPRequestHead {
    var headers: HTTPHeaders = ["Accept": "application/json"]
    if case .url(let text) = endpoint, let url = URLComponents(string: text), let host = url.host {
      headers.add(name: "Host", value: url.port.map { "\(host):\($0)" } ?? host)
    }
    if let token { headers.add(name: "X-Auth-Token", value: token) }
    return HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers)
  }

  private func connect(
    _ begin: @escaping @Sendable (any Channel) -> EventLoopFuture<EventLoopFuture<Upgrade>>
  ) async throws -> Upgrade {
    let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(.seconds(10))
    switch endpoint {
    case .socket(let path):
      return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: begin).get()
    case .url(let text):
      guard let url = URLComponents(string: text), let host = url.host else {
        throw Failure.usage("the URL '\(text)' has no host")
      }
      let isTLS = url.scheme == "https"
      // URLComponents leaves an IPv6 address in its brackets.
      let address = host.trimmingCharacters(in: ["[", "]"])
      let tls = isTLS ? try NIOSSLContext(configuration: trust.tls()) : nil
      return try await bootstrap.connect(host: address, port: url.port ?? (isTLS ? 443 : 80)) { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let tls else { return }
          // An address is no name to be asked for, RFC 6066 3.
          let isAddress = (try? SocketAddress(ipAddress: address, port: 0)) != nil
          try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : address))
        }.flatMap { begin(channel) }
      }.get()
    }
  }

  private static func upgrade(
    _ channel: any Channel, _ head: HTTPRequestHead
  ) -> EventLoopFuture<EventLoopFuture<Upgrade>> {
    channel.eventLoop.makeCompletedFuture {
      let upgrader = NIOTypedWebSocketClientUpgrader<Upgrade>(maxFrameSize: 1 << 20) { channel, _ in
        channel.eventLoop.makeCompletedFuture { .done(try NIOAsyncChannel(wrappingChannelSynchronously: channel)) }
      }
      var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
        upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
          upgradeRequestHead: head, upgraders: [upgrader],
          notUpgradingCompletionHandler: { channel in
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededFuture(.refused)
          }))
      // The first bytes of the console may have come with the answer.
      configuration.leftOverBytesStrategy = .forwardBytes
      return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(configuration: configuration)
    }
  }
}
