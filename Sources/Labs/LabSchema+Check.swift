// Checks a tree by the table.

import Rack

extension LabSchema {
  /// `node` without what is wrong in it; faults say what that is.
  static func checked(_ node: LabNode, _ faults: inout LabFaultList) -> LabNode {
    guard node.entries != nil else {
      faults.add(
        at: node.place, "a file is made of keys with values, and this is \(node.words); it begins with lab: and a name")
      return LabNode(node.place, .map([]))
    }
    return checked(node, root, "a lab file", &faults)
  }

  /// - Parameter name: the last key, for messages.
  private static func checked(_ node: LabNode, _ shape: LabShape, _ name: String, _ faults: inout LabFaultList)
    -> LabNode?
  {
    switch shape {
    case .word(let word):
      guard let fault = word.fault(of: node, key: name) else { return node }
      faults.add(at: node.place, fault.message, nearest: fault.nearest)
      return nil
    case .list(let item, let limit):
      if case .map = item, node.isNull { return LabNode(node.place, .list([])) }
      guard let items = node.items else {
        faults.add(at: node.place, "\(name) is \(node.words); valid is a list, as [a, b]")
        return nil
      }
      if items.count > limit {
        faults.add(at: items[limit].place, "\(name) has \(items.count) values; valid are up to \(limit)")
      }
      let word = name.hasSuffix("s") ? String(name.dropLast()) : name
      return LabNode(node.place, .list(items.prefix(limit).compactMap { checked($0, item, word, &faults) }))
    case .map(let keys, let oneOf):
      guard node.entries != nil || node.isNull else {
        let valid = keys.map(\.name).listed()
        faults.add(at: node.place, "\(name) is \(node.words); valid are the keys \(valid)")
        return nil
      }
      let valid = checked(node, keys, name, &faults)
      // Of what is wrong nobody can say whether it is one of several.
      return oneOf.isEmpty || valid.entries?.count == node.entries?.count ? valid : nil
    case .named(let word, let value):
      guard node.entries != nil || node.isNull else {
        faults.add(at: node.place, "\(name) is \(node.words); valid are names with their keys, as NAME: {…}")
        return nil
      }
      return named(node, word, value, &faults)
    case .either(let list, let map):
      guard node.items == nil else { return checked(node, list, "networks", &faults) }
      guard node.entries != nil else {
        faults.add(at: node.place, "\(name) is \(node.words); valid is a list of networks, or networks and native")
        return nil
      }
      return checked(node, map, name, &faults)
    }
  }

  private static func checked(
    _ node: LabNode, _ keys: [LabKey], _ name: String, _ faults: inout LabFaultList
  ) -> LabNode {
    var entries: [LabNode.Entry] = []
    for entry in node.entries ?? [] where !faults.isFull {
      guard let key = keys.first(where: { $0.name == entry.key }) else {
        let nearest = LabNearest.of(entry.key, among: keys.map(\.name))
        faults.add(
          at: entry.place, "unknown key \(entry.key.quoted) in \(name); \(labHint(keys.map(\.name), nearest: nearest))",
          nearest: nearest)
        continue
      }
      guard let value = checked(entry.value, key.shape, key.name, &faults) else { continue }
      entries.append(LabNode.Entry(key: entry.key, place: entry.place, value: value))
    }
    for key in keys where key.isRequired && node[key.name] == nil {
      faults.add(at: node.place, "\(name) has no key \(key.name), which it needs: \(key.shape.rule)")
    }
    return LabNode(node.place, .map(entries))
  }

  private static func named(
    _ node: LabNode, _ word: LabWord, _ value: LabShape, _ faults: inout LabFaultList
  ) -> LabNode {
    var entries: [LabNode.Entry] = []
    for entry in node.entries ?? [] where !faults.isFull {
      let key = LabNode(entry.place, .scalar(entry.key, isPlain: false))
      if let fault = word.fault(of: key, key: "name") {
        faults.add(at: entry.place, fault.message, nearest: fault.nearest)
      }
      let isValid = word.fault(of: key, key: "name") == nil
      let checked = checked(entry.value, value, word.kind(entry.key), &faults)
      if isValid, let checked { entries.append(LabNode.Entry(key: entry.key, place: entry.place, value: checked)) }
    }
    return LabNode(node.place, .map(entries))
  }
}

extension LabWord {
  /// `network web`, of one of which this is the key.
  fileprivate func kind(_ name: String) -> String {
    if case .label(let what) = self { return "\(what) \(name.quoted)" }
    return "server \(name.quoted)"
  }
}

extension LabShape {
  /// What would be valid.
  fileprivate var rule: String {
    switch self {
    case .word(let word): word.rule
    case .list, .either: "a list, as [a, b]"
    case .map(let keys, _): keys.map(\.name).listed()
    case .named: "names with their keys"
    }
  }
}
