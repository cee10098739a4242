import Foundation
import Glibc
import Testing

/// A client library of the real service, which knows nothing of Toprack.
enum ClientLibrary: String, Sendable, CustomTestStringConvertible {
  case packetPython = "packet-python"
  case equinixMetal = "equinix-metal"
  case packngo
  /// For many clouds: it knows servers, and no ports or networks.
  case libcloud

  /// Those that know ports and networks.
  static let withPorts: [ClientLibrary] = [.packetPython, .equinixMetal, .packngo]

  var testDescription: String { rawValue }

  /// What it throws for an answer of this status.
  func error(for status: Int?) -> String {
    switch (self, status) {
    case (.packetPython, _): "packet.baseapi.ResponseError"
    case (.packngo, _): "*packngo.ErrorResponse"
    case (.libcloud, 401): "libcloud.common.types.InvalidCredsError"
    case (.libcloud, _): "builtins.Exception"
    case (.equinixMetal, 401): "equinix_metal.exceptions.UnauthorizedException"
    case (.equinixMetal, 403): "equinix_metal.exceptions.ForbiddenException"
    case (.equinixMetal, 404): "equinix_metal.exceptions.NotFoundException"
    case (.equinixMetal, _): "equinix_metal.exceptions.ApiException"
    }
  }
}

/// One of these libraries at work: a program of `Tests/Clients`, told by lines of JSON what to do next. It talks TLS to
/// the daemon of a lab from within its host, with a token, and does nothing by itself.
final class ClientDriver {
  /// The folder that `scripts/clients` printed: TOPRACK_CLIENTS. Tests with clients run only when it is given.
  static let environment = ProcessInfo.processInfo.environment["TOPRACK_CLIENTS"].flatMap { $0.isEmpty ? nil : $0 }

  /// `Tests/Clients`.
  static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Clients")

  /// How a daemon is started that such clients are to find. Nothing else listens in a lab's own host.
  static let endpoint = "127.0.0.1:8443"
  static let options = ["--listen", endpoint, "--tls-self-signed"]

  let library: ClientLibrary
  private let process: ChildProcess
  private let lines: LineSocket

  /// `token`: the one that the daemon's first start left in its state if nil. `service`: the names that the daemon has,
  /// if the library looks for it by one.
  init(_ library: ClientLibrary, of lab: Lab, token: String? = nil, by service: ServiceByName? = nil) throws {
    guard let folder = Self.environment else { throw HarnessError("TOPRACK_CLIENTS is not set") }
    guard let host = lab.host else { throw HarnessError("a client needs a lab with a host") }
    self.library = library
    let drivers = Self.sources.path
    let program =
      switch library {
      case .packetPython: ["\(folder)/python/bin/python", "-B", "\(drivers)/packet_python/driver.py"]
      case .equinixMetal: ["\(folder)/python/bin/python", "-B", "\(drivers)/equinix_metal/driver.py"]
      case .packngo: ["\(folder)/packngo"]
      case .libcloud: ["\(folder)/python/bin/python", "-B", "\(drivers)/libcloud/driver.py"]
      }
    let certificate = "\(lab.daemon.state)/tls-cert.pem"
    let (mine, other) = try LineSocket.pair(library.rawValue)
    defer { close(other) }
    lines = mine
    process = try ChildProcess(
      (service?.prefix(in: host) ?? ["ip", "netns", "exec", host.name]) + program,
      environment: [
        "TOPRACK_ENDPOINT": Self.endpoint, "TOPRACK_TOKEN": try token ?? lab.daemon.firstToken(),
      ].merging(service?.environment ?? ["REQUESTS_CA_BUNDLE": certificate, "SSL_CERT_FILE": certificate]) { $1 },
      conversation: other)
  }

  deinit {
    process.signal(SIGTERM)
    _ = process.wait(until: .after(.seconds(10)))
  }

  /// Has the client do something that must succeed, and returns what it made of the answer.
  @discardableResult
  func callAsFunction(_ operation: String, _ arguments: [String: JSON] = [:]) throws -> JSON {
    let answer = try tell(operation, arguments)
    if let error = answer["error"].object {
      throw HarnessError(
        "\(library.rawValue) \(operation) \(arguments): \(error)\n"
          + String(decoding: process.standardError.suffix(3_000), as: UTF8.self))
    }
    return answer["result"]
  }

  /// Has the client do something that the daemon must refuse with this status, and the library report as its users
  /// expect. nil: the library does not tell the status.
  func expectRefusal(
    _ status: Int?, _ operation: String, _ arguments: [String: JSON], naming word: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let error = try tell(operation, arguments)["error"]
    let comment = "\(library.rawValue) \(operation) \(arguments): \(error)"
    #expect(error["status"].int == status, "\(comment)", sourceLocation: sourceLocation)
    #expect(error["class"].string == library.error(for: status), "\(comment)", sourceLocation: sourceLocation)
    let texts = (error["texts"].array ?? []).compactMap(\.string)
    #expect(
      !texts.isEmpty && texts.contains { word.map($0.contains) ?? true }, "\(comment)", sourceLocation: sourceLocation
    )
  }

  private func tell(_ operation: String, _ arguments: [String: JSON]) throws -> JSON {
    let request = JSON.object(arguments.merging(["op": .string(operation)]) { $1 })
    do {
      try lines.send(String(decoding: JSONEncoder().encode(request), as: UTF8.self))
      return try JSON(Data(lines.line(until: .after(.seconds(60))).utf8))
    } catch {
      throw HarnessError("\(error)\n\(String(decoding: process.standardError.suffix(3_000), as: UTF8.self))")
    }
  }
}

extension Daemon {
  /// The token that the first start has made.
  func firstToken() throws -> String {
    try String(contentsOfFile: "\(state)/token", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// What a client has read of a device.
struct ClientDevice: Equatable {
  struct Port: Equatable {
    var bonded: Bool
    var networks: Set<String> = []
    var native: String?
  }
  let id: String
  let hostname: String
  let state: String
  let mode: String
  let ports: [String: Port]
  let addresses: Set<String>

  init(_ shown: JSON) throws {
    guard let id = shown["id"].string, let hostname = shown["hostname"].string, let state = shown["state"].string,
      let mode = shown["mode"].string, let ports = shown["ports"].object, let addresses = shown["addresses"].array
    else { throw HarnessError("the client's device lacks something: \(shown)") }
    (self.id, self.hostname, self.state, self.mode) = (id, hostname, state, mode)
    self.ports = ports.mapValues {
      Port(
        bonded: $0["bonded"].bool ?? false, networks: Set(($0["networks"].array ?? []).compactMap(\.string)),
        native: $0["native"].string)
    }
    self.addresses = Set(addresses.compactMap(\.string))
  }
}
