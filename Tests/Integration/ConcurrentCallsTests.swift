import Foundation
import Net
import Synchronization
import Testing

/// Ten thousand calls of many clients at once, most of which contradict each other; afterwards database, API and wire have to be of one
/// mind, and so after the daemon was killed and started.
extension Integration {
  @Suite("Random concurrent calls") struct ConcurrentCallsTests {
    @Test("leave database, API and wire in agreement", arguments: [2026 as UInt64])
    func storm(seed: UInt64) throws {
      let lab = try Lab(settings: "hybrid_bonded: true\n", withHost: true)
      let storm = try Storm(socket: lab.daemon.socket, seed: seed)
      let began = ContinuousClock.now
      storm.run(clients: 32, callsEach: 313)
      let report = storm.report
      print("\(report.total) calls in \(began.duration(to: .now)), by status: \(report.text)")
      #expect(report.faults == [], "seed \(seed)")
      #expect(report.total >= 10_000)
      // A mixture: neither all refused nor all accepted.
      #expect(report.succeeded > 1_000 && report.refused > 500)

      try verify(lab)
      lab.daemon.kill()
      try lab.daemon.start()
      try verify(lab)
      try storm.tidy()
      try verify(lab)
    }

    private func verify(_ lab: Lab) throws {
      let found = try lab.verify()
      #expect(found.status == 0, "\(found.text)\(found.errors)")
    }
  }
}

/// The calls. Each client has a generator of its own; what they do to each other is chance.
private final class Storm: Sendable {
  struct Report {
    var byStatus: [Int: Int] = [:]
    /// Answers that must not be, the first few of them.
    var faults: [String] = []

    var total: Int { byStatus.values.reduce(0, +) }
    var succeeded: Int { byStatus.filter { $0.key < 300 }.values.reduce(0, +) }
    var refused: Int { byStatus.filter { $0.key == 422 }.values.reduce(0, +) }
    var text: String {
      byStatus.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }
  }

  private let socket: String
  private let seed: UInt64
  private let state = Mutex(Report())
  private let seen = Mutex(Seen())
  private static let allowed: Set = [200, 201, 202, 204, 400, 403, 404, 405, 413, 422]

  init(socket: String, seed: UInt64) throws { (self.socket, self.seed) = (socket, seed) }

  var report: Report { state.withLock { $0 } }

  func run(clients: Int, callsEach: Int) {
    let done = DispatchGroup()
    for lane in 0..<clients {
      done.enter()
      Thread.detachNewThread { [self] in
        var client = StormClient(storm: self, generator: SeededGenerator(seed: seed &+ UInt64(lane) &* 7919))
        for _ in 0..<callsEach { client.step() }
        done.leave()
      }
    }
    done.wait()
  }

  /// Takes away all that is left, so that the tables are seen to go back to empty.
  func tidy() throws {
    for device in try list("/toprack/devices", "devices") {
      let id = device["id"].string ?? ""
      _ = call("PATCH", "/devices/\(id)", #"{"locked": false}"#)
      _ = call("DELETE", "/devices/\(id)")
    }
    for network in try list("/toprack/virtual-networks", "virtual_networks") {
      _ = call("DELETE", "/virtual-networks/\(network["id"].string ?? "")")
    }
    #expect(try list("/toprack/devices", "devices").isEmpty)
    #expect(try list("/toprack/virtual-networks", "virtual_networks").isEmpty)
  }

  /// What somebody has seen of the rack some time ago: everybody's knowledge, and often out of date.
  struct Seen {
    var devices: [JSON] = []
    var networks: [JSON] = []
    var projects: [JSON] = []
    var reservations: [JSON] = []
    /// Calls since then.
    var age = Int.max
  }

  /// Now and then one client looks for all.
  func look() throws -> Seen {
    let isStale = seen.withLock { seen in
      let isStale = seen.age > 200
      seen.age = isStale ? 0 : seen.age + 1
      return isStale
    }
    if isStale {
      var fresh = Seen()
      fresh.devices = try list("/toprack/devices", "devices")
      fresh.networks = try list("/toprack/virtual-networks", "virtual_networks")
      fresh.projects = try list("/projects?per_page=100", "projects")
      fresh.reservations = try list("/toprack/ips", "ip_reservations")
      fresh.age = 0
      let found = fresh
      seen.withLock { $0 = found }
    }
    return seen.withLock { $0 }
  }

  func list(_ path: String, _ member: String) throws -> [JSON] { call("GET", path)?.json[member].array ?? [] }

  /// Calls, and judges the answer by its form.
  func call(_ method: String, _ path: String, _ body: String? = nil) -> HTTPAnswer? {
    let what = "\(method) \(path) \(body ?? "")"
    do {
      let answer = try HTTPAnswer(method, path, body: body, socket: socket)
      let fault: String? =
        if !Self.allowed.contains(answer.status) {
          "status \(answer.status): \(String(decoding: answer.body.prefix(300), as: UTF8.self))"
        } else if answer.status >= 400 {
          answer.errors == nil ? "\(answer.status) without errors" : nil
        } else if [202, 204].contains(answer.status) {
          answer.body.isEmpty ? nil : "\(answer.status) with a body"
        } else {
          (try? JSONSerialization.jsonObject(with: answer.body)) == nil ? "\(answer.status) without JSON" : nil
        }
      note(answer.status, fault.map { "\(what): \($0)" })
      return answer
    } catch {
      note(0, "\(what): \(error)")
      return nil
    }
  }

  private func note(_ status: Int, _ fault: String?) {
    state.withLock { report in
      report.byStatus[status, default: 0] += 1
      if let fault, report.faults.count < 8 { report.faults.append(fault) }
    }
  }
}

/// One client: what it does next.
private struct StormClient {
  let storm: Storm
  var generator: SeededGenerator
  private var seen = Storm.Seen()

