// The templates of the portal, and the one rule by which text gets into HTML.

import CPortal
import Mustache

/// The files of Sources/API/Portal/Assets, which are part of the program.
enum PortalAssets {
  static let all: [String: [UInt8]] = {
    let table = UnsafeBufferPointer(start: toprack_portal_assets(), count: toprack_portal_asset_count())
    return Dictionary(
      uniqueKeysWithValues: table.map {
        (String(cString: $0.name), Array(UnsafeBufferPointer(start: $0.bytes, count: $0.size)))
      })
  }()
}

/// What a template is given: texts, numbers, truths, and lists and groups of such. A name that is absent is false.
typealias Fields = [String: Any]

/// All templates, read once.
struct Templates: Sendable {
  private let library: MustacheLibrary

  init() throws {
    MustacheContentTypes.register(HTMLText(), named: HTMLText.name)
    var library = MustacheLibrary()
    for (name, bytes) in PortalAssets.all where name.hasSuffix(Self.suffix) {
      // Partials would fall back to the library's own escaping, so each template names ours.
      let text = "{{% CONTENT_TYPE:\(HTMLText.name)}}\n" + String(decoding: bytes, as: UTF8.self)
      try library.register(text, named: String(name.dropLast(Self.suffix.count)))
    }
    self.library = library
  }

  private static let suffix = ".mustache"

  /// - Precondition: there is a template of that name.
  func render(_ name: String, _ fields: Fields) -> String {
    guard let text = library.render(fields, withTemplate: name) else { preconditionFailure("no template \(name)") }
    return text
  }
}

/// Escapes what is a character of HTML's syntax, in text and in quoted attributes alike.
///
/// By scalars: the library's own escaping goes by `Character`, and `"` with a combining mark behind it is another
/// Character than `"`, which HTML does not know.
struct HTMLText: MustacheContentType {
  static let name = "TOPRACK_HTML"

  func escapeText(_ text: String) -> String {
    guard text.utf8.contains(where: Self.isSyntax) else { return text }
    var escaped: [UInt8] = []
    escaped.reserveCapacity(text.utf8.count + 32)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "<"): escaped += Array("&lt;".utf8)
      case UInt8(ascii: ">"): escaped += Array("&gt;".utf8)
      case UInt8(ascii: "&"): escaped += Array("&amp;".utf8)
      case UInt8(ascii: "\""): escaped += Array("&quot;".utf8)
      case UInt8(ascii: "'"): escaped += Array("&#39;".utf8)
      default: escaped.append(byte)
      }
    }
    return String(decoding: escaped, as: UTF8.self)
  }

  private static func isSyntax(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), UInt8(ascii: "\""), UInt8(ascii: "'"): true
    default: false
    }
  }
}
