// What servers are called on a command line: by hostname; where several have it, by PROJECT/HOSTNAME; and where even
// that means several, or is no plain word, by UUID.

struct ServerNames {
  private let devices: [Device]
  private let names: [String]

  init(_ devices: [Device]) {
    func counts(_ name: (Device) -> String) -> [String: Int] {
      devices.reduce(into: [:]) { $0[name($1).lowercased(), default: 0] += 1 }
    }
    let hostnames = counts(\.hostname)
    let paths = counts(Self.path)
    self.devices = devices
    names = devices.map { device in
      if hostnames[device.hostname.lowercased()] == 1 { return device.hostname }
      let path = Self.path(device)
      return paths[path.lowercased()] == 1 && ShellWords.isPlain(path) ? path : device.id
    }
  }

  /// One of each server.
  var all: [String] { names }

  /// The one that `word` means; `nil`: none, or several.
  func device(_ word: String) -> Device? {
    let text = word.lowercased()
    let found = devices.filter {
      $0.id == text || $0.hostname.lowercased() == text || Self.path($0).lowercased() == text
    }
    return found.count == 1 ? found[0] : nil
  }

  private static func path(_ device: Device) -> String { "\(device.project.name)/\(device.hostname)" }
}

/// Rows of a table that name servers: each by its hostname, and where rows of another server have it too, by
/// PROJECT/HOSTNAME.
struct ServerLabels {
  private let bearers: [String: Set<String>]

  /// `servers`: hostname and UUID of each row that has one.
  init(_ servers: some Sequence<(hostname: String, id: String)>) {
    bearers = servers.reduce(into: [:]) { $0[$1.hostname, default: []].insert($1.id) }
  }

  func label(_ hostname: String, _ project: String?) -> String {
    guard let project, bearers[hostname, default: []].count > 1 else { return hostname }
    return "\(project)/\(hostname)"
  }
}
