import Foundation
import Net
import Synchronization
import Testing

/// LACP beside a data plane that has more to do than it can.
extension Integration {
  @Suite("LACP under load") struct LACPFloodTests {
    @Test("LACPDUs keep their rhythm to 100 ms while every port is flooded, and the bond stands")
    func rhythm() throws {
      let trunk = try BondedTrunk()
      let captures = try trunk.capturesOfLACPDUs()
      let transitions = try trunk.lab.lacp("web1").mapValues(\.muxTransitions)
      let started = ContinuousClock.now
      let before = try trunk.lab.frames(trunk.peer.eth0)
      // What web1 itself sends shares a queue of its kernel with Open vSwitch's LACPDUs, so it sends a tenth.
      let crowd = Array(repeating: [trunk.peer.eth0, trunk.peer.eth1], count: 10).joined()
      let flood = Flood(
        from: (crowd + [trunk.web1.eth0, trunk.web1.eth1]).map { nic in
          let tags: [Frame.Tag] = nic.machine == "web1" ? [.c(1001)] : []
          return (nic, Frame(to: .broadcast, from: nic.mac, tags: tags, "flood", size: 200))
        })
      flood.start()
      sleep(10)
      let sent = flood.stop()
      let seconds = Double(started.duration(to: .now).milliseconds) / 1_000
      let taken = try trunk.lab.frames(trunk.peer.eth0).received - before.received
      print("flood: \(Int(Double(sent) / seconds)) frames a second sent, \(taken) taken from peer eth0")
      for capture in captures {
        let times = try capture.drain().compactMap { SeenLACPDU($0) }.map(\.time)
        #expect(times.count >= 9, "\(capture.place)")
        let intervals = zip(times, times.dropFirst()).map { ($1 - $0) / 1_000 }
        print("\(capture.place): \(times.count) LACPDUs, longest interval \(intervals.max() ?? 0) ms")
        #expect((intervals.max() ?? .max) <= 1_100, "one each second, none later than 100 ms: \(intervals)")
      }
      #expect(try trunk.lab.aggregated("web1") == ["eth0", "eth1"])
      #expect(try trunk.lab.lacp("web1").mapValues(\.muxTransitions) == transitions, "it stood all the time")
    }

    @Test(
      "a server that floods LACPDUs and garbage to their address disturbs nobody else's bond; what is too much is counted"
    )
    func slowProtocolFlood() throws {
      let trunk = try BondedTrunk()
      let rogue = try trunk.lab.machine("rogue", .layer2Bonded)
      let captures = try trunk.capturesOfLACPDUs()
      let transitions = try trunk.lab.lacp("web1").mapValues(\.muxTransitions)
      let slowProtocols = MAC(0x0180_C200_0002)
      var random = SeededGenerator(seed: 9)
      // Version 1, a system that is new in each frame, everything set that can be; and subtypes that nobody has.
      let frames = [rogue.eth0, rogue.eth1].flatMap { nic in
        [[1, 1, 1, 20], [1, 1, 9, 99], [2, 1, 1, 16], [10, 0, 0, 0], [200, 1, 2, 3]].map { head in
          (nic, Frame(to: slowProtocols, from: nic.mac, etherType: 0x8809, payload: head + random.bytes(106)))
        }
      }
      let flood = Flood(from: frames)
      flood.start()
      sleep(5)
      let sent = flood.stop()
      let drops = try trunk.lab.drops(rogue.eth0)
      print("\(sent) slow protocol frames sent, dropped at rogue eth0: \(drops)")
      #expect(drops["slow-protocol", default: 0] > 1_000)
      for capture in captures {
        let times = try capture.drain().compactMap { SeenLACPDU($0) }.map(\.time)
        let intervals = zip(times, times.dropFirst()).map { ($1 - $0) / 1_000 }
        #expect(times.count >= 4 && (intervals.max() ?? .max) <= 1_100, "\(capture.place): \(intervals)")
      }
      #expect(try trunk.lab.aggregated("web1") == ["eth0", "eth1"])
      #expect(try trunk.lab.lacp("web1").mapValues(\.muxTransitions) == transitions)
      #expect(try trunk.lab.lacp("rogue").values.filter(\.isUp).count <= 1)
    }
  }
}

/// A thread that sends on some NICs, in turn, as fast as it can.
private final class Flood: @unchecked Sendable {
  // Used by the flooding thread only while it runs; sending touches nothing but a NIC's socket.
  private let sources: [(nic: NIC, bytes: [UInt8])]
  private let stopping = Atomic(false)
  private let sent = Answer<Int>()

  init(from sources: [(NIC, Frame)]) {
    self.sources = sources.map { ($0, $1.bytes) }
  }

  func start() {
    Thread { [self] in
      var count = 0
      while !stopping.load(ordering: .relaxed) {
        for (nic, bytes) in sources where nic.trySend(bytes) == 0 { count += 1 }
      }
      sent.give(.success(count))
    }.start()
  }

  func stop() -> Int {
    stopping.store(true, ordering: .relaxed)
    return (try? sent.take()) ?? 0
  }
}
