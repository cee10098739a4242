import Foundation
import Glibc
import NIOSSL
import SwiftASN1
import Synchronization
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

  @Test("is an authority whose key is nowhere, and what it has signed is for the addresses, localhost and this machine")
  func made() throws {
    let directory = try TestDirectory()
    #expect(try own(directory, ["192.0.2.7:8443", "[2001:db8::7]:8443"]).identity().isNew)
    #expect(try directory.mode("tls-key.pem") == 0o600)
    let authority = try Certificate(pemEncoded: directory.text("tls-cert.pem"))
    #expect(authority.publicKey.isValidSignature(authority.signature, for: authority))
    #expect(try authority.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
    let constraints = try #require(authority.extensions[oid: .X509ExtensionID.nameConstraints])
    #expect(constraints.critical, "who does not understand it does not trust it")
    #expect(try NameConstraints(constraints).permittedSubtrees.contains(.dnsName("localhost")))
    #expect(try authority.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth]))
    #expect(authority.notValidBefore < now && authority.notValidAfter > now)
    let key = try Certificate.PrivateKey(pemEncoded: directory.text("tls-key.pem"))
    #expect(key.publicKey != authority.publicKey)
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    #expect(files == ["tls-cert.pem", "tls-key.pem", "tls-leaves.pem"])

    let leaves = try NIOSSLCertificate.fromPEMBytes(Array(directory.text("tls-leaves.pem").utf8))
    #expect(leaves.count == 61, "one each 60 days, for ten years")
    let leaf = try Certificate(derEncoded: #require(leaves.first).toDERBytes())
    #expect(leaf.publicKey == key.publicKey && authority.publicKey.isValidSignature(leaf.signature, for: leaf))
    #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
    let names = Set(try #require(try leaf.extensions.subjectAlternativeNames))
    for address in ["192.0.2.7", "2001:db8::7", "127.0.0.1", "::1"] {
      let name = try #require(GeneralName(address: address))
      #expect(names.contains(name))
    }
    #expect(names.contains(.dnsName("localhost")))
  }

  @Test("is kept while it serves, and made anew for a new address, when it has expired, and when its key is another's")
  func kept() throws {
    let directory = try TestDirectory()
    _ = try own(directory, ["192.0.2.7:8443"]).identity()
    let first = try directory.text("tls-cert.pem")
    #expect(try !own(directory, ["192.0.2.7:9000"], after: 3000 * 86_400).identity().isNew)
    #expect(try directory.text("tls-cert.pem") == first)
    #expect(try own(directory, ["192.0.2.7:8443", "192.0.2.8:8443"]).identity().isNew)
    let second = try directory.text("tls-cert.pem")
    #expect(second != first)
    #expect(try own(directory, ["192.0.2.7:8443"], after: SelfSignedCertificate.lifetime + 1).identity().isNew)
    try first.write(toFile: "\(directory.path)/tls-cert.pem", atomically: true, encoding: .utf8)
    #expect(try own(directory, ["192.0.2.7:8443"]).identity().isNew)
    // A certificate of an older release, which vouched for itself.
    try FileManager.default.removeItem(atPath: "\(directory.path)/tls-leaves.pem")
    #expect(try own(directory, ["192.0.2.7:8443"]).identity().isNew)
  }

  @Test("what it signs is made anew when two thirds of its time are over, while it serves, and the file stays")
  func renewed() throws {
    let directory = try TestDirectory()
    let identity = try own(directory, ["192.0.2.7:8443"]).identity().identity
    let file = try directory.text("tls-cert.pem")
    let first = identity.context(at: now)
    #expect(identity.context(at: now.addingTimeInterval(59 * 86_400)) === first)
    let second = identity.context(at: now.addingTimeInterval(60 * 86_400))
    #expect(second !== first)
    #expect(identity.context(at: now.addingTimeInterval(119 * 86_400)) === second)
    #expect(identity.context(at: now.addingTimeInterval(120 * 86_400)) !== second)
    #expect(try directory.text("tls-cert.pem") == file)
  }

  @Test("an authority that expires while it serves is made anew as well, and an operator is told to copy the file")
  func expired() throws {
    let directory = try TestDirectory()
    let notices = Mutex<[String]>([])
    let identity = try own(directory, ["192.0.2.7:8443"]).identity { notice in notices.withLock { $0.append(notice) } }
      .identity
    let file = try directory.text("tls-cert.pem")
    _ = identity.context(at: now.addingTimeInterval(SelfSignedCertificate.lifetime - 1))
    #expect(notices.withLock { $0.isEmpty })
    _ = identity.context(at: now.addingTimeInterval(SelfSignedCertificate.lifetime + 1))
    #expect(try directory.text("tls-cert.pem") != file)
    #expect(
      notices.withLock(\.self) == [
        "made a new certificate: clients are to trust \(directory.path)/tls-cert.pem anew"
      ])
  }

  @Test("one that cannot be renewed goes on, and the log says why")
  func unrenewable() throws {
    let directory = try TestDirectory()
    let notices = Mutex<[String]>([])
    let identity = try own(directory, ["192.0.2.7:8443"]).identity { notice in notices.withLock { $0.append(notice) } }
      .identity
    let first = identity.context(at: now)
    try FileManager.default.removeItem(atPath: directory.path)
    let later = now.addingTimeInterval(61 * 86_400)
    #expect(identity.context(at: later) === first)
    #expect(identity.context(at: later) === first)
    #expect(notices.withLock { $0.count } == 1, "once in an hour")
    #expect(notices.withLock { $0[0].hasPrefix("the certificate cannot be renewed: ") })
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
