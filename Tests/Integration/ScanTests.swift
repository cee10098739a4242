import Foundation
import Testing

/// A server that looks for others: what does not exist costs an answer now and then, and nothing else.
extension Integration {
  @Suite("Layer 3: scans") struct ScanTests {
    @Test("a scan of 65 000 addresses is answered at the rate limit, takes no memory, and disturbs nobody")
    func scan() throws {
      let lab = try Lab()
      let scanner = try lab.routed("scanner")
      let b = try lab.routed("b")
      let c = try lab.routed("c", facility: "sjc1")
      let gateway = try scanner.gatewayMAC()
      try c.expectPings(b.all)
      let nic = scanner.machine.eth0
      func probe(_ second: Int, _ third: Int, _ fourth: Int) throws {
        try nic.send(
          Packet.udp(from: nic.mac, scanner.publicIPv4, to: gateway, "198.\(second).\(third).\(fourth)", "scan"))
      }
      // The queues and batches reach their full size before it counts.
      for fourth in 0...255 { for _ in 0..<8 { try probe(18, 7, fourth) } }
      let watch = try TimedCapture(on: nic, filter: "icmp[0] == 3")
      let before = try lab.memory()
      let neighbours = try lab.toprack.json("neighbour", "list").array?.count
      let ping = try ChildProcess(
        ["ip", "netns", "exec", c.namespace.name, "ping", "-n", "-i", "0.01", "-W", "1", b.publicIPv4])
      let began = ContinuousClock.now
      for third in 0...127 { for fourth in 0...255 { try probe(18, third, fourth) } }
      for third in 0...127 { for fourth in 0...255 { try probe(19, third, fourth) } }
      let seconds = began.duration(to: .now) / .seconds(1)
      ping.signal(2)
      let status = try #require(ping.wait(until: .after(.seconds(10))))
      let report = PingReport(Finished(command: [], status: status, output: ping.standardOutput, errors: ""))
      let answers = try watch.drain().count
      print("65 536 addresses in \(seconds) s: \(answers) answers, \(report.lost) of \(report.sent) pings lost")
      // A burst of 20 and 50 a second; those of real servers (closed ports) come besides.
      #expect(answers >= 20)
      #expect(Double(answers) <= 20 + 50 * (seconds + 1) + 10)
      #expect(report.sent > 20 && report.lost <= 1, "\(report.text.suffix(300))")
      let after = try lab.memory()
      #expect(after - before < 4 << 20, "\(before) bytes before, \(after) after")
      // c and b and the scanner: the scan has met them, and there is nobody else.
      let found = try lab.toprack.json("neighbour", "list").array ?? []
      #expect(found.count <= 9, "\(found.count), \(neighbours ?? 0) before")
      #expect(found.allSatisfy { ["scanner", "b", "c"].contains($0["server"].string ?? "?") })
      try b.expectPings(c.all)
    }

    @Test(
      "who does not answer is asked three times, a second apart, and its sender hears of it: RFC 1122 2.3.2.1, RFC 4861 7.2.2"
    )
    func down() throws {
      let lab = try Lab()
      let a = try lab.routed("a")
      let silent = try lab.machine("silent")
      let device = try lab.toprack.json("server", "show", "silent")
      let addresses = try #require(RoutedServer.Addresses(device))
      for (address, filter, error) in [
        (addresses.publicIPv4.address, "arp[6:2] == 1", "Destination Host Unreachable"),
        (addresses.publicIPv6.address, "icmp6 and ip6[40] == 135", "Destination unreachable: Address unreachable"),
      ] {
        let watch = try TimedCapture(on: silent.eth0, filter: filter)
        // 4 s of questions: three in the first three, then a second in which nobody is asked.
        let ping = try a.namespace.attempt(["ping", "-n", "-c", "38", "-i", "0.1", "-W", "1", address])
        #expect(ping.text.contains(error), "\(ping.text)")
        let times = try watch.drain().map(\.time)
        #expect((3...4).contains(times.count), "\(times)")
        for (one, next) in zip(times, times.dropFirst()) { #expect(next - one > 900_000) }
      }
      // The first packets waited: when the neighbour comes up in time, they arrive.
      let late = try lab.machine("late")
      let lateAddresses = try #require(RoutedServer.Addresses(lab.toprack.json("server", "show", "late")))
      let ping = try ChildProcess(
        [
          "ip", "netns", "exec", a.namespace.name, "ping", "-n", "-c", "1", "-W", "5", lateAddresses.publicIPv4.address,
        ])
      _ = try late.eth0.next(until: .after(.seconds(5))) { $0.etherType == 0x0806 }
      _ = try lab.configured(late, on: "eth0")
      #expect(ping.wait(until: .after(.seconds(10))) == 0, "a packet waits for its neighbour")
    }

    @Test("a server whose NICs are down is unreachable at once")
    func noCarrier() throws {
      let lab = try Lab()
      let a = try lab.routed("a")
      try lab.toprack("server", "create", "off", "--netns=\(lab.namespace("off").name)")
      let addresses = try #require(RoutedServer.Addresses(lab.toprack.json("server", "show", "off")))
      for (address, error) in [
        (addresses.publicIPv4.address, "Destination Host Unreachable"),
        (addresses.publicIPv6.address, "Destination unreachable: Address unreachable"),
      ] {
        let ping = try a.namespace.ping(address, count: 1, [])
        #expect(ping.text.contains(error), "\(ping.text)")
      }
    }
  }
}

extension Lab {
  /// Resident memory of the daemon, bytes.
  func memory() throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(daemon.pid ?? 0)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    guard let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) else {
      throw HarnessError("no VmRSS of the daemon")
    }
    return kilobytes * 1024
  }
}
