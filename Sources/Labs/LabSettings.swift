// `--set PATH=VALUE`: a value put into the tree of a file, before it is checked.

import Rack

extension LabSchema {
  /// - Parameters:
  ///   - path: keys with points between them, and numbers from 0 in lists. Names may have points in them themselves:
  ///     the longest that the file has is meant.
  ///   - value: YAML.
  static func set(_ path: String, _ value: String, in root: inout LabNode, _ faults: inout LabFaultList) {
    let option = "\(path)=\(value)"
    let place = LabNode.Place(option: option)
    guard let node = LabYAML.read(value, option: option, &faults) else { return }
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !path.isEmpty, !parts.contains("") else {
      return faults.add(at: place, "the path has an empty part; valid is a path as defaults.plan or servers.web1.mode")
    }
    do throws(Astray) {
      root = try placed(node, in: root, .map(LabSchema.root), parts[...], "a lab file", place)
    } catch {
      faults.add(at: place, error.message, nearest: error.nearest)
    }
  }

  /// A path that leads nowhere.
  private struct Astray: Error {
    var message: String
    var nearest: String?

    init(_ message: String, nearest: String? = nil) { (self.message, self.nearest) = (message, nearest) }

    init(_ part: String, in name: String, _ valid: [String]) {
      nearest = LabNearest.of(part, among: valid)
      message = "there is no \(part.quoted) in \(name); \(labHint(valid, nearest: nearest))"
    }
  }

  /// `node` with `value` at `path` in it.
  private static func placed(
    _ value: LabNode, in node: LabNode, _ shape: LabShape, _ path: ArraySlice<String>, _ name: String,
    _ place: LabNode.Place
  ) throws(Astray) -> LabNode {
    guard let part = path.first else { return value }
    switch shape {
    case .word: throw Astray("\(name) has no keys, and the path goes on with \(part.quoted)")
    case .list(let item, _):
      var items = node.items ?? []
      guard let index = Int(part), items.indices.contains(index) else {
        throw Astray("\(name) has \(items.count) values, and no \(part.quoted); valid are numbers from 0")
      }
      items[index] = try placed(value, in: items[index], item, path.dropFirst(), "\(name).\(part)", place)
      return LabNode(node.place, .list(items))
    case .map(let keys, _):
      guard let key = keys.first(where: { $0.name == part }) else { throw Astray(part, in: name, keys.map(\.name)) }
      return try placed(value, in: node, under: part, key.shape, path.dropFirst(), place)
    case .named(let word, let inner):
      let names = node.entries?.map(\.key) ?? []
      let length = (1...path.count).last { names.contains(path.prefix($0).joined(separator: ".")) }
      if let length {
        let name = path.prefix(length).joined(separator: ".")
        return try placed(value, in: node, under: name, inner, path.dropFirst(length), place)
      }
      let member = word == .serverKey ? (1...path.count).last { isMember(path.prefix($0), of: names) } : nil
      guard let member else { throw Astray(part, in: name, names) }
      let name = path.prefix(member).joined(separator: ".")
      return try placed(value, in: node, under: name, inner, path.dropFirst(member), place)
    case .either(let list, let map):
      if Int(part) != nil { return try placed(value, in: node, list, path, name, place) }
      // A list alone is the networks.
      let whole = LabNode.Entry(key: map[0].name, place: node.place, value: node)
      let node = node.items == nil ? node : LabNode(node.place, .map([whole]))
      return try placed(value, in: node, .map(map), path, name, place)
    }
  }

  /// Whether a range of `names` has that server.
  private static func isMember(_ parts: ArraySlice<String>, of names: [String]) -> Bool {
    let name = parts.joined(separator: ".")
    return names.contains { LabRange.fault(of: $0) == nil && LabRange($0).contains(name) }
  }

  private static func placed(
    _ value: LabNode, in node: LabNode, under key: String, _ shape: LabShape, _ path: ArraySlice<String>,
    _ place: LabNode.Place
  ) throws(Astray) -> LabNode {
    guard node.entries != nil || node.isNull else {
      throw Astray("the path leads through \(node.words), and \(key.quoted) is not in it")
    }
    var entries = node.entries ?? []
    let index = entries.firstIndex { $0.key == key }
    let old = index.map { entries[$0].value } ?? LabNode(place, .scalar("", isPlain: true))
    let new = LabNode.Entry(
      key: key, place: path.isEmpty ? place : index.map { entries[$0].place } ?? place,
      value: try placed(value, in: old, shape, path, key, place))
    if let index { entries[index] = new } else { entries.append(new) }
    return LabNode(entries.isEmpty || node.entries == nil ? place : node.place, .map(entries))
  }
}
