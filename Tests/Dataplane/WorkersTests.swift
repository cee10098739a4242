import Dataplane
import Net
import Switching
import Testing
import Wire

private let untagged = PortProgram.Role.switched(untagged: DomainIndex(1), tagged: [])
private let second = PortProgram.Role.switched(untagged: DomainIndex(2), tagged: [])
private let trunk = PortProgram.Role.switched(untagged: nil, tagged: [DomainIndex(1), DomainIndex(2)])
private let everybody: [UInt8] = [255, 255, 255, 255, 255, 255]

private func mac(_ last: UInt8) -> [UInt8] { [2, 0, 0, 0, 0, last] }
private func payload(_ number: Int) -> [UInt8] { [0x88, 0xB5, UInt8(number & 255)] + [UInt8](repeating: 7, count: 45) }

/// What several workers know together. Cables 0 and 1 are worker 0's, cables 2 and 3 worker 1's, and so on.
@Suite("Several workers, one switch", .serialized) struct WorkersTests {
  @Test("the answer to a frame finds its way at once, whoever has heard it", arguments: [2, 3])
  func answer(_ workers: Int) async throws {
    let lab = try await Lab(.init(repeating: untagged, count: 6), Setup(workers: workers))
    for round in 0..<200 {
      // Somebody new asks everybody; one that another worker reads from answers him alone.
      let (asking, answering) = (round % 6, (round + 2) % 6)
      lab.cables[asking].send(everybody + mac(UInt8(round)) + payload(round))
      for index in lab.cables.indices where index != asking {
        #expect(lab.cables[index].frame() == everybody + mac(UInt8(round)) + payload(round))
      }
      lab.cables[answering].send(mac(UInt8(round)) + mac(0xFF) + payload(round))
      #expect(lab.cables[asking].frame() == mac(UInt8(round)) + mac(0xFF) + payload(round))
      for index in lab.cables.indices where index != asking {
        #expect(lab.cables[index].receive(milliseconds: 0) == nil, "round \(round): not flooded")
      }
    }
    await lab.plane.stop()
  }

  @Test("a station that moves to another worker's port is followed by all")
  func move() async throws {
    let lab = try await Lab(.init(repeating: untagged, count: 6), Setup(workers: 3))
    for round in 0..<30 {
      let place = [0, 2, 5, 1, 4][round % 5]
      lab.cables[place].send(everybody + mac(1) + payload(round))
      for index in lab.cables.indices where index != place { _ = lab.cables[index].frame() }
      for index in lab.cables.indices where index != place {
        lab.cables[index].send(mac(1) + mac(UInt8(10 + index)) + payload(index))
        #expect(lab.cables[place].frame() == mac(1) + mac(UInt8(10 + index)) + payload(index))
      }
    }
    let known = await lab.plane.stations()
    #expect(known.filter { $0.mac.value & 0xFF == 1 }.map(\.port) == [PortIndex(5)], "each station is listed once")
    #expect(await lab.plane.stationStatistics().count == known.count)
    await lab.plane.stop()
    for cable in lab.cables { #expect(cable.drain() == []) }
  }

  @Test("flushed stations are forgotten by every worker")
  func flush() async throws {
    let lab = try await Lab([untagged, untagged, untagged, untagged], Setup(workers: 2))
    lab.cables[0].send(everybody + mac(1) + payload(0))
    for index in 1...3 { _ = lab.cables[index].frame() }
    #expect(await lab.plane.flush() == 1)
    lab.cables[2].send(mac(1) + mac(2) + payload(1))
    for index in [0, 1, 3] { #expect(lab.cables[index].frame() == mac(1) + mac(2) + payload(1), "flooded") }
    await lab.plane.stop()
  }

  @Test("a port that leaves a VLAN gets nothing of it by any worker, whatever was on its way")
  func leave() async throws {
    let lab = try await Lab([untagged, untagged, untagged, trunk], Setup(workers: 2))
    for round in 0..<100 {
      // Many stations of cable 0 on their way to the other worker while its port changes to another VLAN.
      for number in 0..<40 { lab.cables[0].send(everybody + mac(UInt8(number)) + payload(round)) }
      var change = ForwardingChange()
      change.ports[PortIndex(1)] = PortProgram(members: [NICIndex(0)], role: second)
      await lab.plane.apply(change)
      _ = lab.cables[0].drain()
      for number in 0..<40 { lab.cables[2].send(mac(UInt8(number)) + mac(0xEE) + payload(round)) }
      for number in 0..<40 {
        while let frame = lab.cables[1].frame(), frame != mac(UInt8(number)) + mac(0xEE) + payload(round) {}
      }
      #expect(lab.cables[0].drain() == [], "round \(round)")
      change.ports[PortIndex(1)] = PortProgram(members: [NICIndex(0)], role: untagged)
      await lab.plane.apply(change)
      for cable in lab.cables { _ = cable.drain() }
    }
    await lab.plane.stop()
  }

  @Test("what the workers' tables have of the ports is the same, and is reported once")
  func ports() async throws {
    let lab = try await Lab([untagged, trunk, second, .dark], Setup(workers: 4))
    let states = await lab.plane.ports()
    #expect(states.map(\.port.value) == [1, 2, 3, 4])
    #expect(states.allSatisfy { $0.faults.isEmpty })
    await lab.plane.stop()
  }
}
