// Consoles beside the rack: told which servers there are, and what becomes of them.

import Consoles
import Control
import Logging
import MachineHost
import Machines
import Rack
import ServiceLifecycle

/// Keeps the hub in step with the rack until the daemon stops, then ends all sessions.
///
/// Control knows nothing of consoles and waits for none of them: what has changed is heard of as everybody hears it,
/// by the events. Who comes to the console of a server that was made this moment brings along what the hub has to know.
struct ConsoleService: Service {
  let hub: ConsoleHub
  let machines: MachineHub
  let control: Control
  /// Visits for the journal.
  let notes: AsyncStream<ConsoleNote>

  func run() async throws {
    await withTaskGroup { group in
      group.addTask { await follow() }
      group.addTask { await record() }
      try? await gracefulShutdown()
      group.cancelAll()
    }
    hub.close("toprackd is stopping")
  }

  private func follow() async {
    while !Task.isCancelled {
      // From before the rack is read, so that nothing falls in between.
      let events = await control.watchEvents()
      let rack = await control.rack
      hub.keep(only: Set(rack.servers.keys))
      hub.put(rack.servers.values.map { ConsoleServer($0, in: rack, machines: machines) })
      for await event in events where event.type.hasPrefix("device.") {
        guard let id = event.server else { continue }
        let rack = await control.rack
        if event.type == "device.delete" {
          hub.remove(id)
        } else if let server = rack.servers[id] {
          hub.put([ConsoleServer(server, in: rack, machines: machines)])
        }
      }
    }
  }

  /// Brings the visits into the journal, one after another.
  private func record() async {
    for await note in notes {
      let visitor = Requester(note.visitor.name, note.visitor.kind == .token ? .token : .user)
      await control.note(note.kind.rawValue, note.text, of: note.server, by: visitor)
    }
  }
}
