import Net
import Observers
import Rack
import Switching
import Testing

@testable import Control

@Suite("Logs of drops as one") struct DropMergeTests {
  /// Logs, and who writes to them.
  private struct Writers: ~Copyable {
    let logs: [DropLog]
    var first: Observers, second: Observers

    init() {
      logs = [DropLog(), DropLog()]
      first = Observers(nics: 8, index: 0, log: logs[0])
      second = Observers(nics: 8, index: 1, log: logs[1])
    }

    mutating func drop(_ log: Int, _ nic: Int) {
      if log == 0 {
        first.newBatch()
        first.logOnly(nil, NICIndex(nic), isOutgoing: false, .noPort)
      } else {
        second.newBatch()
        second.logOnly(nil, NICIndex(nic), isOutgoing: false, .noPort)
      }
    }
  }

  private func steps(_ merge: DropMerge) -> [DropMerge.Step] {
    var (merge, steps): (DropMerge, [DropMerge.Step]) = (merge, [])
    while let step = merge.next() { steps.append(step) }
    return steps
  }

  private func overwritten(_ logs: [DropLog], after numbers: [UInt64]) -> UInt64 {
    var merge = DropMerge(logs, after: numbers)
    while merge.next() != nil {}
    return merge.overwritten
  }

  @Test("comes by time; whichever step one goes on from, each drop is told once")
  func resumes() {
    var writers = Writers()
    for nic in 0..<8 { writers.drop(nic & 1, nic) }
    let logs = writers.logs
    let all = steps(DropMerge(logs, after: [0, 0]))
    #expect(all.map(\.record.frame.nic.value) == Array(0..<8))
    for (index, step) in all.enumerated() {
      let rest = steps(DropMerge(logs, after: step.numbers))
      #expect(rest.map(\.record) == all[(index + 1)...].map(\.record))
    }
    #expect(DropMerge(logs, after: [0, 0]).end == [4, 4])
    #expect(overwritten(logs, after: [0, 0]) == 0)
  }

  @Test("what was overwritten before it was read is counted, log by log")
  func overwritten() {
    var writers = Writers()
    for _ in 0..<DropLog.capacity + 10 { writers.drop(0, 1) }
    writers.drop(1, 2)
    let logs = writers.logs
    #expect(steps(DropMerge(logs, after: [0, 0])).count == DropLog.capacity + 1)
    #expect(overwritten(logs, after: [0, 0]) == 10)
    #expect(overwritten(logs, after: [4, 1]) == 6)
    #expect(overwritten(logs, after: [10, 1]) == 0)
    // Once, whichever piece it is read in.
    var first = DropMerge(logs, after: [0, 0])
    let step = first.next()
    #expect(first.overwritten == 10)
    #expect(overwritten(logs, after: step?.numbers ?? []) == 0)
  }

  @Test("a cursor is its text, and other texts are none")
  func cursor() {
    let cursor = DropCursor(run: 0xABC, numbers: [3, 0, 12])
    #expect("\(cursor)" == "abc-3.0.12" && DropCursor("abc-3.0.12") == cursor)
    for text in ["", "abc", "abc-", "-1", "abc-1.", "abc-1..2", "x-1", "abc-1-2", "abc-99999999999999999999"] {
      #expect(DropCursor(text) == nil, "\(text)")
    }
  }
}

@Suite("Servers that are gone") struct FormerNICTests {
  @Test("a number's drops are those of who had it then, as far back as is remembered")
  func owners() throws {
    var (entropy, former) = (SystemEntropy(), FormerNICs())
    var rack = Rack(with: &entropy)
    var servers: [Server] = []
    for name in ["a", "b", "c"] {
      guard
        case .server(let id) = try rack.perform(
          .createServer(
            ServerRequest(
              hostname: name, plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12",
              project: rack.projects.values.first!.id, place: .host)), with: &entropy
        ).subject
      else { continue }
      servers.append(try #require(rack.servers[id]))
    }
    former.add(servers[0], slot: 3, until: 100)
    former.add(servers[1], slot: 3, until: 200)
    let names = NICOwners(
      now: [
        NICIndex(7): .server(servers[2].id, hostname: "c", project: servers[2].project, nic: .eth1)
      ], former: former)
    func hostname(_ nic: Int, at time: UInt64) -> String? {
      guard
        case .server(_, hostname: let hostname, project: _, nic: let port) = names.owner(of: NICIndex(nic), at: time)
      else {
        return nil
      }
      return "\(hostname) \(port)"
    }
    #expect(hostname(6, at: 1) == "a eth0" && hostname(7, at: 100) == "a eth1" && hostname(7, at: 101) == "b eth1")
    #expect(hostname(7, at: 201) == "c eth1" && hostname(6, at: 201) == nil)
    for number in 0..<FormerNICs.limit { former.add(servers[2], slot: 9, until: UInt64(number)) }
    #expect(former.owner(of: NICIndex(7), at: 1) == nil)
  }
}
