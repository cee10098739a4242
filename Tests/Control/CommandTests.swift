import Control
import Foundation
import Rack
import Store
import Testing

@Suite("Commands") struct CommandTests {
  @Test("many at once are done one after another, and reads in between see whole states")
  func concurrent() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    let control = machine.control
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<200 {
        group.addTask {
          let request = NetworkRequest(project: project, facility: "ewr1", vxlan: nil, description: nil)
          _ = try? await control.perform(.createNetwork(request))
        }
        group.addTask { #expect(await control.rack.checkInvariants() == []) }
      }
    }
    let numbers = await control.rack.networks.values.map(\.vxlan).sorted()
    #expect(numbers == Array(1000..<1200))
    let rack = await control.rack
    try await machine.restart()
    #expect(await machine.control.rack == rack)
    await machine.end()
  }

  @Test("a command is carried through when its caller is cancelled")
  func cancelled() async throws {
    let machine = try await Machine()
    let project = try #require(await machine.control.rack.project(named: Project.defaultName)).id
    let control = machine.control
    for number in 1000..<1050 {
      let task = Task {
        try await control.perform(
          .createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: number, description: nil)))
      }
      task.cancel()
      _ = try await task.value
    }
    #expect(await control.rack.networks.count == 50)
    await machine.end()
  }

  @Test("a refusal changes nothing, and a command that finds everything so already says so")
  func refusal() async throws {
    let machine = try await Machine()
    let before = await machine.control.rack
    await #expect(throws: Refusal.self) { try await machine.network(4095) }
    #expect(await machine.control.rack == before)
    #expect(try await machine.control.perform(.setAging(seconds: 20)).changed)
    #expect(try await !machine.control.perform(.setAging(seconds: 20)).changed)
    await machine.end()
  }

  @Test("after prepareShutdown nothing is taken, and stop can be called twice")
  func stops() async throws {
    let machine = try await Machine()
    await machine.control.prepareShutdown()
    let error = await #expect(throws: Unavailable.self) { try await machine.network(1001) }
    #expect(error?.message.contains("stopping") == true)
    await machine.control.stop()
    await machine.control.stop()
    await machine.end()
  }

  @Test("status counts what there is")
  func status() async throws {
    let machine = try await Machine()
    try await machine.network(1001)
    let status = await machine.control.status()
    #expect(status.version == "test")
    #expect(status.rackID == (await machine.control.rack.id))
    #expect(status.networks == 1 && status.servers == 0 && status.stations == 0)
    #expect(status.stationLimit == 131_072)
    #expect(["io_uring", "read/write"].contains(status.ioDriver))
    await machine.end()
  }
}
