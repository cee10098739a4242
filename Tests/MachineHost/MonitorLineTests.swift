import NIOCore
import NIOPosix
import Testing

@testable import MachineHost

@Suite("QEMU's monitor") struct MonitorLineTests {
  @Test("says that the guest is held, when somebody is at its serial port, and that it goes", .timeLimit(.minutes(1)))
  func held() async throws {
    let qemu = try HeldQEMU()
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let (words, heard) = AsyncStream.makeStream(of: MonitorLine.Word.self)
    let line = try await MonitorLine.open(
      qemu.monitor, on: loop, heard: { heard.yield($0) }, ended: { heard.finish() }
    ).get()
    func send(_ command: MonitorLine.Command) { loop.execute { line.value.send(command) } }
    var answers = words.makeAsyncIterator()
    func next() async -> MonitorLine.Word? {
      while let word = await answers.next() { if case .other = word { continue } else { return word } }
      return nil
    }
    guard case .status(MonitorLine.held)? = await next() else { return #expect(Bool(false), "it is not held") }
    send(.askConsole)
    guard case .console(isThere: false)? = await next() else { return #expect(Bool(false), "somebody is there") }
    let hub = try await ClientBootstrap(group: loop).connect(unixDomainSocketPath: qemu.console).get()
    // QEMU says so when it has accepted, and only then a byte of the guest's comes to us.
    var isThere = false
    while !isThere {
      send(.askConsole)
      guard case .console(let answer)? = await next() else { return #expect(Bool(false), "no answer") }
      isThere = answer
    }
    send(.go)
    send(.askStatus)
    guard case .status("running")? = await next() else { return #expect(Bool(false), "it does not run") }
    send(.quit)
    while let word = await next() { if case .shutDown(guest: false, reason: "host-qmp-quit") = word { break } }
    try? await hub.close()
  }
}
