import Foundation
import Host
import Rack
import Switching
import Testing

@testable import Control

@Suite("Parts of control") struct PartsTests {
  /// A command that waits, of no importance.
  private func entry(_ caller: String, _ number: Int) async -> CommandQueue.Entry {
    await withCheckedContinuation { made in
      Task {
        _ = try? await withCheckedThrowingContinuation { continuation in
          made.resume(
            returning: CommandQueue.Entry(
              work: .command(.setAging(seconds: number)), requester: Requester("t\(number)", .token, caller: caller),
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
}
