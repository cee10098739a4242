import Rack
import Yams

/// Reads YAML, and so JSON, into a tree.
///
/// ## How it works
/// Yams reads one document into nodes with marks; here they become a `LabNode`. Three things that Yams would do are done
/// here, so that a hostile text costs no more than its length and a wrong one is told as a whole:
///
/// - **Aliases.** Yams hashes the keys of each map, with all that aliases put into them: nine short lines are a billion
///   pieces. So it sees no alias: each `*` is another character while it reads, and a plain word that begins with it is
///   looked up here, where `size` and `height` are known before anything is copied.
/// - **Keys that stand twice.** Yams stops at the first. The character that the key begins with is exchanged for one
///   that the text has not, and the text is read again; nothing moves. After a few the rest is told in one sentence.
/// - **Merge keys** (`<<`): own keys count before merged ones.
///
/// ## Limits
/// Those below; and what Yams reads is 1000 levels deep at most, which is libyaml's own limit.
struct LabYAML {
  /// Bytes of a file.
  static let textLimit = 1 << 20
  /// Pieces after aliases are followed.
  static let sizeLimit = 100_000
  static let depthLimit = 64
  /// How often a text with keys that stand twice is read again, and how many bytes that may be together.
  private static let readings = 16
  private static let rereadLimit = 2 << 20

  private var scalars: [Unicode.Scalar]
  private let option: String?
  /// Where lines begin in `scalars`.
  private var lines = [0]
  /// Of lines that have more than ASCII: the column of each scalar, which may be a part of a character.
  private var wideLines: [Int: [Int]] = [:]
  /// Stands for `*`; those behind it begin keys that stand twice.
  private var marker: UInt32 = 0
  private var exchanged: [Unicode.Scalar] = []
  private var anchors: [String: LabNode] = [:]
  private var size = 0
  private var isTooLarge = false

  /// The tree of `text`; `nil` when there is none, and then a fault says why. Faults do not always mean that there is
  /// no tree.
  ///
  /// - Parameter option: the `PATH=VALUE` that the text is from.
  static func read(_ text: String, option: String? = nil, _ faults: inout LabFaultList) -> LabNode? {
    let whole = LabNode.Place(line: option == nil ? 1 : 0, column: option == nil ? 1 : 0, option: option)
    guard text.utf8.count <= textLimit else {
      faults.add(at: whole, "the text has \(text.utf8.count) bytes; valid are up to \(textLimit) (1 MiB)")
      return nil
    }
    var reader = LabYAML(text, option: option)
    guard reader.isReadable(&faults) else { return nil }
    reader.chooseMarker()
    return reader.root(whole, &faults)
  }

  private init(_ text: String, option: String?) {
    self.option = option
    scalars = Array(text.unicodeScalars)
    if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
    if scalars.first(where: { !$0.properties.isWhitespace }) == "{" { joinSurrogates() }
    var isWide = false
    for (index, scalar) in scalars.enumerated() {
      if !scalar.isASCII { isWide = true }
      guard scalar == "\n" || scalar == "\r" && !(index + 1 < scalars.count && scalars[index + 1] == "\n") else {
        continue
      }
      if isWide { countColumns(to: index) }
      isWide = false
      lines.append(index + 1)
    }
    if isWide { countColumns(to: scalars.count) }
  }

  private mutating func countColumns(to end: Int) {
    var columns: [Int] = []
    for (column, character) in String(String.UnicodeScalarView(scalars[lines[lines.count - 1]..<end])).enumerated() {
      columns += repeatElement(column + 1, count: character.unicodeScalars.count)
    }
    wideLines[lines.count - 1] = columns
  }

