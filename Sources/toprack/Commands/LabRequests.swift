// Requests about labs: a file that is wrong ends with status 2 and a line for each fault, what does not go with the rack
// as it is with 1.

import ArgumentParser
import Foundation
import Labs
import NIOCore
import NIOHTTP1

/// A lab file, read and found to be right by itself.
struct LabSource {
  let name: String
  let text: String
  /// What the file is called in messages.
  let file: String
  let lab: LabFile
  private let directory: String?
  private let settings: [String]
  private let project: String?

  /// Ends the program with status 2 when the file is wrong. `-`: standard input, whose paths are relative to the
  /// current directory.
  init(_ file: String, settings: [String], project: String?, for client: Client, json: Bool) throws {
    self.file = file == "-" ? "standard input" : file
    text = try TextSource.read(file)
    (self.settings, self.project) = (settings, project)
    if case .socket = client.endpoint {
      let folder = file == "-" ? "." : (file as NSString).deletingLastPathComponent
      directory = URL(fileURLWithPath: folder.isEmpty ? "." : folder).standardizedFileURL.path
    } else {
      directory = nil
    }
    let pairs = try settings.map { text in
      guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
        throw Failure.usage("--set '\(text)' must be PATH=VALUE, as in defaults.plan=c3.small.x86")
      }
      return (path: String(text[..<sign]), value: String(text[text.index(after: sign)...]))
    }
    switch LabReader.read(text, baseDirectory: directory, settings: pairs) {
    case .success(let (lab, _)): (name, self.lab) = (lab.name, lab)
    case .failure(let faults):
      throw LabRequests.failure(
        faults.faults.map { LabFaultList.Fault($0) }, file: self.file, json: json)
    }
  }

  /// Path and query of a request with the file as its body.
  func path(_ tail: String = "", adopt: Bool) -> String {
    var query: [(String, String)] = settings.map { ("set", $0) }
    if let directory { query.append(("directory", directory)) }
    if let project { query.append(("project", project)) }
    if adopt { query.append(("adopt", "true")) }
    return LabRequests.path(name, tail, query)
  }
}

enum LabRequests {
  /// A large lab makes thousands of interfaces.
  private static let patience = TimeAmount.minutes(10)

  /// `PROJECT/NAME` or a name alone.
  static func path(named reference: String, _ tail: String = "", _ query: [(String, String)] = []) throws -> String {
    guard !reference.isEmpty, !reference.hasSuffix("/") else { throw Failure.refused("the lab's name is empty") }
    guard let slash = reference.lastIndex(of: "/") else { return path(reference, tail, query) }
    return path(
      String(reference[reference.index(after: slash)...]), tail,
      query + [("project", String(reference[..<slash]))])
  }

  static func path(_ name: String, _ tail: String, _ query: [(String, String)]) -> String {
    let pairs = query.map { "\($0.0)=\(Client.segment($0.1))" }.joined(separator: "&")
    return "/toprack/labs/\(Client.segment(name))\(tail)" + (pairs.isEmpty ? "" : "?" + pairs)
  }

  static func send(
    _ method: HTTPMethod, _ path: String, to client: Client, document: String? = nil, file: String = "",
    ifMatch: Int? = nil, json: Bool
  ) async throws -> Answer {
    let (status, answer) = try await client.exchange(
      method, path, document: document, ifMatch: ifMatch, timeout: patience)
    if !(200..<300).contains(status.code), let list = try? answer.decoded(as: LabFaultList.self) {
      throw failure(list.faults, file: file, json: json)
    }
    try client.check(status, answer)
    return answer
  }

  /// `FILE:LINE:COLUMN: message` each; with `json` an object on standard output.
  static func failure(_ faults: [LabFaultList.Fault], file: String, json: Bool) -> Failure {
    if json {
      let list = faults.map { fault -> [String: Any] in
        [
          "line": fault.line, "column": fault.column, "message": fault.message, "nearest": fault.nearest ?? NSNull(),
        ]
      }
      if let text = try? JSONText.pretty(["errors": list]) { Output.writeUnchanged(text) }
    }
    return Failure(
      kind: .usage,
      messages: faults.map {
        $0.line > 0 ? "\(file):\($0.line):\($0.column): \($0.message)" : "\(file): \($0.message)"
      }, isPlaced: true)
  }

  /// Asks on a terminal; without one, and without --yes, it is refused and nothing has changed.
  static func confirm(_ question: String, yes: Bool) throws {
    guard !yes else { return }
    guard isatty(STDIN_FILENO) == 1 else {
      throw Failure.refused("\(question): nothing is changed without --yes, where no terminal can be asked")
    }
    FileHandle.standardError.write(Data("\(question). Go on? [y/N] ".utf8))
    guard let line = readLine()?.lowercased(), ["y", "yes"].contains(line) else {
      throw Failure.refused("nothing is changed")
    }
  }
}

extension LabFaultList.Fault {
  init(_ fault: LabFault) {
    self.init(line: fault.line, column: fault.column, message: fault.message, nearest: fault.nearest)
  }
}
