// Who may come to which console, asked by the API and by the portal.

import Consoles
import HTTPTypes
import MachineHost
import Machines
import Rack

/// The way from a call to a console.
struct ConsoleGate: Sendable {
  /// Of one token or user; 16 for each of four consoles.
  static let shareLimit = 64

  /// `nil`: this daemon has none.
  let hub: ConsoleHub?
  /// Whose serial ports are consoles; `nil`: nobody's.
  var machines: MachineHub?
  private let shares = CallerShares(shareLimit, "console sessions")

  /// Lets the caller to the console of a server that a view has given out. Throws what is in the way.
  ///
  /// Members of the query: `read-only`, `take`, `replay` (true unless it says otherwise), `rows` and `cols`, `term`.
  func open(_ server: Server, for call: Call) async throws -> ConsoleOpening {
    let visitor = try visitor(call)
    let machine = console(of: server, in: await call.view())
    if let refusal = machine.refusal { throw APIError.invalid(refusal) }
    guard let hub else { throw APIError(.serviceUnavailable, "this daemon has no consoles") }
    if let refusal = await hub.refusal(of: machine, mayWrite: visitor.mayWrite) { throw APIError.invalid(refusal) }
    let share = try shares.take(call.access)
    // Last, so that who asks without one hears what else is in the way.
    guard let handshake = try call.origin.handshake?.get() else {
      throw APIError(.upgradeRequired, "a console is a WebSocket (RFC 6455): ask with Upgrade: websocket")
    }
    return ConsoleOpening(
      hub: hub, server: machine, visitor: visitor, accept: handshake.accept,
      isWanted: { await call.isStillLetIn() }, share: share)
  }

  /// The console of a server that the view has given out: its machine's serial port, or what it has without one.
  func console(of server: Server, in view: View) -> ConsoleServer {
    var console = view.consoleServer(server)
    if let path = machines?.console(of: server.id) { console.source = .serial(path: path) }
    return console
  }

  private func visitor(_ call: Call) throws(APIError) -> Visitor {
    let arguments = call.arguments
    let isReader = try arguments.boolean("read-only") ?? false
    let takes = try arguments.boolean("take") ?? false
    if takes, isReader { throw .invalid("take and read-only exclude each other: one who takes the keyboard writes") }
    if takes { try call.access.requireWriting() }
    let (rows, columns) = (try arguments.integer("rows"), try arguments.integer("cols"))
    var size: TerminalSize?
    if let rows, let columns { size = TerminalSize(rows: rows, columns: columns) }
    guard size != nil || rows == nil && columns == nil else {
      let valid = TerminalSize.valid
      throw .invalid("rows and cols must both be given, each from \(valid.lowerBound) to \(valid.upperBound)")
    }
    let terminal = try arguments.string("term") ?? "vt100"
    guard (1...64).contains(terminal.utf8.count), terminal.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2F })
    else { throw .invalid("term must be the name of a terminal, such as vt100 or xterm-256color") }
    return Visitor(
      name: call.access.by.visibleInLine, kind: call.access.token == nil ? .user : .token, from: call.origin.place,
      mayWrite: !call.access.isReadOnly && !isReader, takes: takes,
      replays: try arguments.boolean("replay") ?? true, size: size, terminal: terminal)
  }

  /// What is known of consoles at this moment.
  func statuses() async -> [ServerID: ConsoleStatus] { await hub?.statuses() ?? [:] }
}

/// Where a call has come from, and how its connection may go on.
struct CallOrigin: Sendable {
  var peer = Peer.address("")
  var handshake: Result<WebSocketHandshake, APIError>?

  /// As a person reads it.
  var place: String {
    switch peer {
    case .user: "the Unix socket"
    case .address(let address): address.isEmpty ? "an unknown place" : address
    }
  }
}
