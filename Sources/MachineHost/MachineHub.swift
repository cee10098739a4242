// The virtual machines of all servers, and the way to them for everybody else.

import FoundationEssentials
public import Logging
public import Machines
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import Rack

/// All virtual machines of the daemon, those of others included that it prepares the NICs for.
///
/// ## How it works
/// Each is a value with a state machine (`VirtualMachine`) and a desk that performs its effects (`MachineDesk`), all on
/// one event loop. QEMU is nobody's child and outlives the daemon; what has to be known to find it again is in the
/// folder of its machine (`MachineFiles`).
///
/// The hub is told what servers there are and what becomes of them, and asks nobody; it knows nothing of projects and
/// rights: who may do what has been decided before.
///
/// ## Threads
/// Safe to share. No call blocks.
public final class MachineHub: Sendable {
  public struct Settings: Sendable {
    /// Of the machines' folders; made when there is the first.
    public var directory: String
    /// What `rescue` boots; `nil`: nothing.
    public var rescue: RescueSystem?
    /// Why this daemon starts no QEMU; `nil`: it does.
    public var refusal: String?
    /// Where a service starts it for a daemon that does not, when there is such a socket.
    public var socket: String?

    public init(directory: String, rescue: RescueSystem? = nil, refusal: String? = nil, socket: String? = nil) {
      (self.directory, self.rescue, self.refusal, self.socket) = (directory, rescue, refusal, socket)
    }

    var runner: QEMURunner { QEMURunner(socket: refusal == nil ? nil : socket) }
  }

  /// Between two looks at how much machines have said that nobody has read.
  private static let trimming = TimeAmount.seconds(30)

  private let settings: Settings
  private let loop: any EventLoop
  private let desks: NIOLoopBoundBox<[ServerID: MachineDesk]>
  private let context: MachineDesk.Context
  private let consoles = NIOLockedValueBox<[ServerID: String]>([:])

  /// `note`: called on an event loop when one starts or ends. `consoleMoved`: and when a server's console is elsewhere.
  public init(
    _ settings: Settings, logger: Logger, note: @escaping @Sendable (MachineNote) -> Void,
    consoleMoved: @escaping @Sendable (ServerID) -> Void = { _ in }
  ) {
    self.settings = settings
    loop = MultiThreadedEventLoopGroup.singleton.next()
    desks = .makeBoxSendingValue([:], eventLoop: loop)
    let consoles = consoles
    context = MachineDesk.Context(
      directory: settings.directory, rescue: settings.rescue,
      probe: KVMProbe(in: settings.directory, by: settings.runner), logger: logger, note: note,
      console: { server, path in
        let isNew = consoles.withLockedValue { paths in
          defer { paths[server] = path }
          return paths[server] != path
        }
        if isNew { consoleMoved(server) }
      })
  }

  /// Finds the machines of before the daemon's start, among `servers`, which are all that there are. Once, before
  /// anything else.
  public func restore(_ servers: [MachineServer]) async {
    let known = Dictionary(uniqueKeysWithValues: servers.map { ($0.id, $0) })
    let names = (try? FileManager.default.contentsOfDirectory(atPath: settings.directory)) ?? []
    let found = names.compactMap { name -> (ServerID, MachineRecord)? in
      guard let id = ServerID(name), let record = MachineFiles(in: settings.directory, of: id).load() else {
        return nil
      }
      return (id, record)
    }
    await ask { hub in
      for (id, record) in found {
        let server = known[id] ?? MachineServer(id: id, name: "a deleted server", number: 0, isOn: false, nics: [])
        let desk = MachineDesk(of: server, record, on: hub.loop, hub.context)
        hub.desks.value[id] = desk
        desk.takeUp()
        if known[id] == nil { hub.end(id) } else { desk.follow(server, isFirst: true) }
      }
    }
    loop.scheduleRepeatedTask(initialDelay: Self.trimming, delay: Self.trimming) { [self] _ in
      for desk in desks.value.values { desk.trim() }
    }
  }

  /// Why no machine can be run here; `nil`: one can.
  public var refusal: String? { settings.runner.isThere ? nil : settings.refusal }

  public var canRescue: Bool { settings.rescue != nil }

  /// Where the console of a server is, if it has a machine.
  public func console(of server: ServerID) -> String? { consoles.withLockedValue { $0[server] } }

