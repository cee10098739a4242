import Foundation
import Host
import Rack
import Switching
import Testing

@testable import Control

@Suite("Parts of control") struct PartsTests {
  @Test("an index is used again only when no fresh one is left, and then the one that rests longest")
  func indexPool() {
    var pool = IndexPool(1..<5)
    #expect([pool.take(), pool.take()] == [1, 2])
    pool.giveBack(2)
    pool.giveBack(1)
    #expect([pool.take(), pool.take(), pool.take(), pool.take(), pool.take()] == [3, 4, 2, 1, nil])
    for round in 0..<5000 {
      pool.giveBack(round % 4 + 1)
      #expect(pool.take() == round % 4 + 1)
    }
  }

  /// A command that waits, of no importance.
  private func entry(_ caller: String, _ number: Int) async -> CommandQueue.Entry {
    await withCheckedContinuation { made in
      Task {
        _ = try? await withCheckedThrowingContinuation { continuation in
          made.resume(
            returning: CommandQueue.Entry(
              command: .setAging(seconds: number), requester: Requester("t\(number)", .token, caller: caller),
              continuation: continuation))
        }
      }
    }
  }

  @Test("commands are taken by caller in turn, those of one caller in their order")
  func commandQueue() async {
    var queue = CommandQueue()
    func take(_ count: Int) -> [String] {
      (0..<count).compactMap { _ in
        queue.next().map { entry in
          entry.continuation.resume(throwing: CancellationError())
          return "\(entry.requester?.caller ?? "")\(entry.requester?.name.dropFirst() ?? "")"
        }
      }
    }
    for number in 1...5 { queue.append(await entry("a", number)) }
    queue.append(await entry("b", 1))
    for number in 1...2 { queue.append(await entry("c", number)) }
    #expect(take(4) == ["a1", "b1", "c1", "a2"])
    queue.append(await entry("b", 2))
    #expect(take(9) == ["c2", "a3", "b2", "a4", "a5"] && queue.isEmpty)
    // Against a plain list for each caller.
    var lines: [String: [Int]] = [:]
    var random = SystemRandomNumberGenerator()
    for number in 1...3000 {
      if Int.random(in: 0..<5, using: &random) < 3 {
        let caller = ["a", "b", "c"][min(2, Int.random(in: 0..<9, using: &random))]
        queue.append(await entry(caller, number))
        lines[caller, default: []].append(number)
      } else if let taken = take(1).first {
        let caller = String(taken.prefix(1))
        #expect(lines[caller]?.removeFirst() == Int(taken.dropFirst()))
      }
    }
    #expect(take(3000).count == lines.values.reduce(0) { $0 + $1.count } && queue.isEmpty)
  }

  @Test("marks are read back, and nobody else's are")
  func marks() {
    let (rack, server) = (UUID(), ServerID(UUID()))
    let marks = OwnershipMarks(rack: rack)
    #expect(marks.owned(marks.mark(server, .eth1)) == .nic(server, .eth1))
    #expect(marks.owned(marks.namespaceMark) == .namespace)
    #expect(marks.owned(marks.uplinkMark) == .uplink)
    #expect(OwnershipMarks.rack(ofUplink: marks.uplinkMark) == rack.uuidString.lowercased())
    #expect(OwnershipMarks.rack(ofUplink: marks.namespaceMark) == nil)
    let other = OwnershipMarks(rack: UUID())
    let mark = marks.mark(server, .eth0)
    for text in [
      nil, "", "toprack", other.mark(server, .eth0), other.namespaceMark, other.uplinkMark, mark + " ", mark + "x",
      " " + mark,
      marks.mark(server, .bond0), marks.namespaceMark + " eth0", marks.namespaceMark.replacing("netns", with: ""),
    ] { #expect(marks.owned(text) == nil, "\(text ?? "nil")") }
  }

  @Test("interface names fit the kernel's limit, whatever the hostname")
  func names() throws {
    var source = SystemEntropy()
    var rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    for hostname in ["a", "ten-chars1", "eleven-char", "l.\(String(repeating: "x", count: 60))"] {
      let request = ServerRequest(
        hostname: hostname, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
        place: .host)
      try rack.perform(.createServer(request), with: &source)
      let name = NICName(.eth1, of: try #require(rack.server(named: hostname)))
      #expect(name.device.utf8.count <= 15)
      if hostname.count <= 10 {
        #expect(name == NICName(.eth1, of: rack.server(named: hostname)!))
        #expect(name.device == "\(hostname)-eth1" && name.alternative == nil)
      } else {
        #expect(name.device.hasPrefix("tr") && name.device.hasSuffix("e1"))
        #expect(name.alternative == "\(hostname)-eth1")
      }
    }
  }

  @Test("the program of each port follows the server's wiring; NICs that are not there are members of nothing")
  func programs() throws {
    var source = SystemEntropy()
    var rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    var wires = Wires(Switch.Limits())
    for number in [1001, 1002] {
      let request = NetworkRequest(project: project, facility: "ewr1", vxlan: number, description: nil)
      try rack.perform(.createNetwork(request), with: &source)
      try wires.openDomain(for: rack.network(numbered: number, facility: "ewr1", project: project)!.id)
    }
    let request = ServerRequest(
      hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
      place: .host)
    try rack.perform(.createServer(request), with: &source)
    var web1: Server { rack.server(named: "web1")! }
    #expect(try wires.openSlot(for: ServerID(UUID())) == 0)
    #expect(try wires.openSlot(for: web1.id) == 1)
    let (bond0, eth0, eth1) = (PortIndex(4), PortIndex(5), PortIndex(6))
    #expect(wires.programs(for: web1) == [bond0: .absent, eth0: .absent, eth1: .absent])

    let nowhere = NICLocation(device: "x", alternative: nil, namespace: nil)
    wires.locations[web1.id] = [.eth0: nowhere, .eth1: nowhere]
    let both = [NICIndex(2), NICIndex(3)]
    // The number in the rack, and not the slot, which another start may give to another server.
    let lacp = Aggregation(
      key: 1,
      places: [
        Aggregation.Place(nic: NICIndex(2), portNumber: 1), Aggregation.Place(nic: NICIndex(3), portNumber: 2),
      ])
    #expect(
      wires.programs(for: web1)[bond0]
        == PortProgram(members: both, role: .routed(tagged: []), aggregation: lacp))

    try rack.perform(.setMode(web1.id, .hybrid), with: &source)
    for number in [1002, 1001] { try rack.perform(.assign(web1.eth1.id, .number(number)), with: &source) }
    #expect(
      wires.programs(for: web1) == [
        bond0: PortProgram(members: [NICIndex(2)], role: .routed(tagged: []), aggregation: lacp),
        eth0: .absent,
        eth1: PortProgram(
          members: [NICIndex(3)], role: .switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])),
      ])
    try rack.perform(.setNative(web1.eth1.id, .number(1002)), with: &source)
    #expect(
      wires.programs(for: web1)[eth1]?.role == .switched(untagged: DomainIndex(2), tagged: [DomainIndex(1)]))
    #expect(wires.owner(of: eth1)?.server == web1.id)
    #expect(wires.owner(of: eth1)?.port == .eth1)
    wires.closeSlot(of: web1.id)
    #expect(wires.owner(of: eth1) == nil)
    #expect(wires.programs(for: web1) == [:])
  }
}
