import Dataplane
import LinkAggregation
import Ports
import Switching
import Testing
import Wire

/// Numbered frames of four conversations in each direction, one a millisecond, while a server's bond changes.
///
/// The server's driver sends by a link as soon as both ends are in sync there, as a partner with coupled control does:
/// it waits for nothing that the switch has not promised. While it has no aggregate it is a plain machine on eth0.
private final class BothWays {
  let server: BondedServer
  private static let flows = 4
  private var sentUp = [Int](repeating: 0, count: flows)
  private var sentDown = [Int](repeating: 0, count: flows)
  private(set) var gotUp = [[Int]](repeating: [], count: flows)
  private(set) var gotDown = [[Int]](repeating: [], count: flows)
  private var ticks = 0
  /// Frames that arrive by a link which the driver does not listen to are lost; not while it gives its bond up.
  var isListeningEverywhere = true

  init(_ server: BondedServer) { self.server = server }

  static func frame(to: UInt8, from: UInt8, flow: Int, number: Int) -> [UInt8] {
    let ports: [UInt8] = [UInt8(flow * 37 + 1), 1, 0, 80]
    let ip: [UInt8] = [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to]
    let mark: [UInt8] = [0x70, UInt8(flow), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
    return [2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0] + ip + ports + mark + [UInt8](repeating: 0, count: 18)
  }

  /// Flow and number of a frame of ours.
  private static func mark(of frame: [UInt8]) -> (flow: Int, number: Int)? {
    guard frame.count == 60, frame[12...13] == [8, 0], frame[38] == 0x70 else { return nil }
    return (Int(frame[39]), Int(frame[40]) << 8 | Int(frame[41]))
  }

  /// The links by which the driver sends.
  private var sending: [Int] {
    let now = Clock.milliseconds()
    let ready = server.partner.snapshot(at: now).filter { $0.muxState == "COLLECTING_DISTRIBUTING" }.map(\.member)
    return ready.isEmpty ? [0] : ready
  }

  private func listens(_ member: Int) -> Bool {
    isListeningEverywhere || server.partner.carriage.collecting.contains(member: member)
  }

  /// Goes on for `milliseconds` at least, and until `isDone`; ten seconds at most.
  func run(_ milliseconds: Int, until isDone: () async -> Bool = { true }) async {
    let end = ticks + milliseconds
    let limit = Clock.milliseconds() + 10_000
    while true {
      if ticks >= end, ticks % 10 == 0, await isDone() { return }
      guard Clock.milliseconds() < limit else {
        Issue.record("not done within ten seconds")
        return
      }
      let flow = ticks % Self.flows
      ticks += 1
      let links = sending
      server.eth[links[flow % links.count]].send(Self.frame(to: 3, from: 1, flow: flow, number: sentUp[flow]))
      server.other.send(Self.frame(to: 1, from: 3, flow: flow, number: sentDown[flow]))
      sentUp[flow] += 1
      sentDown[flow] += 1
      collect(wait: 1)
    }
  }

  /// Takes in what has arrived, and lets the driver answer.
  private func collect(wait: Int32) {
    var next = server.other.receive(milliseconds: wait)
    while let bytes = next {
      if let (flow, number) = Self.mark(of: Array(bytes[12...])) { gotUp[flow].append(number) }
      next = server.other.receive(milliseconds: 0)
    }
    for member in 0..<2 {
      for frame in server.eth[member].drain() where !server.hear(frame, on: member) {
        if let (flow, number) = Self.mark(of: frame), listens(member) { gotDown[flow].append(number) }
      }
    }
    server.partner.tick(at: Clock.milliseconds())
    server.speak()
  }

  /// Waits for what is on its way, and judges.
  func expectAll(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
    let limit = Clock.milliseconds() + 5_000
    while Clock.milliseconds() < limit,
      zip(gotUp, sentUp).contains(where: { $0.count < $1 }) || zip(gotDown, sentDown).contains(where: { $0.count < $1 })
    { collect(wait: 10) }
    for flow in 0..<Self.flows {
      #expect(gotUp[flow] == Array(0..<sentUp[flow]), what, sourceLocation: sourceLocation)
      // By two cables, so who was looked at first says nothing of the order.
      #expect(gotDown[flow].sorted() == Array(0..<sentDown[flow]), what, sourceLocation: sourceLocation)
    }
  }
}

@Suite("Bond coming up and going down under traffic", .serialized, .timeLimit(.minutes(1))) struct BondComingUpTests {
  @Test("no frame is lost or doubled in either direction, or overtaken; one worker and two", arguments: [1, 2])
  func comesAndGoes(_ workers: Int) async throws {
    let server = try await BondedServer(workers: workers)
    let traffic = BothWays(server)
    // Both stations are known from here on.
    await traffic.run(100)
    traffic.expectAll("without a partner")
    for round in 1...2 {
      traffic.isListeningEverywhere = false
      for member in 0..<2 {
        server.partner.add(member: member, port: UInt16(member + 1), at: Clock.milliseconds())
        server.partner.setLink(member: member, up: true, at: Clock.milliseconds())
      }
      await traffic.run(100) {
        let members = await server.members()
        return members.count == 2 && members.allSatisfy { $0.isDistributing && !$0.isFallback }
      }
      await traffic.run(300)
      traffic.expectAll("the partner came up, round \(round)")
      // It says goodbye on both links, as a driver does whose bond is taken apart, and goes on as a plain machine.
      traffic.isListeningEverywhere = true
      for member in 0..<2 { server.partner.remove(member: member, at: Clock.milliseconds()) }
      await traffic.run(300) { await server.members().contains(where: \.isFallback) }
      traffic.expectAll("the partner went, round \(round)")
    }
    await server.plane.stop()
  }

  @Test("a stray LACPDU leaves a plain machine reachable", arguments: [1, 2])
  func stray(_ workers: Int) async throws {
    let server = try await BondedServer(workers: workers)
    let traffic = BothWays(server)
    await traffic.run(50)
    server.partner.setLink(member: 1, up: true, at: Clock.milliseconds())
    server.speak()
    server.partner.setLink(member: 1, up: false, at: Clock.milliseconds())
    await traffic.run(500) { await server.members().contains { $0.partner != nil } }
    traffic.expectAll("after one LACPDU on eth1")
    await server.plane.stop()
  }
}

@Suite("Bond of a machine that speaks no LACP", .serialized, .timeLimit(.minutes(1))) struct BondWithoutPartnerTests {
  private func frame(to: UInt8, from: UInt8) -> [UInt8] { BothWays.frame(to: to, from: from, flow: 0, number: 0) }

  /// Sends `frame` from `other` until it has arrived at a link, and returns which.
  private func arrival(_ frame: [UInt8], at server: BondedServer) -> Int? {
    let limit = Clock.milliseconds() + 5_000
    while Clock.milliseconds() < limit {
      server.other.send(frame)
      for member in 0..<2 where server.eth[member].drain().contains(frame) { return member }
      _ = server.other.receive(milliseconds: 2)
    }
    return nil
  }

  @Test("the server's address moves to the other link, and all workers follow", arguments: [1, 2])
  func moves(_ workers: Int) async throws {
    let server = try await BondedServer(workers: workers)
    server.eth[0].send(frame(to: 3, from: 1))
    #expect(server.other.frame() == frame(to: 3, from: 1))
    #expect(arrival(frame(to: 1, from: 3), at: server) == 0)
    // Silence of the carrying link, by the clock of the machine: until then what comes by the other one is dropped.
    let limit = Clock.milliseconds() + 5_000
    var isTaken = false
    while !isTaken, Clock.milliseconds() < limit {
      server.eth[1].send(frame(to: 3, from: 1))
      isTaken = server.other.receive(milliseconds: 20) != nil
    }
    #expect(isTaken)
    for cable in server.eth { _ = cable.drain() }
    while !(await server.plane.carries(NICIndex(1))) {}
    for cable in server.eth { _ = cable.drain() }
    #expect(arrival(frame(to: 1, from: 3), at: server) == 1)
    // The slow path hears of it by letter.
    let end = Clock.milliseconds() + 5_000
    while await server.members().filter(\.isFallback).map(\.member) != [1], Clock.milliseconds() < end {}
    #expect(await server.members().filter(\.isFallback).map(\.member) == [1], "the slow path knows it too")
    await server.plane.stop()
  }
}
