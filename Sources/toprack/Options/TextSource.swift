// Texts that are too long for a command line: out of a file, or from standard input.

import ArgumentParser
import Foundation

enum TextSource {
  /// What is in the file at `path`; `-` is standard input.
  static func read(_ path: String) throws -> String {
    let data: Data
    do {
      data =
        path == "-"
        ? try FileHandle.standardInput.readToEnd() ?? Data() : try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw ValidationError("\(path == "-" ? "standard input" : path) cannot be read: \(reason(error))")
    }
    guard let text = String(bytes: data, encoding: .utf8) else {
      throw ValidationError("\(path == "-" ? "standard input" : path) is not text in UTF-8")
    }
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
      throw ValidationError("\(option) takes a JSON object, as '{\"rack\": 7}', or @FILE with one in it")
    }
    return object
  }

  private static func reason(_ error: any Error) -> String {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    let number = cause.flatMap { $0.domain == NSPOSIXErrorDomain ? Int32($0.code) : nil }
    return number.map { String(cString: strerror($0)) } ?? error.localizedDescription
  }
}
