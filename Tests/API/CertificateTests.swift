import Foundation
import Glibc
import SwiftASN1
import Testing
import X509

@testable import API

/// A directory that goes with it.
final class TestDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/toprack-api-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

  func mode(_ name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
    return try #require(attributes[.posixPermissions] as? Int)
  }
}

@Suite("The API's certificate") struct CertificateTests {
  private let now = Date(timeIntervalSince1970: 1_563_439_598)

  private func own(_ directory: TestDirectory, _ addresses: [String], after time: TimeInterval = 0) throws
    -> SelfSignedCertificate
  {
    SelfSignedCertificate(
      in: directory.path, for: .init(try addresses.map { try ListenAddress($0) }), now: now.addingTimeInterval(time))
  }

  @Test("vouches for itself as a root, for the addresses, localhost and this machine; only its owner has the key")
  func made() throws {
    let directory = try TestDirectory()
    #expect(try own(directory, ["192.0.2.7:8443", "[2001:db8::7]:8443"]).identity().isNew)
    #expect(try directory.mode("tls-key.pem") == 0o600)
    let certificate = try Certificate(pemEncoded: directory.text("tls-cert.pem"))
    #expect(certificate.publicKey.isValidSignature(certificate.signature, for: certificate))
    #expect(certificate.issuer == certificate.subject)
    guard case .isCertificateAuthority = try #require(try certificate.extensions.basicConstraints) else {
      Issue.record("is no root")
      return
    }
    let names = Set(try #require(try certificate.extensions.subjectAlternativeNames))
    for address in ["192.0.2.7", "2001:db8::7", "127.0.0.1", "::1"] {
      let name = try #require(GeneralName(address: address))
      #expect(names.contains(name))
    }
    #expect(names.contains(.dnsName("localhost")))
    #expect(certificate.notValidBefore < now && certificate.notValidAfter > now)
  }

  @Test("is kept while it serves, and made anew for a new address, when it has expired, and when its key is another's")
  func kept() throws {
    let directory = try TestDirectory()
    _ = try own(directory, ["192.0.2.7:8443"]).identity()
    let first = try directory.text("tls-cert.pem")
    #expect(try !own(directory, ["192.0.2.7:9000"], after: 800 * 86_400).identity().isNew)
    #expect(try directory.text("tls-cert.pem") == first)
    #expect(try own(directory, ["192.0.2.7:8443", "192.0.2.8:8443"]).identity().isNew)
    let second = try directory.text("tls-cert.pem")
    #expect(second != first)
    #expect(try own(directory, ["192.0.2.7:8443"], after: SelfSignedCertificate.lifetime + 1).identity().isNew)
    try first.write(toFile: "\(directory.path)/tls-cert.pem", atomically: true, encoding: .utf8)
    #expect(try own(directory, ["192.0.2.7:8443"]).identity().isNew)
  }

  @Test("files that do not belong together, or are none, are faults that name them")
  func faults() throws {
    let (one, other) = (try TestDirectory(), try TestDirectory())
    _ = try own(one, ["192.0.2.7:8443"]).identity()
    _ = try own(other, ["192.0.2.7:8443"]).identity()
    func fault(_ certificate: String, _ key: String) -> String? {
      #expect(throws: TLSIdentity.Fault.self) { try TLSIdentity(certificate: certificate, key: key) }?.message
    }
    let (certificate, key) = ("\(one.path)/tls-cert.pem", "\(one.path)/tls-key.pem")
    #expect(
      fault(certificate, "\(other.path)/tls-key.pem")
        == "the key in \(other.path)/tls-key.pem does not belong to the certificate in \(certificate)")
    #expect(fault("\(one.path)/none", key) == "\(one.path)/none cannot be read: No such file or directory")
    #expect(fault(key, key)?.hasPrefix("\(key) has no readable certificate in PEM") == true)
    #expect(fault(certificate, certificate)?.hasPrefix("\(certificate) has no readable private key in PEM") == true)
  }
}
