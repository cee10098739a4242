/// Rules for the names that users choose.
enum Names {
  static let hostnameLimit = 63
  static let namespaceLimit = 255
  static let descriptionLimit = 255

  /// What is wrong with `name` as a hostname, or `nil`.
  ///
  /// Labels of RFC 1123 2.1 separated by dots, 63 characters together, so that the name also fits an interface's alias
  /// and the file of a namespace.
  static func fault(ofHostname name: String) -> String? {
    let rule =
      "1 to \(hostnameLimit) letters, digits, \"-\" and \".\", no part of it empty or beginning or ending with \"-\""
    guard (1...hostnameLimit).contains(name.utf8.count) else {
      return "hostname \(name.quoted) has \(name.utf8.count) bytes; valid are \(rule)"
    }
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let valid = labels.allSatisfy { label in
      label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-") && !label.isEmpty
        && label.allSatisfy(isLetterDigitOrHyphen)
    }
    return valid ? nil : "hostname \(name.quoted) is not valid; valid are \(rule)"
  }

  /// What is wrong with `name` as the name of a network namespace, or `nil`. It becomes a file name, as with iproute2.
  static func fault(ofNamespace name: String) -> String? {
    let rule = "1 to \(namespaceLimit) bytes without \"/\" and control characters, other than \".\" and \"..\""
    guard (1...namespaceLimit).contains(name.utf8.count) else {
      return "network namespace \(name.quoted) has \(name.utf8.count) bytes; valid are \(rule)"
    }
    let valid = name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/")) && !hasControls(name)
    return valid ? nil : "network namespace \(name.quoted) is not valid; valid are \(rule)"
  }

  /// What is wrong with `text` as a description, or `nil`.
  static func fault(ofDescription text: String) -> String? {
    guard text.unicodeScalars.count > descriptionLimit || hasControls(text) else { return nil }
    return
      "description \(text.quoted) is not valid; valid are up to \(descriptionLimit) characters without controls"
  }

  private static func isLetterDigitOrHyphen(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private static func hasControls(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }
  }
}
