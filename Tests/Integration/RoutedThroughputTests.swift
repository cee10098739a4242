import Foundation
import Testing

extension Integration {
  @Suite(
    "Throughput of the gateway",
    .enabled(if: Daemon.binaries.contains("release"), "figures of a debug build say nothing: TOPRACK_BIN_DIR"))
  struct RoutedThroughputTests {
    @Test("TCP over the gateway is within 10 % of the same over a VLAN, between the same two servers")
    func routedAndSwitched() throws {
      let lab = try Lab(withHost: true)
      try lab.networks(1001)
      let servers = try ["web1", "web2"].map { try Tenant(in: lab, $0, .hybrid) }
      for (number, server) in servers.enumerated() {
        try lab.toprack("port", "attach", server.name, "eth1", "1001")
        try server.configure()
        try server.shell("ip address add 10.200.0.\(number + 1)/24 dev eth1")
      }
      let routed = try servers[1].addresses().public.host
      let switched = "10.200.0.2"
      try servers[0].pings(routed, switched)

      // One after the other in each round: what else the machine does meets both.
      var figures: [String: [Double]] = [:]
      func round() throws {
        for address in [routed, switched] {
          figures[address, default: []].append(try servers[0].transfer(to: address, at: servers[1]))
        }
      }
      func median(_ address: String) -> Double {
        let sorted = (figures[address] ?? []).sorted()
        return sorted[sorted.count / 2]
      }
      for _ in 1...7 { try round() }
      let (gateway, vlan) = (median(routed), median(switched))
      print(
        "TCP over the gateway \((gateway * 100).rounded() / 100), over a VLAN \((vlan * 100).rounded() / 100) Gbit/s,",
        "medians of \(figures[routed]!.count): \(Int((gateway / vlan * 100).rounded())) %")
      #expect(gateway >= 0.9 * vlan, "\(figures)")
    }
  }
}

extension Tenant {
  /// Sends TCP with iperf3 for a second to a server in `receiver`; returns the Gbit/s that one counted.
  func transfer(to address: String, at receiver: Tenant) throws -> Double {
    let server = try ChildProcess(
      ["ip", "netns", "exec", receiver.namespace.name, "iperf3", "--server", "--one-off", "--bind", address, "--json"])
    // iperf3 does not say when it listens.
    let deadline = Deadline.after(.seconds(20))
    while true {
      let client = try attempt("iperf3 --client \(address) --time 1 --connect-timeout 5000")
      if client.status == 0 { break }
      guard client.errors.contains("refused") || client.text.contains("refused"), !deadline.hasPassed else {
        throw HarnessError("iperf3: \(client.text)\(client.errors)")
      }
    }
    _ = server.wait(until: .after(.seconds(20)))
    let report = try JSON(server.standardOutput)
    guard case .number(let speed) = report["end"]["sum_received"]["bits_per_second"] else {
      throw HarnessError("iperf3 reported \(String(decoding: server.standardOutput, as: UTF8.self))")
    }
    return speed / 1e9
  }
}
