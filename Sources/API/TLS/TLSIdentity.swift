// Who the API is to its clients over TLS: a certificate with its chain, and the key that belongs to it.

import NIOSSL
import SwiftASN1
import X509

/// A certificate and its key, checked to belong together.
public struct TLSIdentity: Sendable {
  let context: NIOSSLContext

  /// Why there is no TLS with these files.
  public struct Fault: Error, Hashable, Sendable {
    public let message: String
  }

  /// Reads two files in PEM: the certificate with those that vouch for it behind it, and its private key.
  public init(certificate: String, key: String) throws(Fault) {
    let chain = try Self.chain(certificate)
    let secret = try Self.secret(key)
    guard chain.leaf.publicKey == secret.public else {
      throw Fault(message: "the key in \(key) does not belong to the certificate in \(certificate)")
    }
    do {
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.certificates.map { .certificate($0) }, privateKey: .privateKey(secret.key))
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["http/1.1"]
      context = try NIOSSLContext(configuration: configuration)
    } catch {
      throw Fault(message: "TLS cannot be set up with \(certificate) and \(key): \(error)")
    }
  }

  private static func chain(
    _ path: String
  ) throws(Fault) -> (leaf: Certificate, certificates: [NIOSSLCertificate]) {
    let bytes = try read(path)
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
      guard let first = certificates.first else { throw Fault(message: "no certificate") }
      return (try Certificate(derEncoded: first.toDERBytes()), certificates)
    } catch {
      throw Fault(message: "\(path) has no readable certificate in PEM: give a file with -----BEGIN CERTIFICATE-----")
    }
  }

  private static func secret(_ path: String) throws(Fault) -> (public: Certificate.PublicKey, key: NIOSSLPrivateKey) {
    let bytes = try read(path)
    do {
      let key = try Certificate.PrivateKey(pemEncoded: String(decoding: bytes, as: UTF8.self))
      return (key.publicKey, try NIOSSLPrivateKey(bytes: bytes, format: .pem))
    } catch {
      throw Fault(
        message:
          "\(path) has no readable private key in PEM: give a file with -----BEGIN PRIVATE KEY-----, and no password"
      )
    }
  }

  private static func read(_ path: String) throws(Fault) -> [UInt8] {
    do { return try StateFile(path: path).read() } catch { throw Fault(message: error.message) }
  }
}
