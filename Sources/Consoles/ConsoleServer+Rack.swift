// A server of the rack as its console sees it.

public import Rack

extension ConsoleServer {
  /// `rack`: where the server is; another of its name, in another project, has another file.
  public init(_ server: Server, in rack: Rack) {
    let source: Source? =
      if let path = server.serial { .serial(path: path) } else { server.place.namespace.map { .shell(namespace: $0) } }
    // The oldest of a name has it for its file.
    let isFirst = rack.servers(named: server.hostname).first.map { $0.id == server.id } ?? true
    self.init(
      id: server.id, name: server.hostname,
      log: isFirst ? server.hostname : "\(server.hostname)-\(server.id.short)", source: source,
      isOn: server.isPoweredOn, user: Self.firstUser + UInt32(server.number))
  }

  /// Above those that systemd and containers give out (systemd's UIDS-GIDS), and no system has given to a person.
  private static let firstUser: UInt32 = 0x7000_0000
}
