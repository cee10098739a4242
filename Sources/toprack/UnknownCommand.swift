// A word where a command's name should be, and is none: what the user may have meant.
//
// The parser takes it for an argument too many, and says only that. So the line is looked at before it is parsed: the
// words that are neither options nor their values are followed down the tree of commands, for as long as there is a
// choice of commands.

import ArgumentParser

struct UnknownCommand {
  /// The word.
  let word: String
  /// The command before it, as it is typed: `toprack server`.
  let parent: String
  /// What can stand there.
  let valid: [String]
  /// What is near to the word, the nearest first; whole commands, `toprack port attach`, where they are elsewhere.
  let near: [String]

  /// What others call our groups.
  private static let synonyms = [
    "vlan": "network", "vlans": "network", "device": "server", "devices": "server", "machine": "server",
    "machines": "server", "vms": "vm", "qemu": "vm", "node": "server", "address": "ip", "addresses": "ip",
    "bond": "lacp", "mac": "fdb", "arp": "neighbour", "nic": "port", "interface": "port", "log": "events",
    "logs": "events", "tenant": "project",
  ]

  /// Options that have a value and stand before a command's name: those of every command.
  private static let withValue: Set = ["--socket", "--url", "--token", "--ca-cert"]

  /// `nil`: all words that have to be commands are some, or there are too few, which is the parser's to say.
  init?(in arguments: [String], of root: any ParsableCommand.Type = Toprack.self) {
    guard arguments.first?.hasPrefix("---completion") != true else { return nil }
    var words = Self.words(arguments)
    // `toprack help server create` names commands as well.
    let isHelp = words.first == "help"
    if isHelp { words.removeFirst() }
    var (command, path) = (root, [root.name])
    for word in words where !command.configuration.subcommands.isEmpty {
      guard let next = command.configuration.subcommands.first(where: { $0.names.contains(word) }) else {
        // An argument of the command that is meant when none is named.
        if command.configuration.defaultSubcommand != nil { return nil }
        self.init(word, in: command, path, root)
        return
      }
      command = next
      path.append(next.name)
    }
    return nil
  }

  private init(
    _ word: String, in command: any ParsableCommand.Type, _ path: [String], _ root: any ParsableCommand.Type
  ) {
    self.word = word
    parent = path.joined(separator: " ")
    let here = command.configuration.subcommands
    valid = here.map { $0.name }
    let siblings = Nearest.of(word, among: here.map { (name: $0.name, words: $0.names) })
    if path.count == 1, let meant = Self.synonyms[word.lowercased()] {
      near = [meant]
    } else {
      near = siblings.isEmpty && path.count == 1 ? Self.commands(called: word, of: root) : siblings
    }
  }

  /// `toprack attach` without the group: the first commands of groups that are called so.
  private static func commands(called word: String, of root: any ParsableCommand.Type) -> [String] {
    var commands: [String] = []
    for group in root.configuration.subcommands {
      for command in group.configuration.subcommands where command.names.contains(word.lowercased()) {
        commands.append("\(root.name) \(group.name) \(command.name)")
      }
    }
    return Array(commands.prefix(3))
  }

  /// One line.
  var message: String {
    let command = parent == Toprack.name ? "" : " of '\(parent)'"
    let unknown = "unknown command '\(word)'\(command)"
    guard near.isEmpty else { return "\(unknown); did you mean \(near.map { "'\($0)'" }.joined(separator: " or "))?" }
    return "\(unknown); valid are \(valid.joined(separator: ", ")); see '\(parent) --help'"
  }

  /// The words that are no options and no values of options, up to `--`.
  private static func words(_ arguments: [String]) -> [String] {
    var words: [String] = []
    var isValue = false
    for argument in arguments.prefix(while: { $0 != "--" }) {
      if isValue {
        isValue = false
      } else if argument.hasPrefix("-"), argument != "-" {
        isValue = withValue.contains(argument)
      } else {
        words.append(argument)
      }
    }
    return words
  }
}

extension ParsableCommand {
  /// As it is typed.
  fileprivate static var name: String { configuration.commandName ?? _commandName }
  /// With those that stand for it.
  fileprivate static var names: [String] { [name] + configuration.aliases }
}

/// Words that look alike.
enum Nearest {
  /// At most three of `candidates` that `word` may be meant for, by name: all that are equally near, in that they or a
  /// word that stands for them differ from it by few letters, or begin with it.
  static func of(_ word: String, among candidates: [(name: String, words: [String])]) -> [String] {
    let word = word.lowercased()
    guard !word.isEmpty else { return [] }
    let distances = candidates.map { candidate in
      (
        candidate.name,
        distance: candidate.words.map { $0.hasPrefix(word) ? 1 : distance(word, $0) }.min() ?? .max
      )
    }
    let near = distances.filter { $0.distance <= max(1, word.count / 3) }
    guard let least = near.map(\.distance).min() else { return [] }
    return near.filter { $0.distance == least }.prefix(3).map(\.0)
  }

  /// Letters to put in, take away, change or swap with their neighbour that make `one` the `other`.
  static func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one), Array(other))
    var rows = [Array(0...other.count)]
    for row in 1..<(one.count + 1) {
      var line = [row]
      for column in 1..<(other.count + 1) {
        let isSame = one[row - 1] == other[column - 1]
        var least = min(rows[row - 1][column] + 1, line[column - 1] + 1, rows[row - 1][column - 1] + (isSame ? 0 : 1))
        if row > 1, column > 1, one[row - 1] == other[column - 2], one[row - 2] == other[column - 1] {
          least = min(least, rows[row - 2][column - 2] + 1)
        }
        line.append(least)
      }
      rows.append(line)
    }
    return rows[one.count][other.count]
  }
}
