// A certificate of the daemon's own, for those who have no authority at hand: clients are given a file and trust it as
// a root (`REQUESTS_CA_BUNDLE`, `curl --cacert`).
//
//     tls-cert.pem: an authority, ten years ──has signed──▶ tls-leaves.pem: the certificates that are served, 90 days each, one behind
//     its key was thrown away                               another; their key is tls-key.pem
//
// So nobody can make a certificate for another name that such a client would believe, whoever has the files, and yet
// what is served is renewed under the clients. docs/decisions/0022-shares-of-callers.md has the reasons.

import Crypto
public import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import SwiftASN1
import X509

/// Three files of a directory: an authority, which has no key any more, what it has signed for the names that are
/// given, and the key of that (EC P-256). Which of them is served depends on the time; the next one takes over when two
/// thirds of the time are over.
///
/// They are kept over restarts, since clients have a copy of the authority; made anew when it has expired, when there
/// is an address that they should have, and when they cannot be read.
public struct SelfSignedCertificate: Sendable {
  /// The names that clients reach the API by.
  public struct Names: Sendable {
    /// Those that it must have: what is listened at, and this machine.
    var required: Set<GeneralName>
    /// Those that it has when it is made: addresses that may come and go.
    var more: Set<GeneralName>

    public init(_ addresses: [ListenAddress]) {
      let hosts = addresses.compactMap(\.host)
      let wildcards: Set = ["0.0.0.0", "::"]
      required = [.dnsName("localhost")]
      required.formUnion(
        (hosts.filter { !wildcards.contains($0) } + ["127.0.0.1", "::1"]).compactMap(GeneralName.init(address:)))
      if let hostname = Self.hostname { required.insert(.dnsName(hostname)) }
      let isOpen = addresses.contains { $0.host.map(wildcards.contains) ?? true }
      more = isOpen ? Set(Self.interfaceAddresses.compactMap(GeneralName.init(address:))) : []
    }

    private static var hostname: String? {
      var buffer = [CChar](repeating: 0, count: 256)
      let status = gethostname(&buffer, buffer.count - 1)
      let name = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      return status == 0 && !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? name : nil
    }

    private static var interfaceAddresses: [String] {
      let devices = (try? System.enumerateDevices()) ?? []
      return devices.compactMap { $0.address?.ipAddress }
    }
  }

  /// How long the authority is valid, and each that it has signed. Some clients take no server's certificate of more
  /// than 398 days.
  static let lifetime = TimeInterval(3650 * 86_400)
  static let leafLifetime = TimeInterval(90 * 86_400)
  /// From one to the next.
  static let leafInterval = TimeInterval(60 * 86_400)
  /// Clocks of clients may be behind.
  private static let slack = TimeInterval(86_400)

  private let directory: String
  private let names: Names
  private let now: Date

  public init(in directory: String, for names: Names, now: Date = .now) {
    (self.directory, self.names, self.now) = (directory, names, now)
  }

  public var certificatePath: String { directory + "/tls-cert.pem" }
  public var keyPath: String { directory + "/tls-key.pem" }
  public var leavesPath: String { directory + "/tls-leaves.pem" }

  /// What is served, by the authority that is there or a new one. `isNew`: clients need a new copy.
  ///
  /// - Parameter notice: told what an operator should know of what happens later.
  public func identity(
    notice: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(TLSIdentity.Fault) -> (identity: TLSIdentity, isNew: Bool) {
    let isNew = usable(at: now) == nil
    let source = try RenewedContext(at: now, notice: notice) { time throws(TLSIdentity.Fault) in
      if let files = usable(at: time) { return try files.issue(at: time) }
      let files = try make(at: time)
      if time != now { notice("made a new certificate: clients are to trust \(certificatePath) anew") }
      return try files.issue(at: time)
    }
    return (TLSIdentity(source), isNew)
  }

  /// What the files have: certificates that are served, in their order, and their key in PEM.
  private struct Files {
    let leaves: [Certificate]
    let key: [UInt8]

    /// The last that has begun; `nil`: none serves.
    func leaf(at time: Date) -> Certificate? {
      let valid = leaves.filter { $0.notValidBefore <= time && time < $0.notValidAfter }
      return valid.last { $0.notValidBefore.addingTimeInterval(SelfSignedCertificate.slack) <= time } ?? valid.first
    }

    func issue(at time: Date) throws(TLSIdentity.Fault) -> RenewedContext.Issue {
      guard let leaf = leaf(at: time) else { throw TLSIdentity.Fault(message: "there is no certificate for this time") }
      do {
        var serializer = DER.Serializer()
        try serializer.serialize(leaf)
        let context = try TLSIdentity.context(
          [NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)],
          NIOSSLPrivateKey(bytes: key, format: .pem))
        let begin = leaf.notValidBefore.addingTimeInterval(SelfSignedCertificate.slack)
        let next = begin.addingTimeInterval(SelfSignedCertificate.leafInterval)
        return RenewedContext.Issue(context: context, renewal: min(next, leaf.notValidAfter))
      } catch {
        throw TLSIdentity.Fault(message: "TLS cannot be set up with a certificate of our own: \(error)")
      }
    }
  }

