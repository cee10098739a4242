import Testing

@testable import Checks

/// What ping has printed, and what it means.
struct PingVector: CustomTestStringConvertible, Sendable {
  let name: String
  let output: String
  let sent: Int, answered: Int
  let words: String
  var testDescription: String { name }

  static let all = [
    PingVector(
      name: "all answered",
      output: """
        PING 10.0.1.2 (10.0.1.2) 56(84) bytes of data.
        64 bytes from 10.0.1.2: icmp_seq=1 ttl=64 time=0.241 ms

        --- 10.0.1.2 ping statistics ---
        3 packets transmitted, 3 received, 0% packet loss, time 402ms
        rtt min/avg/max/mdev = 0.100/0.213/0.300/0.010 ms

        """, sent: 3, answered: 3, words: "3 sent, 3 answered, 0.213 ms"),
    PingVector(
      name: "nobody there",
      output: """
        PING 10.0.1.9 (10.0.1.9) 56(84) bytes of data.
        From 10.0.1.1 icmp_seq=1 Destination Host Unreachable

        --- 10.0.1.9 ping statistics ---
        3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2046ms
        pipe 3

        """, sent: 3, answered: 0, words: "3 sent, none answered, destination host unreachable"),
    PingVector(
      name: "silence",
      output: "\n--- 10.0.1.9 ping statistics ---\n2 packets transmitted, 0 received, 100% packet loss, time 211ms\n\n",
      sent: 2, answered: 0, words: "2 sent, none answered"),
    PingVector(
      name: "no route", output: "ping: connect: Network is unreachable\n", sent: 0, answered: 0,
      words: "nothing was sent: network is unreachable"),
    PingVector(
      name: "one of three, and an error of the others",
      output: """
        From 10.0.1.1 icmp_seq=1 Destination Host Unreachable
        64 bytes from 10.0.1.2: icmp_seq=3 ttl=64 time=0.5 ms
        3 packets transmitted, 1 received, +1 errors, 66.6667% packet loss, time 402ms
        rtt min/avg/max/mdev = 0.500/0.500/0.500/0.000 ms
        """, sent: 3, answered: 1, words: "3 sent, 1 answered, 0.500 ms"),
    PingVector(
      name: "busybox",
      output: """
        3 packets transmitted, 3 packets received, 0% packet loss
        round-trip min/avg/max = 0.064/0.080/0.105 ms
        """, sent: 3, answered: 3, words: "3 sent, 3 answered, 0.080 ms"),
    PingVector(
      name: "nothing at all", output: "", sent: 0, answered: 0, words: "nothing was sent: ping gave no reason"),
  ]
}

@Suite("What ping says") struct PingReportTests {
  @Test("is counted, or is a reason", arguments: PingVector.all)
  func read(_ vector: PingVector) {
    let report = PingReport(reading: vector.output)
    #expect(report.sent == vector.sent && report.answered == vector.answered)
    #expect(report.words == vector.words)
  }

  @Test("the way of packets goes through VLANs and bonds to what is below")
  func way() {
    let links = """
      [{"ifname":"lo","flags":["UP"],"mtu":65536},
       {"ifname":"eth0","flags":["UP"],"mtu":1500,"master":"bond0"},
       {"ifname":"eth1","flags":["UP"],"mtu":1500,"master":"bond0"},
       {"ifname":"bond0","flags":["UP"],"mtu":1500},
       {"ifname":"bond0.1001","flags":["UP"],"mtu":1500,"link":"bond0"},
       {"ifname":"docker0","flags":["UP"],"mtu":1500}]
      """
    #expect(
      Way(route: #"[{"dst":"10.0.1.2","dev":"bond0.1001","prefsrc":"10.0.1.1"}]"#, links: links)
        == .by("bond0.1001", interfaces: ["bond0.1001", "bond0", "eth0", "eth1"]))
    #expect(
      Way(route: #"[{"dst":"8.8.8.8","dev":"docker0"}]"#, links: links) == .by("docker0", interfaces: ["docker0"]))
    #expect(
      Way(route: "RTNETLINK answers: Network is unreachable\n", links: links) == .nowhere("network is unreachable"))
    #expect(Way(route: "", links: "") == .nowhere("no route"))
  }
}
