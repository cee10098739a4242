import Foundation
import Logging
import Machines
import NIOConcurrencyHelpers
import Rack
import Testing

@testable import Consoles

/// One who watches, and keeps what they have been shown.
final class TestWatcher: ConsoleWatcher {
  private let state = NIOLockedValueBox((shown: [UInt8](), isEnded: false, reason: String?.none))
  /// False: bytes stay on the way.
  let reads: Bool

  init(reads: Bool = true) { self.reads = reads }

  func show(_ bytes: [UInt8], delivered: @escaping @Sendable () -> Void) {
    state.withLockedValue { $0.shown += bytes }
    if reads { delivered() }
  }

  func end(_ reason: String?) {
    state.withLockedValue { state in
      state.isEnded = true
      state.reason = reason
    }
  }

  var shown: [UInt8] { state.withLockedValue(\.shown) }
  var text: String { String(decoding: shown, as: UTF8.self) }
  var ending: String?? { state.withLockedValue { $0.isEnded ? .some($0.reason) : .none } }
}

/// Asks until it is so, for a minute at most.
func eventually(_ condition: () async -> Bool) async -> Bool {
  for _ in 0..<6_000 {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(10))
  }
  return false
}

/// A hub with its files in a directory of its own.
private final class Bench: Sendable {
  let directory: String
  let hub: ConsoleHub
  let notes = NIOLockedValueBox<[ConsoleNote]>([])