  /// JSON writes a character beyond U+FFFF as two escapes, `\uD83D\uDE00`, which libyaml does not know; as one they are
  /// `\U0001F600`. Columns behind it in the line are two less.
  private mutating func joinSurrogates() {
    var joined: [Unicode.Scalar] = []
    var index = 0
    while index < scalars.count {
      if let high = unit(at: index), let low = unit(at: index + 6), 0xD800..<0xDC00 ~= high, 0xDC00..<0xE000 ~= low {
        let value = 0x1_0000 + (high - 0xD800) << 10 + (low - 0xDC00)
        joined += "\\U\(String(UInt64(value) + 0x1_0000_0000, radix: 16).dropFirst())".unicodeScalars
        index += 12
      } else {
        let count = scalars[index] == "\\" ? 2 : 1
        joined += scalars[index..<min(index + count, scalars.count)]
        index += count
      }
    }
    scalars = joined
  }

  /// The value of `\uXXXX` at `index`.
  private func unit(at index: Int) -> UInt32? {
    guard index + 6 <= scalars.count, scalars[index] == "\\", scalars[index + 1] == "u" else { return nil }
    return UInt32(String(String.UnicodeScalarView(scalars[index + 2..<index + 6])), radix: 16)
  }

  // MARK: What may be in a text

  /// Characters that YAML does not take, and those that make a text look like what it is not.
  private func isReadable(_ faults: inout LabFaultList) -> Bool {
    var isClean = true
    for (index, scalar) in scalars.enumerated() where isHidden(scalar) && !faults.isFull {
      isClean = false
      let name =
        "U+" + String(scalar.value + 0x100_0000, radix: 16, uppercase: true).suffix(scalar.value > 0xFFFF ? 6 : 4)
      faults.add(
        at: place(at: index),
        "the character \(name) is invisible; valid is an escape of it in double quotes, as \"\\x1B\" or \"\\u202E\"")
    }
    return isClean
  }

