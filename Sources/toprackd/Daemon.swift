// The assembly. Services stop in the reverse of their order: first the API, so that no change begins any more, then
// control with the forwarding plane and the store.

import API
import Consoles
import Control
import Dataplane
import Foundation
import Host
import Logging
import MachineHost
import Ports
import Rack
import ServiceLifecycle
import Store
import UnixSignals

struct Daemon {
  /// How long those who are in the middle of a request have when the daemon stops; idle clients are let go at once.
  private static let grace = Duration.milliseconds(1200)

  let settings: Settings
  let isNewRack: Bool
  let logger: Logger
  /// How often the copy of the database is brought up to date.
  static let copyInterval = Duration.seconds(3600)

  /// Runs until SIGTERM or SIGINT. Throws a `StartFault` when it cannot begin.
  func run() async throws {
    // A client that leaves is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    try Privileges.check()
    if !Privileges.canEnterNamespaces {
      logger.warning("without CAP_SYS_ADMIN servers cannot be put into network namespaces")
    }
    do {
      let limit = try raiseFileLimit()
      logger.debug("up to \(limit) open files")
    } catch {
      logger.warning("\(error)")
    }

    let socket = APISocket(path: settings.socket)
    let (control, listeners) = try await startControl(socket)
    if let reason = control.readOnlyReason {
      logger.critical("\(reason)")
    } else {
      try await makeFirstToken(in: control)
    }
    let (notes, noted) = AsyncStream.makeStream(of: ConsoleNote.self, bufferingPolicy: .bufferingNewest(1024))
    let hub = consoles { noted.yield($0) }
    let (starts, started) = AsyncStream.makeStream(of: MachineNote.self, bufferingPolicy: .bufferingNewest(1024))
    let (moves, moved) = AsyncStream.makeStream(of: ServerID.self)
    let machines = MachineHub(machineSettings, logger: logger) {
      started.yield($0)
    } consoleMoved: {
      moved.yield($0)
    }
    await MachineService.restore(machines, from: control)
    var configuration = ServiceGroupConfiguration(
      services: [.init(service: ControlService(control: control, logger: logger))] + metadata(of: control)
        + [.init(service: ConsoleService(hub: hub, machines: machines, control: control, notes: notes))]
        + [
          .init(
            service: MachineService(hub: machines, consoles: hub, control: control, notes: starts, moves: moves))
        ] + [.init(service: consolesBySSH(hub, machines, control))]
        + [.init(service: GuestService(control: control))]
        + [.init(service: api(of: control, with: hub, machines, at: socket, and: listeners))],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: frameworkLogger)
    configuration.maximumGracefulShutdownDuration = Self.grace
    defer { socket.remove() }
    do {
      try await ServiceGroup(configuration: configuration).run()
    } catch is CancellationError {
      // The grace has passed; control has ended in order all the same.
    } catch {
      throw StartFault("the API cannot be served at \(socket.path): \(error)")
    }
    logger.info("stopped; NICs and state stay")
  }

  /// Locks the state, makes sure of the socket and the TCP addresses, and brings the wire to what the state says.
  private func startControl(_ socket: APISocket) async throws(StartFault) -> (Control, [APIListener]) {
    ServiceManager.notify("STATUS=bringing the NICs to what the state says")
    do {
      let store = try Store.open(settings.state, isNewRack: isNewRack)
      if !store.putAside.isEmpty {
        logger.notice("a new rack; what was there is kept as \(store.putAside.joined(separator: ", "))")
      }
      try socket.prepare()
      let listeners = try Listening(settings: settings, logger: logger).listeners()
      var plane = Dataplane.Configuration()
      plane.stationLimit = settings.stationLimit
      plane.stationLimitPerPort = settings.stationLimitPerPort
      plane.stormLimit = settings.stormLimit
      plane.mode = settings.io
      plane.workers = settings.workers
      plane.polling = settings.isPolling
      plane.limits = Control.switchLimits
      let control = try await Control.start(
        store: store, dataplane: Dataplane(plane), limits: plane.limits, newRackLACPFast: settings.newRackLACPFast,
        plan: settings.plan, hybridBonded: settings.hybridBonded, quotas: settings.quotas, gateway: settings.gateway,
        sosHost: settings.sosHost, awaitsSystems: settings.awaitsSystems, version: Release.version, logger: logger)
      return (control, listeners)
    } catch let fault as StartFault {
      throw fault
    } catch {
      throw StartFault("\(error)")
    }
  }

