import Foundation
import Glibc

/// The original service's names, for clients that have them built in and can be told no other place: a hosts file in
/// which they are the daemon's, and a certificate for them that the daemon shows and such clients trust.
///
/// Both are what a user of such a client makes; Tests/Clients/README.md has the commands. The hosts file is seen by the
/// client alone: `ip netns exec` gives each program a mount namespace of its own.
final class ServiceByName {
  static let names = ["api.equinix.com", "api.packet.net"]

  private let directory: String
  private var certificate: String { "\(directory)/cert.pem" }
  private var hosts: String { "\(directory)/hosts" }

  init() throws {
    var path = Array("/tmp/toprack-test-\(getpid())-XXXXXX".utf8CString)
    guard mkdtemp(&path) != nil else {
      throw HarnessError("no temporary directory: \(String(cString: strerror(errno)))")
    }
    directory = String(cString: &path)
    try "127.0.0.1 localhost \(Self.names.joined(separator: " "))\n".write(
      toFile: hosts, atomically: true, encoding: .utf8)
    try runSuccessfully([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
      "-subj", "/CN=\(Self.names[0])", "-addext",
      "subjectAltName=" + Self.names.map { "DNS:\($0)" }.joined(separator: ","),
      "-keyout", "\(directory)/key.pem", "-out", certificate,
    ])
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// How a daemon is started that answers by these names.
  var options: [String] {
    ["--listen", "127.0.0.1:443", "--tls-cert", certificate, "--tls-key", "\(directory)/key.pem"]
  }

  /// What stands before a program that is to find the daemon of `host` by them.
  func prefix(in host: NetworkNamespace) -> [String] {
    ["ip", "netns", "exec", host.name, "sh", "-c", #"mount --bind "$0" /etc/hosts && exec "$@""#, hosts]
  }

  /// What has it trust the daemon.
  var environment: [String: String] { ["REQUESTS_CA_BUNDLE": certificate, "SSL_CERT_FILE": certificate] }
}
