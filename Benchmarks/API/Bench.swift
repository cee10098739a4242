// The rack under measurement, and the cases.

import Foundation
import Glibc

final class Bench: Sendable {
  private let daemon: PrivateDaemon
  private let client: Client
  private let project: String
  private let count: Int

  init(servers: Int) async throws {
    count = servers
    daemon = try PrivateDaemon()
    _ = try await daemon.start()
    client = Client(socket: daemon.socket)
    let projects = try await client.send("GET", "/projects")
    guard let id = (projects["projects"] as? [[String: Any]])?.first?["id"] as? String else {
      throw BenchFault("the daemon has no project")
    }
    project = id
  }

  func end() { daemon.end() }

  /// Makes the servers, in all modes, and the networks.
  func fill() async throws {
    let began = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for lane in 0..<16 {
        group.addTask { [self] in
          for number in stride(from: lane, to: 4 * count, by: 16) {
            let place = Self.facilities[number % Self.facilities.count]
            _ = try await client.send(
              "POST", "/projects/\(project)/virtual-networks",
              ["facility": place, "vxlan": 2 + number / Self.facilities.count, "description": "network \(number)"])
          }
          for number in stride(from: lane, to: count, by: 16) {
            let place = Self.facilities[number % Self.facilities.count]
            _ = try await client.send(
              "POST", "/projects/\(project)/devices",
              [
                "hostname": name(number), "plan": "c3.small.x86", "facility": place, "operating_system": "debian_12",
                "tags": ["bench", "lane-\(lane)"],
              ])
            let mode = ["layer3", "hybrid", "layer2-bonded", "layer2-individual"][number % 4]
            _ = try await client.send("PUT", "/toprack/devices/\(name(number))/mode", ["mode": mode])
          }
        }
      }
      try await group.waitForAll()
    }
    FileHandle.standardError.write(
      Data("\(count) servers and \(4 * count) networks made in \(ContinuousClock.now - began)\n".utf8))
  }

  private static let facilities = ["ewr1", "sjc1"]
  private func name(_ number: Int) -> String { "s\(number)" }

  /// What it takes to have 4 KiB on the disk that the state is on.
  func flushes(_ repetitions: Int) throws -> Samples {
    let path = daemon.directory + "/yardstick"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw BenchFault("\(path): \(String(cString: strerror(errno)))") }
    defer {
      close(descriptor)
      unlink(path)
    }
    let page = [UInt8](repeating: 7, count: 4096)
    return Samples(
      (0..<repetitions).map { _ in
        ContinuousClock().measure {
          _ = page.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
          fdatasync(descriptor)
        }
      })
  }

  /// Servers from layer3 to hybrid and back, with new addresses through layer2-bonded now and then.
  func conversions(_ repetitions: Int) async throws -> Samples {
    let modes = ["hybrid", "layer3", "layer2-bonded", "layer3"]
    return try await timed(repetitions) { index in
      let server = self.name(4 * (index / modes.count % (self.count / 4)))
      _ = try await self.client.send("PUT", "/toprack/devices/\(server)/mode", ["mode": modes[index % modes.count]])
    }
  }

  /// Networks to and from eth1 of hybrid servers.
  func attachments(_ repetitions: Int) async throws -> Samples {
    var ports: [String] = []
    for number in stride(from: 1, to: min(count, 200), by: 4) { ports.append(try await port("eth1", of: name(number))) }
    let found = ports
    return try await timed(repetitions) { index in
      let operation = index % 2 == 0 ? "assign" : "unassign"
      let port = found[index / 2 % found.count]
      _ = try await self.client.send("POST", "/ports/\(port)/\(operation)", ["vnid": "\(2 + index / 2 % 100)"])
    }
  }

  func get(_ repetitions: Int) async throws -> Samples {
    let device = try await client.send("GET", "/toprack/devices/s7")
    let id = device["id"] as? String ?? ""
    return try await timed(repetitions) { _ in try await self.client.read("/devices/\(id)") }
  }

  func list(_ repetitions: Int) async throws -> Samples {
    try await timed(repetitions) { _ in try await self.client.read("/projects/\(self.project)/devices?per_page=1000") }
  }

  /// A whole answer for Prometheus.
  func metrics(_ repetitions: Int) async throws -> Samples {
    try await timed(repetitions) { _ in try await self.client.read("/metrics") }
  }

  func networks(_ repetitions: Int) async throws -> Samples {
    try await timed(repetitions) { _ in try await self.client.read("/projects/\(self.project)/virtual-networks") }
  }

  /// Acknowledged changes a second of clients that each wait for their answers.
  func concurrent(clients: Int, seconds: Int) async throws -> Double {
    let deadline = ContinuousClock.now + .seconds(seconds)
    let began = ContinuousClock.now
    let done = try await withThrowingTaskGroup(of: Int.self) { group in
      for lane in 0..<clients {
        let port = try await port("eth1", of: name(4 * lane + 1))
        group.addTask { [self] in
          var done = 0
          while ContinuousClock.now < deadline {
            let operation = done % 2 == 0 ? "assign" : "unassign"
            _ = try await client.send("POST", "/ports/\(port)/\(operation)", ["vnid": "\(500 + lane)"])
            done += 1
          }
          return done
        }
      }
      return try await group.reduce(0, +)
    }
    let time = (ContinuousClock.now - began).components
    return Double(done) / (Double(time.seconds) + Double(time.attoseconds) / 1e18)
  }

  func residentMegabytes() throws -> Double { try daemon.residentMegabytes() }

  /// Ends the daemon without a word, and measures from the new one's first instruction until it is ready.
  func restart() async throws -> Double {
    daemon.kill()
    let time = try await daemon.start().components
    return Double(time.seconds) + Double(time.attoseconds) / 1e18
  }

  private func port(_ name: String, of server: String) async throws -> String {
    let device = try await client.send("GET", "/toprack/devices/\(server)")
    let ports = device["network_ports"] as? [[String: Any]] ?? []
    guard let id = ports.first(where: { $0["name"] as? String == name })?["id"] as? String else {
      throw BenchFault("\(server) has no port \(name)")
    }
    return id
  }

  private func timed(_ repetitions: Int, _ body: (Int) async throws -> Void) async throws -> Samples {
    var times: [Duration] = []
    for index in 0..<repetitions {
      let began = ContinuousClock.now
      try await body(index)
      times.append(ContinuousClock.now - began)
    }
    return Samples(times)
  }
}

struct BenchFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