  /// What is said of a server without one.
  public static func nothing(of name: String) -> MachineFault {
    MachineFault(.unknown, "\(name) has no virtual machine: 'toprack vm run \(name) --disk IMAGE' starts one")
  }

  // MARK: What people want

  /// Returns when QEMU runs. `seed`: the disk that cloud-init reads.
  public func run(
    _ spec: MachineSpec, on server: MachineServer, seed: [UInt8]? = nil
  ) async throws(MachineFault) -> MachineStatus {
    if let refusal { throw MachineFault(.unavailable, refusal) }
    let runner = settings.runner
    let checked = await withCheckedContinuation {
      (answer: CheckedContinuation<Result<DiskFormat?, MachineFault>, Never>) in
      NIOThreadPool.singleton.submit { _ in
        let result: Result<DiskFormat?, MachineFault>
        do throws(MachineFault) { result = .success(try HostCheck.check(spec, by: runner)) } catch {
          result = .failure(error)
        }
        answer.resume(returning: result)
      }
    }
    let format = try checked.get()
    return try await answered { hub, answer in
      hub.desk(of: server).run(spec, format: format, seed: seed) { answer($0) }
    }
  }

  /// Returns when it has ended.
  public func stop(_ server: MachineServer, force: Bool) async throws(MachineFault) -> MachineStatus {
    try await answered { hub, answer in
      guard let desk = hub.desks.value[server.id] else { return answer(.failure(MachineDesk.nothing(of: server))) }
      desk.stop(force: force, answer)
    }
  }

  /// Prepares the NICs for a machine that somebody else runs. `taps`: names of its interfaces, by NIC. `console`: where
  /// its serial port listens.
  public func attach(
    _ server: MachineServer, _ how: GuestLink.How, taps: [String: String] = [:], console: String? = nil
  ) async throws(MachineFault) -> MachineStatus {
    try await answered { hub, answer in
      hub.desk(of: server).attach(how, taps: taps, console: console, answer)
    }
  }

  public func detach(_ server: MachineServer) async throws(MachineFault) {
    let result = await withCheckedContinuation { (answer: CheckedContinuation<Result<Void, MachineFault>, Never>) in
      onLoop { hub in hub.desk(of: server).detach { answer.resume(returning: $0) } }
    }
    try result.get()
  }

  /// `nil`: there is none.
  public func status(of server: ServerID) async -> MachineStatus? { await ask { $0.desks.value[server]?.status } }

  public func statuses() async -> [ServerID: MachineStatus] { await ask { $0.desks.value.compactMapValues(\.status) } }

  // MARK: What becomes of servers

  /// Servers as they are now, but for their power.
  public func put(_ servers: [MachineServer]) {
    onLoop { hub in for server in servers { hub.desks.value[server.id]?.follow(server) } }
  }

  /// All servers that there are.
  public func keep(only ids: Set<ServerID>) {
    onLoop { hub in for id in hub.desks.value.keys where !ids.contains(id) { hub.end(id) } }
  }

  public func remove(_ id: ServerID) { onLoop { $0.end(id) } }

  /// Power and boot, as somebody wants them by the server's.
  public func act(_ event: VirtualMachine.Event, on id: ServerID) { onLoop { $0.desks.value[id]?.act(event) } }
}

/// On the loop.
extension MachineHub {
  private func desk(of server: MachineServer) -> MachineDesk {
    if let desk = desks.value[server.id] {
      desk.follow(server)
      desk.act(.switched(on: server.isOn))
      return desk
    }
    let desk = MachineDesk(of: server, nil, on: loop, context)
    desks.value[server.id] = desk
    return desk
  }

  private func end(_ id: ServerID) { desks.value.removeValue(forKey: id)?.remove() }

  private func onLoop(_ body: @escaping @Sendable (MachineHub) -> Void) { loop.execute { body(self) } }

  private func ask<Answer: Sendable>(_ body: @escaping @Sendable (MachineHub) -> Answer) async -> Answer {
    await withCheckedContinuation { answer in loop.execute { answer.resume(returning: body(self)) } }
  }

  private func answered(
    _ body: @escaping @Sendable (MachineHub, @escaping MachineDesk.Answer) -> Void
  ) async throws(MachineFault) -> MachineStatus {
    let result = await withCheckedContinuation {
      (answer: CheckedContinuation<Result<MachineStatus, MachineFault>, Never>) in
      onLoop { hub in body(hub) { answer.resume(returning: $0) } }
    }
    return try result.get()
  }
}