  private func makeFirstToken(in control: Control) async throws(StartFault) {
    let first = FirstToken(in: settings.state)
    do {
      if try await first.make(in: control) { logger.notice("a token for the whole rack is in \(first.path)") }
    } catch let fault as FirstToken.Fault {
      // The rack works without it, and who is root here can make another.
      logger.warning("no first token: \(fault.message)")
    } catch {
      throw StartFault("the first token cannot be made: \(error)")
    }
  }

  private func consoles(note: @escaping @Sendable (ConsoleNote) -> Void) -> ConsoleHub {
    ConsoleHub(
      ConsoleHub.Settings(
        directory: "\(settings.state)/consoles", shells: settings.shells, hidden: [settings.state, "/home", "/root"]),
      logger: logger, note: note)
  }

  private func consolesBySSH(_ hub: ConsoleHub, _ machines: MachineHub, _ control: Control) -> SOSService {
    SOSService(
      directory: "\(settings.state)/sos", hub: hub, machines: machines, control: control,
      isReadOnlyUntilActive: settings.isReadOnlyUntilActive, logger: logger)
  }

  private var machineSettings: MachineHub.Settings {
    MachineHub.Settings(
      directory: "\(settings.state)/machines", rescue: settings.rescue, refusal: Privileges.machineRefusal,
      socket: Privileges.machineSocket)
  }

  private func api(
    of control: Control, with hub: ConsoleHub, _ machines: MachineHub, at socket: APISocket,
    and listeners: [APIListener]
  ) -> some Service {
    APIService(
      listeners: [.unix(path: socket.path)] + listeners,
      responder: APIResponder(
        control: control, rate: settings.rateLimit, placement: settings.placement,
        metricsAreOpen: settings.metricsAreOpen, consoles: hub, machines: machines),
      serverName: "toprackd/\(Release.version)",
      logger: frameworkLogger
    ) { await announce(control, socket, listeners) }
  }

  /// Servers' metadata. When it ends, that is no reason for the switch to end.
  private func metadata(of control: Control) -> [ServiceGroupConfiguration.ServiceConfiguration] {
    guard let listener = control.metadataListener else { return [] }
    let service = MetadataService(
      listener: listener, control: control, plan: settings.plan, logger: frameworkLogger)
    return [.init(service: service, successTerminationBehavior: .ignore, failureTerminationBehavior: .ignore)]
  }

  /// Opens the door and says so.
  private func announce(_ control: Control, _ socket: APISocket, _ listeners: [APIListener]) async {
    do {
      if try !socket.open(to: settings.socketGroup) {
        logger.notice("there is no group \(settings.socketGroup); only root can use the socket")
      }
    } catch {
      logger.error("\(error.message)")
    }
    await control.keepCopy()
    let status = await control.status()
    let places = ([socket.path] + listeners.map(\.description)).joined(separator: ", ")
    let summary = "\(status.servers) servers, \(status.networks) networks"
    logger.info("toprackd \(Release.version) is ready at \(places): \(summary), I/O by \(status.ioDriver)")
    // Last: who waits for it finds the addresses in the log.
    ServiceManager.notify("READY=1\nSTATUS=\(summary), \(status.problems.count) problems")
  }

  /// What the frameworks have to say at `info` is no news to an operator.
  private var frameworkLogger: Logger {
    var quiet = logger
    if settings.logLevel > .debug { quiet.logLevel = max(settings.logLevel, .warning) }
    return quiet
  }
}

/// Holds control until the end, and then ends it in order. Until then it tells the service manager that all is alive,
/// and keeps the copy of the database.
private struct ControlService: Service {
  let control: Control
  let logger: Logger

  func run() async throws {
    await withTaskGroup { group in
      if let interval = ServiceManager.watchdogInterval {
        group.addTask {
          await Heartbeat(control.vitalParts, every: interval / 2).run {
            ServiceManager.notify("WATCHDOG=1")
          } late: { part in
            logger.critical(
              "no sign of life from \(part) for \(interval / 2); the service manager is told nothing more")
          }
        }
      }
      group.addTask {
        while (try? await Task.sleep(for: Daemon.copyInterval)) != nil { await control.keepCopy() }
      }
      try? await gracefulShutdown()
      group.cancelAll()
    }
    ServiceManager.notify("STOPPING=1\nSTATUS=stopping")
    await control.stop()
  }
}