  init() {
    directory = FileManager.default.temporaryDirectory.path + "/consoles-\(UUID().uuidString.prefix(8))"
    try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let notes = notes
    hub = ConsoleHub(ConsoleHub.Settings(directory: "\(directory)/consoles"), logger: logger) { note in
      notes.withLockedValue { $0.append(note) }
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// The hub of a daemon that was started again.
  func another() -> ConsoleHub {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return ConsoleHub(ConsoleHub.Settings(directory: "\(directory)/consoles"), logger: logger) { _ in }
  }

  func server(_ name: String = "web1", serial: Bool = true, isOn: Bool = true) -> ConsoleServer {
    ConsoleServer(
      id: id, name: name, log: name, source: serial ? .serial(path: "\(directory)/serial") : nil, isOn: isOn,
      user: 0x7000_0000)
  }
  private let id = ServerID(UUID())

  func log(_ suffix: String = "") -> String? {
    FileManager.default.contents(atPath: "\(directory)/consoles/web1.log\(suffix)").map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  static func visitor(_ name: String, mayWrite: Bool = true, takes: Bool = false) -> Visitor {
    Visitor(name: name, from: "here", mayWrite: mayWrite, takes: takes)
  }
}

@Suite("The hub on a serial socket", .serialized, .timeLimit(.minutes(2))) struct ConsoleHubTests {
  @Test("what the machine says before anybody comes is kept, in the file too; keys go to it; it has one client")
  func serial() async throws {
    let bench = Bench()
    bench.hub.put([bench.server()])
    // The hub is there first, and tries again.
    let machine = try SerialMachine("\(bench.directory)/serial")
    try machine.accept()
    try machine.say("login: ")
    #expect(await eventually { bench.log() == "login: " })
    let (anna, bert) = (TestWatcher(), TestWatcher())
    let seat = bench.hub.connect(Bench.visitor("anna"), to: bench.server(), by: anna)
    _ = bench.hub.connect(Bench.visitor("bert"), to: bench.server(), by: bert)
    let greeting = "\r\n[SOS session for web1, read-write, 1 connected. Use ~? for help.]\r\n"
    #expect(await eventually { anna.text == "login: " + greeting })
    #expect(await eventually { bert.text.contains("read-only, 2 connected") })
    seat.type(Array("root\r".utf8))
    try machine.hear("root\r")
    try machine.say("# ")
    #expect(await eventually { anna.text.hasSuffix("# ") && bert.text.hasSuffix("# ") })
    #expect(!machine.hasMore)
    let status = try #require(await bench.hub.statuses()[bench.server().id])
    #expect(status.watchers.map(\.name) == ["anna", "bert"] && status.writer?.name == "anna" && status.since != nil)
    seat.type(Array("~.".utf8))
    #expect(await eventually { anna.ending == .some(nil) })
    #expect(await eventually { bench.notes.withLockedValue { $0.map(\.kind) } == [.began, .began, .ended] })
    let mode = try FileManager.default.attributesOfItem(atPath: "\(bench.directory)/consoles/web1.log")
    #expect(mode[.posixPermissions] as? Int == 0o600)
  }

  @Test("a machine that goes and comes back is said to, and nobody is let go")
  func reconnect() async throws {
    let bench = Bench()
    var machine: SerialMachine? = try SerialMachine("\(bench.directory)/serial")
    let anna = TestWatcher()
    _ = bench.hub.connect(Bench.visitor("anna"), to: bench.server(), by: anna)
    try machine?.accept()
    try machine?.say("one")
    #expect(await eventually { anna.text.hasSuffix("one") })
    machine = nil
    #expect(await eventually { anna.text.hasSuffix("one\r\n[console: machine disconnected]\r\n") })
    let next = try SerialMachine("\(bench.directory)/serial")
    try next.accept()
    try next.say("two")
    #expect(await eventually { anna.text.hasSuffix("[console: machine connected]\r\ntwo") })
    #expect(anna.ending == nil)
  }

  @Test("64 KiB are replayed; one who reads nothing is let go, and holds up neither the machine nor the others")
  func slow() async throws {
    let bench = Bench()
    let machine = try SerialMachine("\(bench.directory)/serial")
    bench.hub.put([bench.server()])
    try machine.accept()
    let before = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
    try machine.say(before)
    #expect(await eventually { bench.log()?.utf8.count ?? 0 > 0 })
    let (diligent, sleeper) = (TestWatcher(), TestWatcher(reads: false))
    // All of it has come when it is in the file.
    #expect(
      await eventually {
        (try? FileManager.default.attributesOfItem(atPath: "\(bench.directory)/consoles/web1.log")[.size] as? Int)
          == 100_000
      })
    _ = bench.hub.connect(Bench.visitor("anna"), to: bench.server(), by: diligent)
    _ = bench.hub.connect(Bench.visitor("sleeper"), to: bench.server(), by: sleeper)
    #expect(await eventually { diligent.shown.count > 65_536 })
    #expect(Array(diligent.shown.prefix(65_536)) == before.suffix(65_536))
    let flood = [UInt8](repeating: 0xAA, count: 4 << 20)
    try machine.say(flood)
    #expect(await eventually { diligent.shown.count { $0 == 0xAA } >= flood.count })
    #expect(await eventually { sleeper.ending??.hasPrefix("you read too slowly") == true })
    #expect(sleeper.shown.count <= Console.backlogLimit)
    #expect(diligent.ending == nil)
  }

  @Test("the session of a server that is deleted, or has no console any more, ends with the reason")
  func ends() async throws {
    let bench = Bench()
    let (anna, bert) = (TestWatcher(), TestWatcher())
    _ = bench.hub.connect(Bench.visitor("anna"), to: bench.server(), by: anna)
    bench.hub.remove(bench.server().id)
    #expect(await eventually { anna.ending == "web1 was deleted" })
    _ = bench.hub.connect(Bench.visitor("bert"), to: bench.server(), by: bert)
    bench.hub.put([bench.server(serial: false)])
    #expect(await eventually { bert.ending??.contains("has no console any more") == true })
    let carl = TestWatcher()
    _ = bench.hub.connect(Bench.visitor("carl"), to: bench.server(serial: false), by: carl)
    let reason = "web1 has no console: it is neither a VM nor a namespace; give --serial"
    #expect(await eventually { carl.ending == reason })
    #expect(await bench.hub.refusal(of: bench.server(serial: false)) == reason)
    bench.hub.close("toprackd is stopping")
    #expect(await bench.hub.refusal(of: bench.server()) == "toprackd is stopping")
  }

  @Test("power off is said, and a session that was left tells so once")
  func power() async throws {
    let bench = Bench()
    let anna = TestWatcher()
    let seat = bench.hub.connect(Bench.visitor("anna"), to: bench.server(), by: anna)
    bench.hub.put([bench.server(isOn: false)])
    #expect(await eventually { anna.text.hasSuffix("\r\n[web1 is switched off]\r\n") })
    seat.leave()
    seat.leave()
    #expect(await eventually { bench.notes.withLockedValue { $0.map(\.kind) } == [.began, .ended] })
    #expect(await bench.hub.statuses()[bench.server().id]?.watchers == [])
  }

  @Test("what was said is there again after a restart; another server that has got the name is not shown it")
  func restart() async throws {
    let bench = Bench()
    let machine = try SerialMachine("\(bench.directory)/serial")
    bench.hub.put([bench.server()])
    try machine.accept()
    try machine.say("secret")
    #expect(await eventually { bench.log() == "secret" })
    bench.hub.close("toprackd is stopping")
    let again = bench.another()
    let anna = TestWatcher()
    _ = again.connect(Bench.visitor("anna"), to: bench.server(isOn: false), by: anna)
    #expect(await eventually { anna.text.hasPrefix("secret\r\n[SOS session for web1, read-write") })
    try machine.accept()
    again.close("toprackd is stopping")
    let third = bench.another()
    let bert = TestWatcher()
    var heir = bench.server()
    heir.id = ServerID(UUID())
    _ = third.connect(Bench.visitor("bert"), to: heir, by: bert)
    #expect(await eventually { bert.text.hasPrefix("\r\n[SOS session for web1, read-write") })
    try machine.accept()
    try machine.say("mine")
    #expect(await eventually { bench.log()?.hasSuffix("mine") == true })
    #expect(bench.log()?.contains("secret") == false && bench.log(".1")?.contains("secret") == true)
  }

  @Test("the file is put aside at its limit, and three of them are kept")
  func rotation() async throws {
    let bench = Bench()
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let log = ConsoleLog("\(bench.directory)/consoles", "web1", of: "one", limit: 10, logger: logger)
    for number in 0..<6 { log.append(Array("\(number)123456789".utf8)) }
    log.append(Array("x".utf8))
    await log.flush()
    #expect(bench.log() == "x")
    #expect(["", ".1", ".2", ".3", ".4"].map { bench.log($0)?.first } == ["x", "5", "4", "3", nil])
    #expect(await tail(log) == "x")
    log.rename(to: "web2")
    log.append(Array("y".utf8))
    await log.flush()
    #expect(bench.log() == "x")
    #expect(FileManager.default.contents(atPath: "\(bench.directory)/consoles/web2.log") == Data("y".utf8))
    let foreign = ConsoleLog("\(bench.directory)/consoles", "web1", of: "two", limit: 10, logger: logger)
    #expect(await tail(foreign) == "")
    foreign.append(Array("z".utf8))
    await foreign.flush()
    #expect(await tail(foreign) == "z" && bench.log(".1") == "x")
  }
  private func tail(_ log: ConsoleLog) async -> String {
    await withCheckedContinuation { done in
      log.tail(100) { done.resume(returning: String(decoding: $0, as: UTF8.self)) }
    }
  }
}
