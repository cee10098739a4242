// Whose certificates are believed when the API is reached by https, and the HTTP clients that believe them.

import AsyncHTTPClient
import Foundation
import NIOSSL
import Synchronization

enum Trust: Hashable, Sendable {
  /// The authorities of this machine.
  case system
  /// The certificates of a PEM file, and no others: `tls-cert.pem` of a daemon that made its own.
  case file(String)
  /// Anybody: the connection is encrypted, and nobody knows to whom.
  case anyone

  private static let clients = Mutex<[Trust: HTTPClient]>([:])

  /// One for each kind of trust, for as long as the program runs. Throws when the file has no certificate.
  func client() throws -> HTTPClient {
    try Self.clients.withLock { clients in
      if let client = clients[self] { return client }
      var configuration = HTTPClient.Configuration.singletonConfiguration
      // One attempt to connect: when nobody listens, that is the answer, at once.
      configuration.connectionPool.retryConnectionEstablishment = false
      configuration.tlsConfiguration = try tls()
      let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
      clients[self] = client
      return client
    }
  }

  func tls() throws -> TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    switch self {
    case .system: break
    case .anyone: configuration.certificateVerification = .none
    case .file(let path):
      guard access(path, R_OK) == 0 else {
        throw Failure.refused("the certificate file \(path) cannot be read: \(String(cString: strerror(errno)))")
      }
      guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
        throw Failure.refused(
          "the certificate file \(path) has no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
      }
      configuration.trustRoots = .certificates(certificates)
    }
    return configuration
  }
}
