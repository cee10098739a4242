import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import API

/// Clients of TLS before the API itself.
@Suite("TLS", .serialized) struct HandshakeTests {
  private static let day = TimeInterval(86_400)

  private func identity(_ directory: TestDirectory, now: Date = .now) throws -> TLSIdentity {
    try SelfSignedCertificate(in: directory.path, for: .init([ListenAddress("127.0.0.1:0")]), now: now).identity()
      .identity
  }

  private func configuration(_ directory: TestDirectory) throws -> TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file("\(directory.path)/tls-cert.pem")
    return configuration
  }

  /// The first line of the answer to a request; throws when the handshake fails. `name`: whom the client wants.
  private func ask(_ port: UInt16, _ configuration: TLSConfiguration, name: String? = "localhost") async throws
    -> String
  {
    let context = try NIOSSLContext(configuration: configuration)
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connect(host: "127.0.0.1", port: Int(port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: name))
          return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: "GET /projects HTTP/1.1\r\nHost: localhost\r\n\r\n"))
      var text = ""
      for try await bytes in inbound {
        text += String(buffer: bytes)
        if text.contains("\r\n") { break }
      }
      return String(text.prefix { $0 != "\r\n" })
    }
  }

  @Test("a client that trusts the file is served by name and by address")
  func trusted() async throws {
    let directory = try TestDirectory()
    let identity = try identity(directory)
    let configuration = try configuration(directory)
    try await Serving.api(tls: identity) { port, _, _ in
      for name in ["localhost", nil] {
        let line = try await ask(port, configuration, name: name)
        #expect(line == "HTTP/1.1 401 Unauthorized")
      }
      var stranger = TLSConfiguration.makeClientConfiguration()
      stranger.trustRoots = .default
      await #expect(throws: (any Error).self) { try await ask(port, stranger) }
    }
    withExtendedLifetime(directory) {}
  }

  @Test("suites without authenticated encryption and old versions get no connection; those with it do")
  func suites() async throws {
    let directory = try TestDirectory()
    let identity = try identity(directory)
    var configuration = try configuration(directory)
    configuration.maximumTLSVersion = .tlsv12
    let template = configuration
    try await Serving.api(tls: identity) { port, _, _ in
      func ask(_ suites: [NIOTLSCipher]) async throws -> String {
        var configuration = template
        configuration.cipherSuiteValues = suites
        return try await self.ask(port, configuration)
      }
      for suite: NIOTLSCipher in [
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
      ] {
        let line = try await ask([suite])
        #expect(line == "HTTP/1.1 401 Unauthorized")
      }
      await #expect(throws: (any Error).self) {
        try await ask([.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, .TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA])
      }
      var old = template
      (old.minimumTLSVersion, old.maximumTLSVersion) = (.tlsv1, .tlsv11)
      await #expect(throws: (any Error).self) { try await self.ask(port, old) }
    }
    withExtendedLifetime(directory) {}
    #expect(TLSIdentity.suites.allSatisfy { !"\($0)".contains("CBC") })
  }

  @Test("a certificate is renewed under its clients: those that trust the file go on, without a restart")
  func renewed() async throws {
    let directory = try TestDirectory()
    // It was made so long ago that it has expired meanwhile.
    let identity = try identity(directory, now: Date.now.addingTimeInterval(-100 * Self.day))
    let configuration = try configuration(directory)
    let begin = Date.now.addingTimeInterval(-100 * Self.day)
    try await Serving.api(tls: identity, date: { begin }) { port, _, _ in
      await #expect(throws: (any Error).self, "it has expired") { try await ask(port, configuration) }
    }
    try await Serving.api(tls: identity) { port, _, _ in
      let line = try await ask(port, configuration)
      #expect(line == "HTTP/1.1 401 Unauthorized")
    }
    withExtendedLifetime(directory) {}
  }
}
