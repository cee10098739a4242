// Files of the daemon's machine, which this program may name from its own directory.

import ArgumentParser
import Foundation

enum HostPath {
  /// `path` from the root, as the daemon needs it. By a URL the daemon may be on another machine, where this program's
  /// directory means nothing.
  static func absolute(_ path: String, of option: String, for client: Client) throws -> String {
    guard !path.isEmpty else { throw Failure.usage("\(option) is empty; valid is a path") }
    guard !path.hasPrefix("/") else { return path }
    guard case .socket = client.endpoint else {
      throw Failure.usage("\(option) '\(path)' is a file on the daemon's machine: give its path from / on")
    }
    return URL(fileURLWithPath: path).standardizedFileURL.path
  }
}