  private func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "\n", "\r", "\t": false
    case "\u{FEFF}", "\u{FFFE}", "\u{FFFF}": true
    default: scalar.steersText
    }
  }

  /// 256 characters that are nowhere in the text, nor could be by an escape.
  private mutating func chooseMarker() {
    var used: Set<UInt32> = []
    for scalar in scalars where scalar.value >= 0x10_F000 { used.insert(scalar.value >> 8) }
    var hasEscapes = false
    for (index, scalar) in scalars.enumerated() where scalar == "\\" && index + 1 < scalars.count {
      if scalars[index + 1] == "U" { hasEscapes = true }
    }
    // A text with such escapes is looked through for each number; few have any.
    let text = hasEscapes ? String(String.UnicodeScalarView(scalars)).lowercased() : ""
    for block in UInt32(0x10F0)...0x10FE where !used.contains(block) {
      marker = block << 8
      if !hasEscapes || !text.contains(String(block, radix: 16)) { break }
    }
    for index in scalars.indices where scalars[index] == "*" { scalars[index] = scalar(marker) }
  }

  private func scalar(_ value: UInt32) -> Unicode.Scalar { Unicode.Scalar(value) ?? "\u{FFFD}" }

  /// As it stands in the text.
  private func restored(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value >> 8 == marker >> 8 }) else { return text }
    return text.unicodeScalars.reduce(into: "") { restored, scalar in
      let number = Int(scalar.value) - Int(marker)
      switch number {
      case 0: restored += "*"
      case 1..<exchanged.count + 1: restored.unicodeScalars.append(exchanged[number - 1])
      default: restored.unicodeScalars.append(scalar)
      }
    }
  }

  // MARK: Places

  /// Of a mark of Yams, which counts from 1, and columns in scalars.
  private func place(_ mark: Mark?) -> LabNode.Place {
    guard option == nil else { return LabNode.Place(option: option) }
    guard let mark else { return LabNode.Place(line: 1, column: 1) }
    return place(line: min(max(mark.line, 1), lines.count) - 1, column: mark.column)
  }

  /// - Parameters:
  ///   - line: from 0.
  ///   - column: in scalars, from 1.
  private func place(line: Int, column: Int) -> LabNode.Place {
    guard option == nil else { return LabNode.Place(option: option) }
    var column = column
    if let columns = wideLines[line] {
      column = columns.indices.contains(column - 1) ? columns[column - 1] : (columns.last ?? 0) + column - columns.count
    }
    return LabNode.Place(line: line + 1, column: column)
  }

  private func place(at index: Int) -> LabNode.Place {
    let line = lines.lastIndex { $0 <= index } ?? 0
    return place(line: line, column: index - lines[line] + 1)
  }

  /// The index of a mark's character.
  private func index(_ mark: Mark) -> Int? {
    guard lines.indices.contains(mark.line - 1) else { return nil }
    let index = lines[mark.line - 1] + mark.column - 1
    return scalars.indices.contains(index) ? index : nil
  }

  // MARK: Reading

  private mutating func root(_ whole: LabNode.Place, _ faults: inout LabFaultList) -> LabNode? {
    var told: Set<String> = []
    for reading in 1...Self.readings {
      let text = String(String.UnicodeScalarView(scalars))
      do {
        let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
        return try withExtendedLifetime(parser) { parser throws -> LabNode? in
          guard let root = try parser.singleRoot() else {
            if option != nil { return LabNode(whole, .scalar("", isPlain: true)) }
            faults.add(at: whole, "the file is empty; it begins with lab: and a name")
            return nil
          }
          return node(root, depth: 1, &faults)
        }
      } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
        let isEnough =
          reading >= Self.readings || keys.count > Self.readings || reading * text.utf8.count > Self.rereadLimit
        guard !isEnough, told.insert(context.mark.description).inserted, exchange(keyAt: context.mark) else {
          let names = keys.sorted().prefix(3).map { restored($0).quoted }.joined(separator: ", ")
          let others = keys.count > 3 ? " and \(keys.count - 3) more" : ""
          let words = keys.count > 1 ? "keys \(names)\(others) stand" : "key \(names) stands"
          faults.add(at: place(context.mark), "\(words) here more than once; a key stands once")
          return nil
        }
      } catch let error as YamlError {
        tell(error, whole, &faults)
        return nil
      } catch {
        faults.add(at: whole, "not YAML: \(String(describing: error).visibleInLine)")
        return nil
      }
    }
    return nil
  }

  /// Makes the key at `mark` another one that takes as much room. `false`: there is no character for it.
  private mutating func exchange(keyAt mark: Mark) -> Bool {
    guard var index = index(mark) else { return false }
    let isQuoted = scalars[index] == "\"" || scalars[index] == "'"
    if isQuoted { index += 1 }
    guard index < scalars.count, scalars[index].properties.isAlphabetic || scalars[index].properties.numericType != nil
    else { return false }
    exchanged.append(scalars[index])
    scalars[index] = scalar(marker + UInt32(exchanged.count))
    return true
  }

  private func tell(_ error: YamlError, _ whole: LabNode.Place, _ faults: inout LabFaultList) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      if problem == "but found another document" {
        faults.add(at: place(mark), "a second document begins here; a file has one")
      } else if let index = index(mark), scalars[index] == "\t" {
        faults.add(at: place(mark), "a tab stands here; YAML is indented by spaces")
      } else if let index = index(mark), scalars[index] == "[", index > 0, scalars[index - 1].properties.isAlphabetic {
        faults.add(at: place(mark), "[ begins a list here; inside of { } a range stands in quotes, as \"web[1-3]\"")
      } else {
        let words = context.map { " \($0.text.visibleInLine)" } ?? ""
        faults.add(at: place(mark), "not YAML: \(problem.visibleInLine)\(words)")
      }
    case .reader(let problem, _, _, _): faults.add(at: whole, "not YAML: \(problem.visibleInLine)")
    default: faults.add(at: whole, "not YAML: \("\(error)".visibleInLine)")
    }
  }

  // MARK: From Yams' nodes to ours

  private mutating func node(_ yaml: Node, depth: Int, _ faults: inout LabFaultList) -> LabNode? {
    let place = place(yaml.mark)
    guard !isTooLarge else { return nil }
    guard depth <= Self.depthLimit else {
      isTooLarge = true
      faults.add(
        at: place, "the text is more than \(Self.depthLimit) levels deep here; valid are up to \(Self.depthLimit)")
      return nil
    }
    guard count(1, at: place, &faults) else { return nil }
    var node: LabNode
    switch yaml {
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain
      if isPlain, scalar.string.unicodeScalars.first?.value == marker {
        return alias(String(scalar.string.unicodeScalars.dropFirst()), at: place, depth: depth, &faults)
      }
      node = LabNode(place, .scalar(restored(scalar.string), isPlain: isPlain))
    case .sequence(let sequence):
      node = LabNode(place, .list(sequence.compactMap { self.node($0, depth: depth + 1, &faults) }))
      for item in node.items ?? [] { node.add(item) }
    case .mapping(let mapping):
      node = map(mapping, place, depth: depth, &faults)
    case .alias: return nil
    }
    let isOwn = [Tag.Name.str.rawValue, Tag.Name.seq.rawValue, Tag.Name.map.rawValue].contains(yaml.tag.rawValue)
    if !isOwn { faults.add(at: place, "the tag \(yaml.tag.rawValue.quoted) is not known; a file has no tags") }
    if let anchor = yaml.anchor { anchors[anchor.rawValue] = node }
    return node
  }

  private mutating func count(_ more: Int, at place: LabNode.Place, _ faults: inout LabFaultList) -> Bool {
    size += more
    guard size > Self.sizeLimit else { return true }
    isTooLarge = true
    faults.add(at: place, "the text has more than \(Self.sizeLimit) values here, with those of its aliases; no lab has")
    return false
  }

  private mutating func alias(
    _ name: String, at place: LabNode.Place, depth: Int, _ faults: inout LabFaultList
  ) -> LabNode? {
    guard let node = anchors[restored(name)] else {
      let nearest = LabNearest.of(name, among: anchors.keys.sorted())
      faults.add(
        at: place,
        "the anchor \(restored(name).quoted) is not known; \(labHint(anchors.keys.sorted(), nearest: nearest))",
        nearest: nearest)
      return nil
    }
    guard depth + node.height - 1 <= Self.depthLimit else {
      isTooLarge = true
      faults.add(
        at: place, "the text is more than \(Self.depthLimit) levels deep here; valid are up to \(Self.depthLimit)")
      return nil
    }
    return count(node.size, at: place, &faults) ? node : nil
  }

  private mutating func map(
    _ mapping: Node.Mapping, _ place: LabNode.Place, depth: Int, _ faults: inout LabFaultList
  ) -> LabNode {
    var entries: [LabNode.Entry] = []
    var merged: [LabNode.Entry] = []
    var indexes: [String: Int] = [:]
    for (key, value) in mapping {
      let place = self.place(key.mark)
      guard let scalar = key.scalar, scalar.string.unicodeScalars.first?.value != marker || scalar.style != .plain
      else {
        faults.add(at: place, "a key is a word, and this one is \(key.scalar == nil ? "none" : "an alias")")
        continue
      }
      guard let value = node(value, depth: depth + 1, &faults) else { continue }
      let name = restored(scalar.string)
      if name == "<<", scalar.style == .plain {
        merged += merge(value, at: place, &faults)
      } else if let first = indexes[name] {
        faults.add(at: place, "key \(name.quoted) stands here again; it stands in line \(entries[first].place.line)")
      } else {
        indexes[name] = entries.count
        entries.append(LabNode.Entry(key: name, place: place, value: value))
      }
    }
    for entry in merged where indexes[entry.key] == nil {
      indexes[entry.key] = entries.count
      entries.append(entry)
    }
    var node = LabNode(place, .map(entries))
    for entry in entries { node.add(entry.value) }
    return node
  }

  private func merge(_ value: LabNode, at place: LabNode.Place, _ faults: inout LabFaultList) -> [LabNode.Entry] {
    let maps = value.items ?? [value]
    let entries = maps.compactMap(\.entries)
    if entries.count < maps.count {
      faults.add(
        at: place, "<< takes over the keys of an alias, or of a list of them, and stands before \(value.words)")
    }
    return entries.flatMap(\.self)
  }
}

extension LabNode {
  fileprivate mutating func add(_ child: LabNode) {
    size += child.size
    height = max(height, child.height + 1)
  }
}
