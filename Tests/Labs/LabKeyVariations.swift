import Rack

@testable import Labs

/// Another value for each key of a file, one key at a time, made from the table that the reader goes by: a key that is
/// new in the table is varied as well.
struct LabKeyVariations {
  /// One change of a file.
  struct Variation {
    /// `servers.web1.mtu`
    var path: [String]
    /// As the table has it, without names and numbers: `servers.*.mtu`.
    var pattern: String
    /// As YAML; nil: the key is taken out.
    var value: String?

    var text: String { path.joined(separator: ".") + (value.map { "=\($0)" } ?? " taken out") }
  }

  let file: LabFile
  private(set) var all: [Variation] = []

  init(_ root: LabNode, _ file: LabFile) {
    self.file = file
    visit(root, .map(LabSchema.root), [], "")
  }

  /// All keys that the table has, as patterns; those only that have a value of their own.
  static var patterns: Set<String> {
    var found: Set<String> = []
    func visit(_ shape: LabShape, _ pattern: String) {
      switch shape {
      case .word: found.insert(pattern)
      case .list(let item, _): if case .map = item { visit(item, pattern + ".*") } else { found.insert(pattern) }
      case .map(let keys, _): for key in keys { visit(key.shape, join(pattern, key.name)) }
      case .named(_, let inner): visit(inner, pattern + ".*")
      case .either(_, let map): for key in map { visit(key.shape, join(pattern, key.name)) }
      }
    }
    visit(.map(LabSchema.root), "")
    return found
  }

  private static func join(_ pattern: String, _ key: String) -> String { pattern.isEmpty ? key : "\(pattern).\(key)" }

  private mutating func add(_ path: [String], _ pattern: String, _ values: [String?]) {
    all += values.map { Variation(path: path, pattern: pattern, value: $0) }
  }

  private mutating func visit(_ node: LabNode?, _ shape: LabShape, _ path: [String], _ pattern: String) {
    switch shape {
    case .word(let word):
      add(path, pattern, values(of: word).map(Optional.some) + (node == nil ? [] : [nil]))
    case .list(.map(let keys, _), _):
      // What is in a list has no name: each question in the place of the first.
      guard let first = node?.items?.first else { return }
      for question in LabSchema.questions {
        for key in keys where !question.contains(key.name) {
          guard case .word(let word) = key.shape, let value = values(of: word).last else { continue }
          let entries = question.map { name in
            let key = keys.first { $0.name == name }
            guard case .word(let word)? = key?.shape else { return name }
            return "\(name): \(values(of: word).first ?? "")"
          }
          let text = "{" + (entries + ["\(key.name): \(value)"]).joined(separator: ", ") + "}"
          for name in question + [key.name] { add(path + ["0"], pattern + ".*." + name, [text]) }
        }
      }
      visit(first, .map(keys), path + ["0"], pattern + ".*")
    case .list(let item, _):
      guard case .word(let word) = item else { return }
      let words = values(of: word)
      add(path, pattern, ["[]", "[\(words.first ?? "")]", "[\(words.joined(separator: ", "))]"])
      if node != nil { add(path, pattern, [nil]) }
    case .map(let keys, _):
      for key in keys { visit(node?[key.name], key.shape, path + [key.name], Self.join(pattern, key.name)) }
    case .named(_, let inner):
      for entry in node?.entries ?? [] {
        visit(entry.value, inner, path + [entry.key], pattern + ".*")
        // One of a range for itself.
        let range = LabRange(entry.key)
        guard range.numbers != nil, let last = Array(range.names).last else { continue }
        visit(entry.value, inner, path + [last], pattern + ".*")
      }
    case .either(let list, let map):
      visit(node?.items == nil ? nil : node, list, path, Self.join(pattern, map[0].name))
      for key in map {
        visit(node?[key.name], key.shape, path + [key.name], Self.join(pattern, key.name))
      }
    }
  }

  /// Some that are right by themselves.
  private func values(of word: LabWord) -> [String] {
    switch word {
    case .boolean: ["true", "false"]
    case .integer(let range): ["\(range.lowerBound)", "\((range.lowerBound + range.upperBound) / 2)"]
    case .oneOf(let words): words.map { "\"\($0)\"" }
    case .lab: ["other"]
    case .project: ["default", "another"]
    case .label: file.networks.map(\.name)
    case .serverKey, .server, .servers: [file.servers.first, file.servers.last].compactMap { $0?.name }
    case .mode: NetworkMode.settable.map(\.rawValue)
    case .place: ["host", "netns", "\"netns:elsewhere\"", "vm"]
    case .facility: ["sjc1", "ewr1", "ny5", "ams1"]
    case .metro: ["ny", "sv", "am"]
    case .plan: ["c3.small.x86", "c3.medium.x86", "m3.small.x86", "t1.small.x86"]
    case .operatingSystem: ["debian_11", "debian_12", "ubuntu_24_04"]
    case .interface: ["lan7"]
    case .description: ["another line"]
    case .tag: ["one", "two"]
    case .userdata: ["\"#!/bin/sh\""]
    case .path: ["/image"]
    case .commandLine: ["quiet"]
    case .memory: ["256M", "2G"]
    case .duration: ["7s"]
    case .address: ["192.0.2.7"]
    case .endpoint: ["\"192.0.2.7:80\""]
    case .percentage: ["2.5%", "100%"]
    case .delay: ["20ms"]
    case .queue: ["10ms"]
    case .rate: ["100mbit"]
    case .url: ["\"http://192.0.2.7/\""]
    }
  }
}

extension LabNode {
  /// Without the key at `path`; nil: there is none.
  func without(_ path: ArraySlice<String>) -> LabNode? {
    guard let key = path.first, let entries, let index = entries.firstIndex(where: { $0.key == key }) else {
      return nil
    }
    var changed = entries
    if path.count == 1 {
      changed.remove(at: index)
    } else {
      guard let inner = entries[index].value.without(path.dropFirst()) else { return nil }
      changed[index].value = inner
    }
    return LabNode(place, .map(changed))
  }
}
