// The setting `catalogue`: a YAML file with the facilities, metros, plans and operating systems that there are instead
// of the built-in ones, list by list.

import Foundation
import Rack
import Yams

enum CatalogueFile {
  /// Throws one line that names the file, the place in it and what is wrong.
  static func contents(_ path: String) throws(SettingsFault) -> CatalogueContents {
    let text: String
    do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
      throw SettingsFault("\(path) cannot be read: it is not there, not readable, or no text")
    }
    let contents: CatalogueContents
    do {
      contents = try YAMLDecoder().decode(CatalogueContents.self, from: text)
    } catch let error as DecodingError {
      throw SettingsFault("\(path): \(words(error))")
    } catch {
      let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      throw SettingsFault("\(path) is not readable as YAML: \(reason)")
    }
    let faults = contents.faults
    guard faults.isEmpty else { throw SettingsFault("\(path): \(faults.joined(separator: "; "))") }
    return contents
  }

  /// `plans[2].layer2: …`
  private static func words(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String {
      var text = ""
      for key in path {
        text += key.intValue.map { "[\($0)]" } ?? (text.isEmpty ? "" : ".") + key.stringValue
      }
      return text.isEmpty ? "the file" : text
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(place(context.codingPath)) has no \(key.stringValue)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      let reason = context.debugDescription
      let cause = context.underlyingError.map { ": \($0)" } ?? ""
      let line = "\(reason)\(cause)".split(whereSeparator: \.isNewline).joined(separator: " ")
      return "\(place(context.codingPath)): \(line)"
    @unknown default: return "\(error)"
    }
  }
}
