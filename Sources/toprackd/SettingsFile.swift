// Where settings come from: the command line before the file before the defaults.

import Configuration
import Control
import Foundation
import Rack
import Synchronization

enum SettingsFile {
  static let defaultPath = "/etc/toprack/toprackd.yaml"

  /// Reads the file at `path`, or the default one when that is `nil`, which may be absent. `given`: settings of the
  /// command line, by name.
  static func settings(path: String?, given: [String: String]) async throws(SettingsFault) -> Settings {
    let file = try await read(path ?? defaultPath, isOptional: path == nil)
    // A reader wants a provider, also where there is no file.
    let reader = ConfigReader(providers: file.providers + [InMemoryProvider(values: [:])])
    var settings = Settings()
    // The catalogue comes first: it says which facilities can have settings.
    let names = file.names + given.keys.sorted().filter { !file.names.contains($0) }
    for name in names.filter({ $0 == "catalogue" }) + names.filter({ $0 != "catalogue" }) {
      let origin = given[name] == nil ? "\(file.path): \(name)" : "--\(name)"
      do throws(SettingsFault) {
        let text = if let text = given[name] { text } else { try value(of: name, in: reader) }
        try settings.set(name, to: text)
        if name == "catalogue", let path = settings.catalogue { Catalogue.use(try CatalogueFile.contents(path)) }
      } catch {
        throw SettingsFault("\(origin) \(error.message)")
      }
    }
    if let conflict = settings.conflict {
      throw SettingsFault("\(file.path): \(conflict)")
    }
    return settings
  }

  /// Settings that can have several values, as a list or in one line with commas.
  private static let lists: Set = ["dns", "listen"]

  private static func value(of name: String, in reader: ConfigReader) throws(SettingsFault) -> String {
    guard Settings.names.contains(name) || name.hasPrefix(Settings.poolPrefix) else { return "" }
    do {
      if lists.contains(name), let list = reader.stringArray(forKey: ConfigKey([name])) {
        return list.joined(separator: ",")
      }
      return try reader.requiredString(forKey: ConfigKey([name]))
    } catch {
      throw SettingsFault("must be a single value")
    }
  }

  private struct File {
    let path: String
    var providers: [any ConfigProvider] = []
    /// Every name in the file, known or not.
    var names: [String] = []
  }

  private static func read(_ path: String, isOptional: Bool) async throws(SettingsFault) -> File {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if isOptional, errno == ENOENT { return File(path: path) }
      throw SettingsFault("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    guard let data = try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).readToEnd() ?? Data() else {
      throw SettingsFault("\(path) cannot be read: it is not a file")
    }
    // The parser takes a file without content for a fault.
    let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
    let hasContent = lines.contains { line in
      let text = line.trimmingCharacters(in: .whitespaces)
      return !text.isEmpty && !text.hasPrefix("#") && text != "---"
    }
    guard hasContent else { return File(path: path) }

    // A provider answers for names that it is asked for and cannot list those that it has, but it asks this closure
    // about each of them. That is how a misspelt setting is found.
    let names = Mutex<[String]>([])
    let listing = SecretsSpecifier<String, Void>.dynamic { name, _ in
      names.withLock { $0.append(name) }
      return false
    }
    do {
      let location = InMemoryProvider(values: ["filePath": ConfigValue(.string(path), isSecret: false)])
      let provider = try await FileProvider<YAMLSnapshot>(
        parsingOptions: .init(secretsSpecifier: listing), config: ConfigReader(provider: location))
      return File(path: path, providers: [provider], names: names.withLock(\.self))
    } catch {
      let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      throw SettingsFault("\(path) is not readable as YAML with one setting a line: \(reason)")
    }
  }
}