  init(storm: Storm, generator: SeededGenerator) { (self.storm, self.generator) = (storm, generator) }

  private mutating func random(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
  private mutating func pick(_ words: String...) -> String { words[random(words.count)] }
  private mutating func any(_ things: [JSON]) -> JSON { things.isEmpty ? .null : things[random(things.count)] }
  private func id(_ thing: JSON) -> String { thing["id"].string ?? "00000000-0000-4000-8000-000000000000" }

  mutating func step() {
    if let looked = try? storm.look() { seen = looked }
    let device = any(seen.devices)
    let port = device["network_ports"][random(3)]
    let network = any(seen.networks)
    let project = id(any(seen.projects))
    let vnid = random(3) == 0 ? "\(2 + random(12))" : id(network)
    switch random(100) {
    case 0..<7 where seen.devices.count < 24:
      let place = random(2) == 0 ? "" : #", "toprack": {"netns": false}"#
      _ = storm.call(
        "POST", "/projects/\(project)/devices",
        """
        {"hostname": "s\(random(60))", "plan": "\(pick("c3.small.x86", "c3.small.x86", "x1.small.x86", "t1.small.x86"))",
         "facility": "\(pick("ewr1", "ewr1", "sjc1", "lhr9"))", "operating_system": "debian_12", "tags": ["storm"]\(place)}
        """)
    case 0..<9: _ = storm.call("DELETE", "/devices/\(id(device))")
    case 9..<20 where seen.networks.count < 50:
      let place = pick(#""facility": "ewr1""#, #""facility": "sjc1""#, #""metro": "ny""#)
      _ = storm.call(
        "POST", "/projects/\(project)/virtual-networks",
        #"{\#(place), "vxlan": \#(random(14)), "description": "storm"}"#)
    case 9..<22: _ = storm.call("DELETE", "/virtual-networks/\(id(network))")
    case 22..<34:
      let mode = pick("layer3", "hybrid", "layer2-bonded", "layer2-individual", "hybrid-bonded")
      _ = storm.call("PUT", "/toprack/devices/\(id(device))/mode", #"{"mode": "\#(mode)"}"#)
    case 34..<50: _ = storm.call("POST", "/ports/\(id(port))/assign", #"{"vnid": "\#(vnid)"}"#)
    case 50..<57:
      let there = any(port["virtual_networks"].array ?? [])
      _ = storm.call("POST", "/ports/\(id(port))/unassign", #"{"vnid": "\#(there == .null ? vnid : id(there))"}"#)
    case 57..<60: _ = storm.call("POST", "/ports/\(id(port))/native-vlan", #"{"vnid": "\#(vnid)"}"#)
    case 60: _ = storm.call("DELETE", "/ports/\(id(port))/native-vlan")
    case 61..<67:
      let entries = (0..<1 + random(3)).map { _ in
        let native = pick("", #", "native": true"#, #", "native": false"#)
        return #"{"vlan": "\#(id(any(seen.networks)))", "state": "\#(pick("assigned", "unassigned"))"\#(native)}"#
      }
      _ = storm.call(
        "POST", "/ports/\(id(port))/vlan-assignments/batches",
        #"{"vlan_assignments": [\#(entries.joined(separator: ", "))]}"#)
    case 67..<71: _ = storm.call("POST", "/ports/\(id(port))/\(pick("bond", "disbond"))", "{}")
    case 71..<75:
      _ = storm.call("POST", "/ports/\(id(device["network_ports"][0]))/convert/\(pick("layer-2", "layer-3"))")
    case 75..<79:
      let locked = random(10) == 0
      _ = storm.call(
        "PATCH", "/devices/\(id(device))", #"{"description": "storm \#(random(9))", "locked": \#(locked)}"#)
    case 79..<83:
      _ = storm.call(
        "POST", "/devices/\(id(device))/actions",
        #"{"type": "\#(pick("power_off", "power_on", "power_on", "reboot"))"}"#)
    case 83: _ = storm.call("POST", "/projects", #"{"name": "tenant \#(random(4))"}"#)
    case 84: _ = storm.call("DELETE", "/projects/\(project)")
    case 85..<87:
      _ = storm.call(
        "POST", "/projects/\(project)/ips",
        #"{"type": "public_ipv4", "quantity": \#([1, 2, 4, 8][random(4)]), "facility": "ewr1"}"#)
    case 87..<90:
      let block = any(seen.reservations)
      _ = storm.call(
        "POST", "/devices/\(id(device))/ips",
        #"{"address": "\#(block["address"].string ?? "")/\#(block["cidr"].int ?? 32)"}"#)
    case 90: _ = storm.call("DELETE", "/ips/\(id(any(device["ip_addresses"].array ?? [])))")
    case 91: _ = storm.call("DELETE", "/ips/\(id(any(seen.reservations)))")
    case 92..<95: _ = storm.call("GET", "/devices/\(id(device))")
    case 95: _ = storm.call("GET", "/projects/\(project)/devices?per_page=5&page=2")
    case 96: _ = storm.call("GET", "/projects/\(project)/events?per_page=5")
    case 97: _ = storm.call("POST", "/ports/\(id(port))/assign", pick("{", "[]", #"{"vnid": {}}"#, "\u{0}"))
    case 98: _ = storm.call(pick("PUT", "DELETE", "PATCH"), "/ports/\(id(port))/assign", "{}")
    default: _ = storm.call("GET", "/nowhere/\(random(9))")
    }
  }
}
