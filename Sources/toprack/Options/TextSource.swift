// Texts that are too long for a command line: out of a file, or from standard input.

import Foundation

enum TextSource {
  /// What is in the file at `path`; `-` is standard input.
  /// `limit`: of its bytes; more are not read.
  static func read(_ path: String, limit: Int = 64 << 20) throws -> String {
    let name = path == "-" ? "standard input" : path
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(name) }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: path != "-")
    var data = Data()
    do {
      while data.count <= limit, let piece = try file.read(upToCount: 1 << 16), !piece.isEmpty { data += piece }
    } catch {
      throw unreadable(name)
    }
    guard data.count <= limit else { throw Failure.refused("\(name) is too long; valid are up to \(limit) bytes") }
    guard let text = String(bytes: data, encoding: .utf8) else { throw Failure.refused("\(name) is not text in UTF-8") }
    return text
  }

  /// `argument` itself, or the file that `@FILE` names (`@-`: standard input).
  static func argument(_ argument: String) throws -> String {
    argument.hasPrefix("@") ? try read(String(argument.dropFirst())) : argument
  }

  /// The JSON object that `argument`, or its file, is.
  static func object(_ argument: String, _ option: String) throws -> [String: Any] {
    let text = try self.argument(argument)
    guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      throw Failure.usage("\(option) takes a JSON object, as '{\"rack\": 7}', or @FILE with one in it")
    }
    return object
  }

  private static func unreadable(_ name: String) -> Failure {
    Failure.refused("\(name) cannot be read: \(String(cString: strerror(errno)))")
  }
}
