// Consoles, which the original service does not show.

import Consoles
import Rack

extension Renderer {
  /// `status`: `nil` where nobody has come yet.
  func console(of server: Server, _ source: ConsoleServer.Source, _ status: ConsoleStatus?) -> JSON {
    func watcher(_ watcher: ConsoleStatus.Watcher) -> JSON {
      [
        "name": .string(watcher.name), "from": .string(watcher.from), "keyboard": .boolean(watcher.hasKeyboard),
        "since": time(watcher.since),
      ]
    }
    return [
      "server": .string(server.hostname), "server_id": server.id.json,
      "project": projectName(of: server.id), "source": .string(source.words),
      "writer": JSON(status?.writer?.name), "watchers": .array((status?.watchers ?? []).map(watcher)),
      "since": status?.since.map(time) ?? nil,
    ]
  }
}

extension ConsoleServer.Source {
  /// `namespace web1`, `serial /run/vm.sock`.
  var words: String {
    switch self {
    case .shell(let namespace): "namespace \(namespace)"
    case .serial(let path): "serial \(path)"
    }
  }
}
