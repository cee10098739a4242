import Consoles
import Foundation
import Logging
import ServiceLifecycle
import Testing

@testable import API

/// The API on the loopback interface, for tests that need a real socket.
enum Serving {
  /// Serves while `body` runs, which gets the port and a token; then it must end without waiting for those who are
  /// idle.
  static func api(
    _ limits: ConnectionLimits = ConnectionLimits(), heartbeat: Duration = EventStream.heartbeat,
    tls: TLSIdentity? = nil, date: @escaping @Sendable () -> Date = { .now }, consoles: ConsoleHub? = nil,
    _ body: @escaping @Sendable (UInt16, String, RackAlone) async throws -> Void
  ) async throws {
    let keeper = RackAlone()
    let token = try await keeper.token("test")
    let (descriptor, address) = try ListenAddress("127.0.0.1:0").bind()
    try await run(.tcp(descriptor, at: address, tls: tls), keeper, limits, heartbeat, date, consoles) {
      try await body(UInt16(address.port), token, keeper)
    }
  }

  /// The same at a Unix socket.
  static func local(
    _ limits: ConnectionLimits = ConnectionLimits(), consoles: ConsoleHub? = nil,
    _ body: @escaping @Sendable (String, RackAlone) async throws -> Void
  ) async throws {
    let directory = try TestDirectory()
    let path = "\(directory.path)/s"
    let keeper = RackAlone()
    try await run(.unix(path: path), keeper, limits, EventStream.heartbeat, { .now }, consoles) {
      try await body(path, keeper)
    }
    withExtendedLifetime(directory) {}
  }

  private static func run(
    _ listener: APIListener, _ keeper: RackAlone, _ limits: ConnectionLimits, _ heartbeat: Duration,
    _ date: @escaping @Sendable () -> Date, _ consoles: ConsoleHub? = nil,
    _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
    let service = APIService(
      listeners: [listener],
      responder: APIResponder(keeper: keeper, heartbeat: heartbeat, consoles: consoles), limits: limits,
      serverName: "test", logger: logger, date: date
    ) { isReady.finish() }
    let group = ServiceGroup(services: [service], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      for await _ in ready {}
      let failure: (any Error)?
      do {
        try await body()
        failure = nil
      } catch {
        failure = error
      }
      let start = ContinuousClock.now
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      // Those who are idle may be so for two minutes, so this is no question of how fast the machine is.
      #expect(ContinuousClock.now - start < .seconds(60), "it does not wait for idle clients")
      if let failure { throw failure }
    }
  }

  static func get(_ path: String, _ token: String) -> String {
    "GET \(path) HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\n\r\n"
  }
}
