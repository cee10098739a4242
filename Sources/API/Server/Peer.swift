// Who is at the other end of a connection, as far as the system says.

import Glibc
import NIOCore
import Synchronization

/// The other end of a connection.
enum Peer: Hashable, Sendable {
  /// Somebody of this machine, whom the mode of the Unix socket has let in.
  case user(String)
  /// An IP address as text.
  case address(String)

  /// Asks the system. A peer that it says nothing of is a stranger without an address.
  init(_ channel: any Channel) async {
    guard case .unixDomainSocket = channel.localAddress else {
      self = .address(channel.remoteAddress?.ipAddress ?? "")
      return
    }
    guard let provider = channel as? any SocketOptionProvider,
      let credentials = try? await Self.credentials(provider).get()
    else {
      self = .user("unknown")
      return
    }
    self = .user(Self.name(of: credentials.user))
  }

  /// `struct ucred`.
  struct Credentials {
    var process: pid_t, user: uid_t, group: gid_t
  }

  /// SO_PEERCRED, unix(7): the process that has connected, as it was then.
  static func credentials(_ provider: any SocketOptionProvider) -> EventLoopFuture<Credentials> {
    provider.unsafeGetSocketOption(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
  }

  private static let names = Mutex<[uid_t: String]>([:])

  /// The user's name, or its number when it has none. Looked up once: a directory service may be slow.
  private static func name(of user: uid_t) -> String {
    if let name = names.withLock({ $0[user] }) { return name }
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16_384)
    let status = getpwuid_r(user, &entry, &buffer, buffer.count, &found)
    let name = status == 0 && found != nil ? String(cString: entry.pw_name) : "user \(user)"
    names.withLock { $0[user] = name }
    return name
  }
}
