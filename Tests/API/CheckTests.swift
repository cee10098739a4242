import Checks
import HTTPTypes
import Labs
import Rack
import Testing

@testable import API

@Suite("Checks of labs") struct CheckTests {
  private func checks(_ text: String) throws -> [LabCheck] {
    try LabCheck.reading(Arguments(body: Array("{\"checks\": \(text)}".utf8), query: [:]))
  }

  @Test("each form of the file is read")
  func read() throws {
    let read = try checks(
      """
      [{"from": "web1", "ping": "10.0.1.2", "within": "10s"}, {"from": "web1", "tcp": "10.0.1.2:80", "within": 2},
       {"from": "web1", "http": "http://10.0.1.2/a", "status": 204}, {"from": "web1", "deaf": "2001:DB8::2"},
       {"server": "fw1", "lacp": "both"}, {"server": "fw1", "lacp": "eth1"}, {"server": "fw1", "link": "eth0",
       "name": "the first"}]
      """)
    #expect(
      read.map(\.question) == [
        .ping(from: "web1", to: "10.0.1.2"), .tcp(from: "web1", host: "10.0.1.2", port: 80),
        .http(from: "web1", url: "http://10.0.1.2:80/a", status: 204), .deaf(from: "web1", to: "2001:db8::2"),
        .lacp(server: "fw1", nic: nil), .lacp(server: "fw1", nic: .eth1), .link(server: "fw1", nic: .eth0),
      ])
    #expect(read.map(\.milliseconds) == [10_000, 2_000, 5_000, 5_000, 5_000, 5_000, 5_000])
    #expect(read[0].name == "web1 ping 10.0.1.2" && read[6].name == "the first")
  }

  @Test(
    "what is no check is refused, with its place",
    arguments: [
      (#"[1]"#, "checks"), (#"[{}]"#, "it has 0 questions"),
      (#"[{"from": "a", "ping": "10.0.0.1", "tcp": "10.0.0.1:1"}]"#, "it has 2 questions"),
      (#"[{"ping": "10.0.0.1"}]"#, "from is missing"), (#"[{"server": "a", "ping": "10.0.0.1"}]"#, "from is missing"),
      (#"[{"from": "a", "ping": "-w9"}]"#, "is no address"), (#"[{"from": "a", "tcp": "10.0.0.1"}]"#, "has no port"),
      (#"[{"from": "a", "http": "file:///x"}]"#, "is no URL that can be asked"),
      (#"[{"from": "a", "http": "http://10.0.0.1", "status": 99}]"#, "status 99"),
      (#"[{"from": "a", "ping": "10.0.0.1", "status": 200}]"#, "status is for http alone"),
      (#"[{"server": "a", "lacp": "bond0"}]"#, "is no NIC"), (#"[{"server": "a", "link": "both"}]"#, "is no NIC"),
      (#"[{"server": "a", "from": "b", "link": "eth0"}]"#, "from is not for link"),
      (#"[{"from": "a", "pign": "10.0.0.1"}]"#, "\"pign\" is not known"),
      (#"[{"from": "a", "ping": "10.0.0.1", "within": "1h"}]"#, "within is"),
      (#"[{"from": "a", "ping": "10.0.0.1", "within": 0}]"#, "within is"),
      (#"[{"from": "a", "ping": "10.0.0.1", "name": ""}]"#, "name is not valid"),
    ])
  func refuse(_ text: String, _ words: String) {
    do {
      _ = try checks(text)
      Issue.record("\(text) was read")
    } catch {
      #expect(APIError(error).messages.contains { $0.contains(words) }, "\(APIError(error).messages)")
    }
  }

  @Test("all faults are told at once, each with its number")
  func allFaults() {
    do {
      _ = try checks(#"[{"from": "a", "ping": "x"}, {"server": "a", "link": "eth0"}, {"server": "a", "link": "x"}]"#)
    } catch {
      #expect(APIError(error).messages.map { $0.prefix(9) } == ["checks[0]", "checks[2]"])
    }
  }

  @Test("a server that is not there, or another project's, fails at once, in the same words")
  func strangers() async throws {
    try await WholeAPI.test { api in
      let other = try api.id(try await api.call(.post, "/projects", #"{"name": "other"}"#, 201))
      _ = try await api.device(#", "hostname": "theirs""#, project: other)
      for name in ["theirs", "nobody"] {
        let answer = try await api.call(
          .post, "/toprack/checks",
          #"{"project": "default", "checks": [{"from": "\#(name)", "ping": "10.0.0.1", "within": "10m"}]}"#)
        #expect(answer["passed"] == false)
        #expect(answer["checks"]?[0]?["seen"] == .string("there is no server \"\(name)\" in project default"))
      }
      try await api.refuse(
        .post, "/toprack/checks", #"{"project": "nowhere", "checks": []}"#, 404, "there is no project")
      #expect(try await api.call(.post, "/toprack/checks", #"{"checks": []}"#)["passed"] == true)
    }
  }

  @Test("results are in the order of the checks, however many there are")
  func order() async throws {
    try await WholeAPI.test { api in
      let checks = (0..<100).map { #"{"server": "s\#($0)", "link": "eth0"}"# }.joined(separator: ",")
      let answer = try await api.call(.post, "/toprack/checks", "{\"checks\": [\(checks)]}")
      #expect(
        answer["checks"]?.elements.map { $0["name"]?.string } == (0..<100).map { "s\($0) link eth0" })
    }
  }

  // MARK: Deaf

  private typealias Traffic = DeafEvidence.Traffic

  private func evidence(
    sent: Int = 2, answered: Int = 0, _ way: Way = .by("eth0", interfaces: ["eth0"]), _ egress: Set<PortName> = [.eth0],
    before: Traffic = Traffic(isUp: true, frames: 10), after: Traffic = Traffic(isUp: true, frames: 12)
  ) -> DeafEvidence {
    var evidence = DeafEvidence()
    evidence.add(PingReport(sent: sent, answered: answered), way, egress, [.eth0: before], [.eth0: after])
    return evidence
  }

  @Test("silence counts when frames have left by a link that was up")
  func deaf() {
    let passed = evidence().verdict(of: "web1")
    #expect(passed.verdict == .passed && passed.seen == "2 sent, none answered; 2 frames left by eth0")
    for (evidence, seen) in [
      (evidence(.nowhere("network is unreachable"), []), "nothing was sent: network is unreachable"),
      (
        evidence(.by("docker0", interfaces: ["docker0"]), []), "packets leave by docker0, which is no NIC of the server"
      ),
      (evidence(before: Traffic(isUp: false, frames: 10)), "the link of eth0 was down"),
      (evidence(after: Traffic(isUp: false, frames: 12)), "the link of eth0 was down"),
      (
        evidence(after: Traffic(isUp: true, frames: 10)),
        "2 sent, none answered, but no frame of web1 reached the switch"
      ),
      (
        evidence(after: Traffic(isUp: true, frames: 0)),
        "2 sent, none answered, but no frame of web1 reached the switch"
      ),
    ] {
      let verdict = evidence.verdict(of: "web1")
      #expect(verdict.verdict == .provesNothing && verdict.seen == seen)
    }
    #expect(evidence(answered: 1).verdict(of: "web1").verdict == .failed)
  }

  @Test("one doubtful attempt spoils the others, and one member of a bond is enough")
  func doubt() {
    var evidence = evidence()
    evidence.add(
      PingReport(sent: 2), .by("eth0", interfaces: ["eth0"]), [.eth0], [.eth0: Traffic(isUp: false, frames: 12)],
      [.eth0: Traffic(isUp: false, frames: 12)])
    #expect(evidence.verdict(of: "web1").verdict == .provesNothing)

    var bonded = DeafEvidence()
    bonded.add(
      PingReport(sent: 2), .by("bond0", interfaces: ["bond0", "eth0", "eth1"]), [.eth0, .eth1],
      [.eth0: Traffic(isUp: true, frames: 0), .eth1: Traffic(isUp: false, frames: 0)],
      [.eth0: Traffic(isUp: true, frames: 1), .eth1: Traffic(isUp: false, frames: 0)])
    #expect(bonded.verdict(of: "web1").seen == "2 sent, none answered; 1 frame left by eth0")
  }
}
