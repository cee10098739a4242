// Options of every command, accepted before and after the command's name.

import ArgumentParser
import Foundation
import NIOCore

struct GlobalOptions: ParsableArguments {
  static let defaultSocket = "/run/toprack/toprack.sock"

  @Option(
    help: ArgumentHelp(
      "Unix socket of toprackd. (default: $TOPRACK_SOCKET, else \(Self.defaultSocket))", valueName: "path"),
    completion: .file())
  var socket: String?

  @Option(
    help: ArgumentHelp(
      "Base URL of an API that listens on TCP, as https://host:port. (default: $TOPRACK_URL)", valueName: "url"))
  var url: String?

  @Option(
    help: ArgumentHelp("Token for the API, sent as X-Auth-Token. (default: $TOPRACK_TOKEN)", valueName: "token"))
  var token: String?

  @Option(
    help: ArgumentHelp(
      "The certificate to trust with https, as a PEM file. (default: $TOPRACK_CA_CERT, else the system's authorities)",
      valueName: "file"),
    completion: .file())
  var caCert: String?

  @Flag(help: "Trust any certificate. Whoever answers gets the token.")
  var insecure = false

  @Flag(help: "Print JSON instead of tables: objects of the API as the API has them.")
  var json = false

  func validate() throws {
    if url != nil, socket != nil { throw ValidationError("--url and --socket exclude each other") }
    if caCert != nil, insecure { throw ValidationError("--ca-cert and --insecure exclude each other") }
    if socket?.isEmpty == true { throw ValidationError("--socket is empty; valid is a path, \(Self.defaultSocket)") }
    if let url, let fault = BaseURL.fault(of: url, from: "--url") { throw ValidationError(fault) }
  }

  var client: Client { get throws { try client() } }

  func client(timeout: TimeAmount = .seconds(60)) throws -> Client {
    let environment = ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
    let endpoint: Client.Endpoint
    if let url {
      endpoint = .url(url)
    } else if let socket {
      endpoint = .socket(socket)
    } else if let url = environment["TOPRACK_URL"] {
      if let fault = BaseURL.fault(of: url, from: "$TOPRACK_URL") { throw Failure.usage(fault) }
      endpoint = .url(url)
    } else {
      endpoint = .socket(environment["TOPRACK_SOCKET"] ?? Self.defaultSocket)
    }
    let token = token ?? environment["TOPRACK_TOKEN"]
    if let token, let fault = Self.fault(ofToken: token) { throw Failure.usage(fault) }
    let file = caCert ?? environment["TOPRACK_CA_CERT"]
    let trust: Trust = insecure ? .anyone : file.map(Trust.file) ?? .system
    // Over a socket nobody proves anything by a certificate.
    let isSocket = if case .socket = endpoint { true } else { false }
    return try Client(
      endpoint, token: token, trust: isSocket ? .system : trust, timeout: timeout)
  }

  /// It goes into a header. What is wrong with it is said without it.
  private static func fault(ofToken token: String) -> String? {
    guard token.isEmpty || !token.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
    return "the token is empty or has spaces or line ends in it; give it as 'toprack token create' printed it"
  }

  var output: Output { Output(json: json) }
}
