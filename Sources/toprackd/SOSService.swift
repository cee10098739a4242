// Consoles by SSH: what sshd, which is a program of its own (`toprack-sos`), finds of the rack.

import API
import Consoles
import Control
import Foundation
import Logging
import MachineHost
import Machines
import NIOCore
import Rack
import ServiceLifecycle

/// Keeps `sos/` in the state directory: `console.sock`, where keys and consoles are asked for, and `passwd`, the users
/// that sshd knows, replaced as a whole (rename(2)) when servers come, go or get another name.
///
/// What cannot be had is a warning: the switch works without.
struct SOSService: Service {
  let directory: String
  let hub: ConsoleHub
  let machines: MachineHub
  let control: Control
  /// Nobody has the keyboard of a server's console until its operating system has been heard.
  let isReadOnlyUntilActive: Bool
  let logger: Logger

  /// Whom sshd's programs run as where there is no user toprack-sos: a number that nobody has.
  static let standInUser: UInt32 = 0x6FFF_FFFF
  /// Between two writings of `passwd`.
  static let pause = Duration.milliseconds(50)

  func run() async throws {
    let user = Self.account("toprack-sos") ?? (Self.standInUser, Self.standInUser)
    var channel: (any Channel)?
    do {
      try prepare()
      channel = try await open(for: user)
    } catch {
      logger.warning("no consoles by SSH: \(error)")
    }
    await withTaskGroup { group in
      if channel != nil { group.addTask { await follow(user) } }
      try? await gracefulShutdown()
      group.cancelAll()
    }
    try? await channel?.close()
    unlink("\(directory)/console.sock")
  }

  private func prepare() throws(StartFault) {
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST, chmod(directory, 0o755) == 0 else {
      throw StartFault("\(directory) cannot be made: \(String(cString: strerror(errno)))")
    }
  }

  private func open(for user: (user: UInt32, group: UInt32)) async throws -> any Channel {
    let path = "\(directory)/console.sock"
    let socket = SOSSocket(
      path: path, hub: hub,
      desk: SOSSocket.Desk(
        keys: { login in SOSDirectory.authorizedKeys(login, in: await control.rack) }, admit: { await admit($0) }),
      users: [0, geteuid(), user.user])
    let channel = try await socket.open()
    // Only the owner can connect until now. Without the right to give it away it stays so.
    if chown(path, uid_t.max, user.group) != 0 {
      logger.warning("\(path) cannot be given to the group toprack-sos: \(String(cString: strerror(errno)))")
    }
    chmod(path, 0o660)
    return channel
  }

  private func admit(_ call: SOSCall) async -> Result<SOSVisit, SOSRefusal> {
    let rack = await control.rack
    switch SOSDirectory.admission(call.login, key: call.key, in: rack) {
    case .refused(let message): return .failure(SOSRefusal(message))
    case .admitted(let server, let key):
      let machine = ConsoleServer(server, in: rack, machines: machines)
      if let refusal = machine.refusal { return .failure(SOSRefusal(refusal)) }
      let mayWrite = !(isReadOnlyUntilActive && server.isProvisioning)
      if let refusal = await hub.refusal(of: machine, mayWrite: mayWrite) { return .failure(SOSRefusal(refusal)) }
      let visitor = Visitor(
        name: "\(key.label.visibleInLine) (\(key.key.sha256))", kind: .key, from: "\(call.from) by SSH",
        mayWrite: mayWrite, size: call.size, terminal: call.terminal)
      let (id, blob) = (server.id, key.key.blob)
      return .success(
        SOSVisit(server: machine, visitor: visitor) { [control] in
          let isThere = await control.rack.keys(openingConsoleOf: id).contains { $0.key.blob == blob }
          return isThere ? nil : "the key was removed"
        })
    }
  }

  // MARK: The users that sshd knows

  private func follow(_ user: (user: UInt32, group: UInt32)) async {
    // A thousand new servers are written a few times, and not a thousand.
    let (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    await withTaskGroup { group in
      group.addTask {
        while !Task.isCancelled {
          // From before the rack is read, so that nothing falls in between.
          let events = await control.watchEvents()
          changed.yield()
          for await event in events where event.type.hasPrefix("device.") { changed.yield() }
        }
        changed.finish()
      }
      group.addTask {
        let sshd = Self.account("sshd") ?? (65_534, 65_534)
        for await _ in changes {
          write(await control.rack, user, sshd)
          try? await Task.sleep(for: Self.pause)
        }
      }
    }
  }

  private func write(_ rack: Rack, _ user: (user: UInt32, group: UInt32), _ sshd: (user: UInt32, group: UInt32)) {
    let text = SOSDirectory.users(of: rack, user: user.user, group: user.group, sshd: sshd)
    let (path, fresh) = ("\(directory)/passwd", "\(directory)/passwd.new")
    guard (try? String(contentsOfFile: path, encoding: .utf8)) != text else { return }
    do {
      try text.write(toFile: fresh, atomically: false, encoding: .utf8)
      chmod(fresh, 0o644)
      guard rename(fresh, path) == 0 else { throw StartFault(String(cString: strerror(errno))) }
    } catch {
      logger.warning("\(path) cannot be written; new servers have no console by SSH: \(error)")
    }
  }

  /// A user of this machine; `nil`: there is none.
  private static func account(_ name: String) -> (user: UInt32, group: UInt32)? {
    getpwnam(name).map { ($0.pointee.pw_uid, $0.pointee.pw_gid) }
  }
}
