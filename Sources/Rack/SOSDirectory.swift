/// Logins of the SSH server of consoles. A login is a server's UUID, or its hostname.
///
/// Keys are asked for at each login: those of the server's project and of the rack's user, as they are then. A hostname
/// can be one of several projects; the key says which is meant.
public enum SOSDirectory {
  /// Users that sshd needs itself. A server of such a name is reached by its UUID.
  static let reserved: Set<String> = ["root", "sshd", "nobody", "toprack-sos"]

  /// The servers that a login can mean.
  public static func servers(_ login: String, in rack: Rack) -> [Server] {
    if let id = ServerID(login) { return rack.servers[id].map { [$0] } ?? [] }
    return reserved.contains(login) ? [] : rack.servers(named: login)
  }

  /// Lines for a list of authorized keys, each key once. A login that is nobody's has none.
  public static func authorizedKeys(_ login: String, in rack: Rack) -> [String] {
    var seen: Set<[UInt8]> = []
    return servers(login, in: rack).flatMap { rack.keys(openingConsoleOf: $0.id) }
      .filter { seen.insert($0.key.blob).inserted }
      // A second fence beside sshd's own settings. A label is for people, and not for sshd.
      .map { "restrict,pty " + $0.key.line.split(separator: " ", maxSplits: 2).prefix(2).joined(separator: " ") }
  }

  public enum Admission: Hashable, Sendable {
    case admitted(Server, SSHKey)
    case refused(String)
  }

  /// The console that somebody comes to with a key.
  public static func admission(_ login: String, key text: String, in rack: Rack) -> Admission {
    // The same words whether the server is not there or is another project's.
    let refusal = Admission.refused("there is no console that this key opens")
    guard let key = try? SSHPublicKey(reading: text) else { return refusal }
    let found = servers(login, in: rack).compactMap { server in
      rack.keys(openingConsoleOf: server.id).first { $0.key.blob == key.blob }.map { (server, $0) }
    }
    guard let (server, holder) = found.first else { return refusal }
    guard found.count == 1 else {
      let ids = found.map { "\($0.0.id)" }.joined(separator: ", ")
      return .refused("\(found.count) servers are called \(server.hostname); log in with the UUID of one: \(ids)")
    }
    return .admitted(server, holder)
  }

  /// The users that sshd knows, passwd(5): one for each login, all of them the same user of no rights.
  public static func users(of rack: Rack, user: UInt32, group: UInt32, sshd: (user: UInt32, group: UInt32)) -> String {
    var lines = [
      "sshd:*:\(sshd.user):\(sshd.group)::/run/sshd:/usr/sbin/nologin",
      "toprack-sos:*:\(user):\(group)::/:/usr/sbin/nologin",
    ]
    var names = reserved
    for server in rack.servers.values.sorted(by: { $0.number < $1.number }) {
      lines.append("\(server.id):*:\(user):\(group)::/:/bin/sh")
      if isLogin(server.hostname), names.insert(server.hostname).inserted {
        lines.append("\(server.hostname):*:\(user):\(group)::/:/bin/sh")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What stands in a line of passwd without changing its meaning.
  static func isLogin(_ name: String) -> Bool {
    (1...255).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      }
  }
}
