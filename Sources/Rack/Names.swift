/// Rules for the names that users choose.
package enum Names {
  package static let hostnameLimit = 63
  package static let namespaceLimit = 255
  package static let descriptionLimit = 255

  /// What is wrong with `name` as a hostname, or `nil`.
  ///
  /// Labels of RFC 1123 2.1 separated by dots, 63 characters together, so that the name also fits an interface's alias
  /// and the file of a namespace.
  package static func fault(ofHostname name: String) -> String? {
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
  package static func fault(ofNamespace name: String) -> String? {
    let rule = "1 to \(namespaceLimit) bytes without \"/\" and control characters, other than \".\" and \"..\""
    guard (1...namespaceLimit).contains(name.utf8.count) else {
      return "network namespace \(name.quoted) has \(name.utf8.count) bytes; valid are \(rule)"
    }
    let valid = name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/")) && !hasControls(name)
    return valid ? nil : "network namespace \(name.quoted) is not valid; valid are \(rule)"
  }

  /// What is wrong with `text` as a description, or `nil`.
  package static func fault(ofDescription text: String) -> String? {
    guard text.unicodeScalars.count > descriptionLimit || hasControls(text) else { return nil }
    return
      "description \(text.quoted) is not valid; valid are up to \(descriptionLimit) characters without controls"
  }

  package static let tagLimit = 80
  package static let tagCountLimit = 128
  package static let textLimit = 64 << 10
  package static let nameLimit = 80

  /// What is wrong with a list of tags, or `nil`.
  package static func fault(ofTags tags: [String]) -> String? {
    let rule = "up to \(tagCountLimit) tags of 1 to \(tagLimit) characters without controls"
    guard tags.count <= tagCountLimit else { return "there are \(tags.count) tags; valid are \(rule)" }
    let bad = tags.first { !(1...tagLimit).contains($0.unicodeScalars.count) || hasControls($0) }
    return bad.map { "tag \($0.quoted) is not valid; valid are \(rule)" }
  }

  static let labLimit = 32

  /// What is wrong with `name` as the name of a lab, or `nil`.
  package static func fault(ofLab name: String) -> String? {
    let isValid =
      (1...labLimit).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
      }
    return isValid ? nil : "lab \(name.quoted) is not valid; valid are 1 to \(labLimit) of a-z, 0-9 and \"-\""
  }

  /// What is wrong with `label` as what people call an SSH key, or `nil`.
  static func fault(ofLabel label: String) -> String? {
    guard fault(ofName: label, "key") != nil else { return nil }
    return "label \(label.quoted) is not valid; valid are 1 to \(nameLimit) characters without controls"
  }

  /// What is wrong with `name` as the name of a `what`, or `nil`.
  package static func fault(ofName name: String, _ what: String) -> String? {
    guard !(1...nameLimit).contains(name.unicodeScalars.count) || hasControls(name) || name.allSatisfy(\.isWhitespace)
    else { return nil }
    return "\(what) name \(name.quoted) is not valid; valid are 1 to \(nameLimit) characters without controls"
  }

  /// What is wrong with a longer text, or `nil`. A NUL cannot be kept.
  package static func fault(ofText text: String, _ what: String) -> String? {
    if text.utf8.count > textLimit { return "\(what) has \(text.utf8.count) bytes; valid are up to \(textLimit)" }
    return text.utf8.contains(0) ? "\(what) has a NUL character, which it cannot" : nil
  }

  static let scriptURLLimit = 1024

  /// What is wrong with `text` as the place of an iPXE script, or `nil`; empty is none. It goes into a DHCP answer,
  /// where it must fit.
  static func fault(ofScriptURL text: String) -> String? {
    if text.isEmpty { return nil }
    let isPlain = text.utf8.allSatisfy { 0x21..<0x7F ~= $0 } && text.utf8.count <= scriptURLLimit
    if isPlain, let range = text.firstRange(of: "://"), !text[..<range.lowerBound].isEmpty,
      text[..<range.lowerBound].utf8.allSatisfy(isLetterDigitOrHyphen), range.upperBound < text.endIndex
    {
      return nil
    }
    return "ipxe_script_url \(text.quoted) is not valid; valid is a URL such as http://198.51.100.1/boot.ipxe, "
      + "up to \(scriptURLLimit) ASCII characters"
  }

  /// What fits `sockaddr_un`, unix(7).
  static let serialLimit = 107

  /// What is wrong with `path` as the place of a serial console, or `nil`.
  static func fault(ofSerial path: String) -> String? {
    guard !path.hasPrefix("/") || path.utf8.count > serialLimit || hasControls(path) else { return nil }
    return "serial \(path.quoted) is not valid; valid is the absolute path of a Unix socket or a serial device, "
      + "up to \(serialLimit) bytes without controls"
  }

  /// What is wrong with what is written on a reservation, or `nil`.
  static func fault(of note: Reservation.Note) -> String? {
    note.details.flatMap { fault(ofText: $0, "details") } ?? fault(ofTags: note.tags)
      ?? fault(ofText: note.customdata, "customdata")
  }

  /// Whether `name` can be the code or slug of an entry of the catalogue: 1 to 40 lower-case letters, digits, ".", "_"
  /// and "-".
  static func isCode(_ name: String) -> Bool {
    (1...40).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
          UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
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
    text.unicodeScalars.contains(where: \.steersText)
  }
}