  /// `nil`: there are none, or none that serve.
  private func usable(at time: Date) -> Files? {
    guard let text = try? StateFile(path: certificatePath).read(), let secret = try? StateFile(path: keyPath).read(),
      let signed = try? StateFile(path: leavesPath).read(),
      let authority = try? Certificate(pemEncoded: String(decoding: text, as: UTF8.self)),
      let key = try? Certificate.PrivateKey(pemEncoded: String(decoding: secret, as: UTF8.self)),
      let leaves = try? NIOSSLCertificate.fromPEMBytes(signed).map({ try Certificate(derEncoded: $0.toDERBytes()) }),
      authority.notValidBefore <= time, time < authority.notValidAfter
    else { return nil }
    let files = Files(leaves: leaves, key: secret)
    guard let leaf = files.leaf(at: time), leaf.publicKey == key.publicKey, leaf.issuer == authority.subject,
      authority.publicKey.isValidSignature(leaf.signature, for: leaf),
      let own = try? leaf.extensions.subjectAlternativeNames, names.required.isSubset(of: Set(own))
    else { return nil }
    return files
  }

  /// Makes all of it, and throws the authority's key away.
  private func make(at time: Date) throws(TLSIdentity.Fault) -> Files {
    let secret = P256.Signing.PrivateKey()
    let authorityKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
    do {
      let authority = try authority(authorityKey, at: time)
      let leaves = try stride(from: 0, to: Self.lifetime, by: Self.leafInterval).map { offset in
        try leaf(secret.publicKey, of: authority, authorityKey, at: time.addingTimeInterval(offset))
      }
      let key = Array((secret.pemRepresentation + "\n").utf8)
      try StateFile(path: keyPath).write(key, mode: 0o600)
      let texts = try leaves.map { try $0.serializeAsPEM().pemString + "\n" }
      try StateFile(path: leavesPath).write(Array(texts.joined().utf8), mode: 0o600)
      let text = try authority.serializeAsPEM().pemString + "\n"
      try StateFile(path: certificatePath).write(Array(text.utf8), mode: 0o600)
      return Files(leaves: leaves, key: key)
    } catch let fault as StateFile.Fault {
      throw TLSIdentity.Fault(message: fault.message)
    } catch {
      throw TLSIdentity.Fault(message: "a self-signed certificate cannot be made: \(error)")
    }
  }

  /// Limited to our names of DNS as well. Not to our addresses: BoringSSL refuses what has a limit of that kind.
  private func authority(_ key: Certificate.PrivateKey, at time: Date) throws -> Certificate {
    let domains = names.required.union(names.more).compactMap { if case .dnsName(let name) = $0 { name } else { nil } }
    // A number in the name, so that a client that has an older one does not take one for the other.
    let name = try DistinguishedName { CommonName("toprackd \(Int(time.timeIntervalSince1970))") }
    return try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
      notValidBefore: time.addingTimeInterval(-Self.slack), notValidAfter: time.addingTimeInterval(Self.lifetime),
      issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
        Critical(KeyUsage(keyCertSign: true))
        Critical(NameConstraints(permittedDNSDomains: domains.sorted()))
        try ExtendedKeyUsage([.serverAuth])
        SubjectKeyIdentifier(hash: key.publicKey)
      }, issuerPrivateKey: key)
  }

  private func leaf(
    _ key: P256.Signing.PublicKey, of authority: Certificate, _ authorityKey: Certificate.PrivateKey, at time: Date
  ) throws -> Certificate {
    let key = Certificate.PublicKey(key)
    return try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
      notValidBefore: time.addingTimeInterval(-Self.slack),
      notValidAfter: min(time.addingTimeInterval(Self.leafLifetime), authority.notValidAfter),
      issuer: authority.subject, subject: try DistinguishedName { CommonName("toprackd server") },
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true))
        try ExtendedKeyUsage([.serverAuth])
        SubjectKeyIdentifier(hash: key)
        AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: authority.publicKey).keyIdentifier)
        SubjectAlternativeNames(names.required.union(names.more).sorted { "\($0)" < "\($1)" })
      }, issuerPrivateKey: authorityKey)
  }
}

extension GeneralName {
  /// The 4 or 16 octets of an IP address in text, RFC 5280 4.2.1.6.
  init?(address: String) {
    // A scope is no part of the address.
    let text = String(address.prefix { $0 != "%" })
    let isIPv6 = text.contains(":")
    var octets = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &octets) == 1 else { return nil }
    self = .ipAddress(ASN1OctetString(contentBytes: octets[...]))
  }
}
