// The consoles of all servers, and the way to them for everybody else.

public import Host
public import Logging
public import Machines
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import Rack

/// All consoles of the daemon.
///
/// ## How it works
/// Each is a value with a state machine (`Console`) and a desk that performs its effects (`ConsoleDesk`), all of them
/// on one event loop. A serial line has its desk from the moment when its server is known, so that what the machine
/// says is kept; the console of a namespace from the first who comes.
///
/// The hub is told what servers there are (`put`, `remove`), and asks nobody; it knows nothing of projects and rights:
/// who may come has been decided before.
///
/// ## Threads
/// Safe to share. No call blocks.
public final class ConsoleHub: Sendable {
  /// What a daemon says of its consoles.
  public struct Settings: Sendable {
    /// Of the files; made when the first is written.
    public var directory: String
    /// What the shells may; `nil`: there are none.
    public var shells: Shell.Rights?
    /// Directories that confined shells find empty.
    public var hidden: [String]

    public init(directory: String, shells: Shell.Rights? = .confined, hidden: [String] = []) {
      (self.directory, self.shells, self.hidden) = (directory, shells, hidden)
    }
  }

  private struct Room {
    var desks: [ServerID: ConsoleDesk] = [:]
    /// Why there are no consoles any more.
    var closing: String?
  }

  private let loop: any EventLoop
  private let room: NIOLoopBoundBox<Room>
  private let context: ConsoleDesk.Context
  private let lastVisitor = NIOLockedValueBox(0)

  /// `note`: called on an event loop when somebody comes or goes.
  public init(_ settings: Settings, logger: Logger, note: @escaping @Sendable (ConsoleNote) -> Void) {
    loop = MultiThreadedEventLoopGroup.singleton.next()
    room = .makeBoxSendingValue(Room(), eventLoop: loop)
    context = ConsoleDesk.Context(
      directory: settings.directory, rights: settings.shells, hidden: settings.hidden, logger: logger, note: note)
  }

  /// Servers as they are now; others stay as they were.
  public func put(_ servers: [ConsoleServer]) { onLoop { hub in for server in servers { hub.put(server) } } }

  /// All servers that there are.
  public func keep(only ids: Set<ServerID>) {
    onLoop { hub in
      for (id, desk) in hub.room.value.desks where !ids.contains(id) {
        hub.end(id, "\(desk.server.name) was deleted")
      }
    }
  }

  /// Ends the console of a server that was deleted.
  public func remove(_ id: ServerID) {
    onLoop { hub in
      if let name = hub.room.value.desks[id]?.server.name { hub.end(id, "\(name) was deleted") }
    }
  }

  /// Ends all, and takes nobody any more.
  public func close(_ reason: String) {
    onLoop { hub in
      hub.room.value.closing = reason
      for id in hub.room.value.desks.keys { hub.end(id, reason) }
    }
  }

  /// Why one, who may write or not, cannot come to the console of `server` now; `nil`: they can.
  public func refusal(of server: ConsoleServer, mayWrite: Bool = true) async -> String? {
    if let refusal = server.refusal { return refusal }
    return await ask { hub in hub.room.value.closing ?? hub.room.value.desks[server.id]?.refusal(mayWrite: mayWrite) }
  }

  /// Of those consoles that somebody has come to, or that have a machine.
  public func statuses() async -> [ServerID: ConsoleStatus] { await ask { $0.room.value.desks.mapValues(\.status) } }

  /// Brings somebody to the console of `server`. Whatever follows, and be it that they are refused, comes by `watcher`.
  public func connect(_ visitor: Visitor, to server: ConsoleServer, by watcher: any ConsoleWatcher) -> ConsoleSeat {
    let id = VisitorID(
      lastVisitor.withLockedValue { last in
        last += 1
        return last
      })
    onLoop { hub in
      if let reason = server.refusal ?? hub.room.value.closing { return watcher.end(reason) }
      hub.put(server, isWanted: true)?.arrive(id, visitor, watcher)
    }
    return ConsoleSeat(hub: self, server: server.id, id: id)
  }

  fileprivate func tell(_ server: ServerID, _ event: Console.Event, heard: @escaping @Sendable () -> Void = {}) {
    onLoop { hub in
      hub.room.value.desks[server]?.handle(event)
      heard()
    }
  }
}

/// On the loop.
extension ConsoleHub {
  /// `isWanted`: it is to have a desk, whatever its source.
  @discardableResult
  private func put(_ server: ConsoleServer, isWanted: Bool = false) -> ConsoleDesk? {
    guard room.value.closing == nil else { return nil }
    guard let source = server.source else {
      end(server.id, "\(server.name) has no console any more: its serial line was taken away")
      return nil
    }
    if let desk = room.value.desks[server.id] {
      desk.follow(server, source)
      return desk
    }
    guard isWanted || source.kind == .serial else { return nil }
    let desk = ConsoleDesk(of: server, source, on: loop, context)
    room.value.desks[server.id] = desk
    return desk
  }

  private func end(_ id: ServerID, _ reason: String) {
    room.value.desks.removeValue(forKey: id)?.handle(.closed(reason))
  }

  private func onLoop(_ body: @escaping @Sendable (ConsoleHub) -> Void) { loop.execute { body(self) } }

  private func ask<Answer: Sendable>(_ body: @escaping @Sendable (ConsoleHub) -> Answer) async -> Answer {
    await withCheckedContinuation { answer in loop.execute { answer.resume(returning: body(self)) } }
  }
}

/// The place of one who watches.
public struct ConsoleSeat: Sendable {
  fileprivate let hub: ConsoleHub
  fileprivate let server: ServerID
  fileprivate let id: VisitorID

  /// `heard`: called when the hub has them; whoever sends more before that fills its memory.
  public func type(_ keys: [UInt8], heard: @escaping @Sendable () -> Void = {}) {
    hub.tell(server, .typed(id, keys), heard: heard)
  }
  public func resize(_ size: TerminalSize, heard: @escaping @Sendable () -> Void = {}) {
    hub.tell(server, .resized(id, size), heard: heard)
  }
  /// They have gone; their watcher hears nothing more of it.
  public func leave() { hub.tell(server, .left(id)) }
}
