import Foundation
import Testing

extension Integration {
  /// Only with a release build, as TOPRACK_BIN_DIR names one: a debug build says nothing about speed.
  @Suite(
    "Layer 3: throughput",
    .enabled(
      if: ProcessInfo.processInfo.environment["TOPRACK_BIN_DIR"]?.contains("release") ?? false, "no release build"))
  struct RoutedThroughputTests {
    @Test("iperf3 by the gateway is as fast as by a VLAN between the same two servers")
    func iperf3() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.routed("a", .hybrid)
      let b = try lab.routed("b", .hybrid)
      for (server, address) in [(a, "10.9.0.1/24"), (b, "10.9.0.2/24")] {
        try lab.toprack("port", "attach", server.name, "eth1", "100")
        try server.namespace.run("ip", "address", "add", address, "dev", "eth1")
        try server.namespace.run("ip", "link", "set", "eth1", "up")
      }
      try a.expectPings(["10.9.0.2", b.publicIPv4, b.publicIPv6])
      // The captures of the harness look at each frame, at both alike.
      let ways = ["VLAN": "10.9.0.2", "IPv4": b.publicIPv4, "IPv6": b.publicIPv6]
      var rounds: [String: [Double]] = [:]
      for round in 1...7 {
        for (way, address) in ways.sorted(by: { ($0.key < $1.key) == (round % 2 == 0) }) {
          let speed = try Self.transfer(from: a.namespace, to: address, in: b.namespace)
          rounds[way, default: []].append(speed)
        }
      }
      let medians = rounds.mapValues { $0.sorted()[$0.count / 2] }
      for (way, speed) in medians.sorted(by: { $0.key < $1.key }) {
        print("iperf3 by \(way): \((speed / 1e7).rounded() / 100) Gbit/s (median of \(rounds[way]?.count ?? 0))")
      }
      // On a quiet machine they are within a few hundredths (docs/benchmarks.md). What else runs there moves the medians of one-second
      // rounds by 15 %, so only a real loss fails.
      let vlan = try #require(medians["VLAN"])
      for way in ["IPv4", "IPv6"] {
        let speed = try #require(medians[way])
        #expect(speed >= 0.75 * vlan, "\(way): \(speed / vlan) of the VLAN's")
      }
    }

    /// Bits per second that arrived, in one second of one stream.
    private static func transfer(
      from sender: NetworkNamespace, to address: String, in receiver: NetworkNamespace
    ) throws -> Double {
      let server = try ChildProcess(
        ["ip", "netns", "exec", receiver.name, "iperf3", "--server", "--one-off", "--bind", address, "--json"])
      // iperf3 does not say when it listens.
      let deadline = Deadline.after(.seconds(20))
      while true {
        let client = try sender.attempt(
          ["iperf3", "--client", address, "--time", "1", "--connect-timeout", "5000"])
        if client.status == 0 { break }
        guard (client.errors + client.text).contains("refused"), !deadline.hasPassed else {
          throw HarnessError("iperf3: \(client.errors)\(client.text)")
        }
      }
      _ = server.wait(until: .after(.seconds(20)))
      let report = try JSON(server.standardOutput)
      guard case .number(let speed) = report["end"]["sum_received"]["bits_per_second"] else {
        throw HarnessError("iperf3 reported \(String(decoding: server.standardOutput, as: UTF8.self))")
      }
      return speed
    }
  }
}
