// A certificate that vouches for itself, for those who have no authority at hand: clients are given the file and trust it as
// a root (`REQUESTS_CA_BUNDLE`, `curl --cacert`).

import Crypto
public import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import SwiftASN1
import X509

/// `tls-cert.pem` and `tls-key.pem` of a directory: EC P-256, a root and a server in one, for the names that are given.
///
/// Kept over restarts, since clients have a copy; made anew when it has expired, does not have an address that it should, or
/// cannot be read.
public struct SelfSignedCertificate {
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

  /// How long it is valid. Some clients take none that is valid for longer.
  static let lifetime = TimeInterval(825 * 86_400)

  private let directory: String
  private let names: Names
  private let now: Date

  public init(in directory: String, for names: Names, now: Date = .now) {
    (self.directory, self.names, self.now) = (directory, names, now)
  }

  public var certificatePath: String { directory + "/tls-cert.pem" }
  public var keyPath: String { directory + "/tls-key.pem" }

  /// The certificate that is there, or a new one. `isNew`: clients need a new copy.
  public func identity() throws(TLSIdentity.Fault) -> (identity: TLSIdentity, isNew: Bool) {
    if isUsable, let identity = try? TLSIdentity(certificate: certificatePath, key: keyPath) {
      return (identity, false)
    }
    try make()
    return (try TLSIdentity(certificate: certificatePath, key: keyPath), true)
  }

  private var isUsable: Bool {
    guard let bytes = try? StateFile(path: certificatePath).read(),
      let certificate = try? Certificate(pemEncoded: String(decoding: bytes, as: UTF8.self)),
      let alternatives = try? certificate.extensions.subjectAlternativeNames
    else { return false }
    return certificate.notValidBefore <= now && now < certificate.notValidAfter
      && names.required.isSubset(of: Set(alternatives))
  }

  private func make() throws(TLSIdentity.Fault) {
    let key = P256.Signing.PrivateKey()
    do {
      let text = try certificate(Certificate.PrivateKey(key)).serializeAsPEM().pemString + "\n"
      try StateFile(path: keyPath).write(Array((key.pemRepresentation + "\n").utf8), mode: 0o600)
      try StateFile(path: certificatePath).write(Array(text.utf8), mode: 0o600)
    } catch let fault as StateFile.Fault {
      throw TLSIdentity.Fault(message: fault.message)
    } catch {
      throw TLSIdentity.Fault(message: "a self-signed certificate cannot be made: \(error)")
    }
  }

  private func certificate(_ key: Certificate.PrivateKey) throws -> Certificate {
    let name = try DistinguishedName { CommonName("toprackd") }
    return try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
      // Clocks of clients may be behind.
      notValidBefore: now.addingTimeInterval(-86_400), notValidAfter: now.addingTimeInterval(Self.lifetime),
      issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
        Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
        try ExtendedKeyUsage([.serverAuth])
        SubjectKeyIdentifier(hash: key.publicKey)
        SubjectAlternativeNames(names.required.union(names.more).sorted { "\($0)" < "\($1)" })
      }, issuerPrivateKey: key)
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
