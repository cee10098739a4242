// A command line that is being typed, as a shell hands it to a completion.

enum ShellWords {
  /// The options of the line that say where the daemon is, as arguments.
  static func connection(in line: [String]) -> [String] {
    var arguments: [String] = []
    for (index, word) in line.enumerated() {
      let (name, value) = word.firstIndex(of: "=").map { (String(word[..<$0]), true) } ?? (word, false)
      switch name {
      case "--insecure": arguments.append(name)
      case "--socket", "--url", "--token", "--ca-cert":
        if value { arguments.append(word) } else if index + 1 < line.count { arguments += [word, line[index + 1]] }
      default: break
      }
    }
    return arguments
  }

  /// Whether every shell takes `word` for itself: letters, digits and `-._:@/+,`, and no option. A completion offers
  /// nothing else. Names are chosen by others, and bash expands what it is offered: it would run a command in a name.
  static func isPlain(_ word: String) -> Bool {
    !word.isEmpty && !word.hasPrefix("-")
      && word.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", ":", "@", "/", "+", ",": true
        default: scalar.properties.isAlphabetic && !scalar.isASCII
        }
      }
  }

  /// A word as the shell would hand it to the command: without the quotes and backslashes around what has none inside.
  static func unquoted(_ word: String) -> String {
    var text = ""
    var quote: Character?
    var isEscaped = false
    for character in word {
      if isEscaped {
        text.append(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if character == quote {
        quote = nil
      } else if quote == nil, character == "'" || character == "\"" {
        quote = character
      } else {
        text.append(character)
      }
    }
    return text
  }
}
