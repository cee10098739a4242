// Virtual machines beside the rack: told which servers there are and what becomes of them.

import API
import Consoles
import Control
import Logging
import MachineHost
import Machines
import Rack
import ServiceLifecycle

/// Keeps the machines in step with the rack until the daemon stops; they go on without it.
///
/// Control knows nothing of them and waits for none: what has changed is heard of as everybody hears it, by the events.
/// Power is acted on event by event, in order; all else is looked up as it is when its event is heard.
struct MachineService: Service {
  let hub: MachineHub
  let consoles: ConsoleHub
  let control: Control
  /// For the journal.
  let notes: AsyncStream<MachineNote>
  /// Servers whose console is another.
  let moves: AsyncStream<ServerID>

  /// Finds the machines of before the daemon's start. Before anybody can ask for them.
  static func restore(_ hub: MachineHub, from control: Control) async {
    let (rack, places) = (await control.rack, await control.interfaces)
    await hub.restore(rack.servers.values.map { MachineServer($0, at: places[$0.id] ?? [:]) })
  }

  func run() async throws {
    await withTaskGroup { group in
      group.addTask { await follow() }
      group.addTask { await record() }
      group.addTask { await moveConsoles() }
      try? await gracefulShutdown()
      group.cancelAll()
    }
  }

  private func follow() async {
    while !Task.isCancelled {
      // From before the rack is read, so that nothing falls in between.
      let events = await control.watchEvents()
      let (rack, places) = (await control.rack, await control.interfaces)
      hub.keep(only: Set(rack.servers.keys))
      hub.put(rack.servers.values.map { MachineServer($0, at: places[$0.id] ?? [:]) })
      for server in rack.servers.values { hub.act(.switched(on: server.isPoweredOn), on: server.id) }
      for await event in events { if let id = event.server { await heard(event.type, of: id) } }
    }
  }

  private func heard(_ type: String, of id: ServerID) async {
    switch type {
    case "device.delete": hub.remove(id)
    case "device.power_on": hub.act(.switched(on: true), on: id)
    case "device.power_off": hub.act(.switched(on: false), on: id)
    case "device.reboot": hub.act(.reboot, on: id)
    case "device.rescue": hub.act(.rescue, on: id)
    case "device.reinstall": hub.act(.reinstall, on: id)
    case _ where type.hasPrefix("device.") || type.hasPrefix("port.") || type.hasPrefix("namespace."):
      guard let server = await control.rack.servers[id] else { return }
      hub.put([MachineServer(server, at: await control.interfaces[id] ?? [:])])
    default: break
    }
  }

  /// Brings starts and ends into the journal, one after another.
  private func record() async { for await note in notes { await control.note(note.type, note.text, of: note.server) } }

  private func moveConsoles() async {
    for await id in moves {
      let rack = await control.rack
      if let server = rack.servers[id] { consoles.put([ConsoleServer(server, in: rack, machines: hub)]) }
    }
  }
}

extension ConsoleServer {
  /// With its machine's serial port, where it has a machine.
  init(_ server: Server, in rack: Rack, machines: MachineHub) {
    self.init(server, in: rack)
    if let path = machines.console(of: server.id) { source = .serial(path: path) }
  }
}
