// Who the API is to its clients over TLS: a certificate with its chain, and the key that belongs to it.

import FoundationEssentials
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// A certificate and its key, checked to belong together. It can change while the daemon runs; connections that are
/// there keep theirs.
public struct TLSIdentity: Sendable {
  /// Why there is no TLS with these files.
  public struct Fault: Error, Hashable, Sendable {
    public let message: String
  }

  private let source: any TLSContextSource

  init(_ source: any TLSContextSource) { self.source = source }

  /// Reads two files in PEM: the certificate with those that vouch for it behind it, and its private key.
  public init(certificate: String, key: String) throws(Fault) {
    let chain = try Self.chain(certificate)
    let secret = try Self.secret(key)
    guard chain.leaf.publicKey == secret.public else {
      throw Fault(message: "the key in \(key) does not belong to the certificate in \(certificate)")
    }
    do {
      source = FixedContext(context: try Self.context(chain.certificates, secret.key))
    } catch {
      throw Fault(message: "TLS cannot be set up with \(certificate) and \(key): \(error)")
    }
  }

  /// For a connection that begins at `now`.
  func context(at now: Date) -> NIOSSLContext { source.context(at: now) }

  /// Suites of TLS 1.2 that encrypt and authenticate in one (AEAD) with a key for each connection. Those of TLS 1.3 are
  /// all like that.
  static let suites: [NIOTLSCipher] = [
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  ]

  /// What every certificate of the daemon is served with.
  static func context(_ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.cipherSuiteValues = suites
    configuration.applicationProtocols = ["http/1.1"]
    return try NIOSSLContext(configuration: configuration)
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

/// Has what new connections are served with.
protocol TLSContextSource: Sendable {
  func context(at now: Date) -> NIOSSLContext
}

/// An operator's certificate: for as long as the daemon runs.
private struct FixedContext: TLSContextSource {
  let context: NIOSSLContext

  func context(at now: Date) -> NIOSSLContext { context }
}

/// One that is made anew before it expires, by whoever asks first after that time.
///
/// Threads: safe to share.
final class RenewedContext: TLSContextSource {
  struct Issue: Sendable {
    let context: NIOSSLContext
    let renewal: Date
  }

  private let issue: Mutex<Issue>
  private let make: @Sendable (Date) throws(TLSIdentity.Fault) -> Issue
  private let notice: @Sendable (String) -> Void
  /// After one that could not be made.
  private static let pause = TimeInterval(3600)

  /// - Parameters:
  ///   - make: a new one at a time.
  ///   - notice: told why there is none; then the one that is there goes on.
  init(
    at now: Date, notice: @escaping @Sendable (String) -> Void,
    _ make: @escaping @Sendable (Date) throws(TLSIdentity.Fault) -> Issue
  ) throws(TLSIdentity.Fault) {
    issue = Mutex(try make(now))
    (self.make, self.notice) = (make, notice)
  }

  func context(at now: Date) -> NIOSSLContext {
    issue.withLock { issue in
      guard now >= issue.renewal else { return issue.context }
      do throws(TLSIdentity.Fault) {
        issue = try make(now)
      } catch {
        notice("the certificate cannot be renewed: \(error.message)")
        issue = Issue(context: issue.context, renewal: now.addingTimeInterval(Self.pause))
      }
      return issue.context
    }
  }
}
