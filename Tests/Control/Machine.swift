import Control
import Dataplane
import Foundation
import Glibc
import Logging
import Host
import Rack
import Store
import Synchronization

/// Whether real interfaces can be made here.
let canMakeInterfaces = geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0

/// A daemon's inside on this machine: real store, real forwarding plane, real interfaces. Names carry a random part, so
/// that tests meet neither each other nor whatever else the machine has.
final class Machine {
  let directory: String
  let tag = String(UInt32.random(in: 0x1000...0xFFFF), radix: 16)
  private(set) var store: Store
  private(set) var dataplane: Dataplane
  private(set) var control: Control
  /// What the daemon would log at `info` and above.
  let log = RecordedLog()

  private let awaitsSystems: Bool

  init(awaitsSystems: Bool = false) async throws {
    self.awaitsSystems = awaitsSystems
    directory = FileManager.default.temporaryDirectory.path + "/toprack-control-\(UUID().uuidString)"
    (store, dataplane, control) = try await Self.start(directory, log, awaitsSystems)
  }

  private static func start(
    _ directory: String, _ log: RecordedLog, _ awaitsSystems: Bool
  ) async throws -> (Store, Dataplane, Control) {
    let store = try Store.open(directory)
    var configuration = Dataplane.Configuration()
    configuration.limits = Control.switchLimits
    let dataplane = try Dataplane(configuration)
    let logger = Logger(label: "test") { _ in log }
    let control = try await Control.start(
      store: store, dataplane: dataplane, limits: configuration.limits, awaitsSystems: awaitsSystems, version: "test",
      logger: logger)
    return (store, dataplane, control)
  }

  /// Stops, lets `between` happen, and starts again on the same state.
  func restart(_ between: () throws -> Void = {}) async throws {
    await control.stop()
    try between()
    (store, dataplane, control) = try await Self.start(directory, log, awaitsSystems)
  }

  /// Removes everything that was made, by way of the commands, and the state.
  func end() async {
    for id in await control.rack.servers.keys { _ = try? await control.perform(.deleteServer(id)) }
    await control.stop()
    try? FileManager.default.removeItem(atPath: directory)
  }

  // MARK: Words

  func name(_ text: String) -> String { "\(text)\(tag)" }

  @discardableResult
  func server(
    _ text: String, place: PlaceRequest = .host, mode: NetworkMode? = nil, nicNames: NICNames? = nil
  ) async throws -> Server {
    let rack = await control.rack
    let request = ServerRequest(
      hostname: name(text), plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
      project: rack.project(named: Project.defaultName)!.id, place: place, nicNames: nicNames)
    let outcome = try await control.perform(.createServer(request))
    guard case .server(let id) = outcome.subject else { fatalError("a created server is the subject") }
    if let mode { try await control.perform(.setMode(id, mode)) }
    return await control.rack.servers[id]!
  }

  @discardableResult
  func network(_ number: Int) async throws -> NetworkID {
    let project = await control.rack.project(named: Project.defaultName)!.id
    let request = NetworkRequest(project: project, facility: "ewr1", vxlan: number, description: nil)
    guard case .network(let id) = try await control.perform(.createNetwork(request)).subject else {
      fatalError("a created network is the subject")
    }
    return id
  }

  /// The interfaces that carry this rack's mark.
  func links(in namespace: String? = nil) async throws -> [Link] {
    let prefix = "toprack \(await control.rack.id.uuidString.lowercased()) "
    return try Links.list(in: namespace).filter { $0.alias?.hasPrefix(prefix) == true && $0.name != "lo" }
      .sorted { $0.name < $1.name }
  }
}

/// A log that tests can read: `info web1 created by=token ci`.
final class RecordedLog: LogHandler {
  private let recorded = Mutex<[String]>([])
  var lines: [String] { recorded.withLock(\.self) }
  var logLevel: Logger.Level {
    get { .info }
    set {}
  }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    let words = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    recorded.withLock { $0.append("\(event.level.rawValue) \(event.message)\(words.joined())") }
  }

  func forget() { recorded.withLock { $0 = [] } }
}

/// Runs a program of the system. Throws when it does not succeed.
@discardableResult
func run(_ words: String...) throws -> String { try run(words) }

@discardableResult
func run(_ words: [String]) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = words
  let output = Pipe()
  process.standardOutput = output
  process.standardError = output
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  struct Failed: Error, CustomStringConvertible { let description: String }
  guard process.terminationStatus == 0 else { throw Failed(description: "\(words.joined(separator: " ")): \(text)") }
  return text
}
