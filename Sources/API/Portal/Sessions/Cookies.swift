// Cookies, RFC 6265: what a browser sends, and what it is told to keep.

import HTTPTypes

/// The cookies of one request.
struct Cookies: Sendable {
  private let values: [String: String]

  init(_ fields: HTTPFields) {
    values = fields[values: .cookie].reduce(into: [:]) { all, line in
      for pair in line.split(separator: ";") {
        let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimming(while: { $0 == " " }) }
        // Of repeated names the first is the one of the longest path, RFC 6265 5.4.
        if parts.count == 2, all[parts[0]] == nil { all[parts[0]] = parts[1] }
      }
    }
  }

  subscript(name: String) -> String? { values[name] }
}

/// A cookie of the portal. Scripts do not see it, and other sites' pages cannot have it sent; it goes to the portal's own
/// paths alone, so that the API never meets one.
struct PortalCookie: Sendable {
  let name: String
  /// `nil`: to be forgotten.
  let value: String?
  let isSecure: Bool
  var path = Portal.path

  var field: String {
    let life = value == nil ? "; Max-Age=0" : ""
    return "\(name)=\(value ?? ""); Path=\(path); HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")\(life)"
  }
}

extension Substring {
  fileprivate func trimming(while isDropped: (Character) -> Bool) -> String {
    var text = drop(while: isDropped)
    while let last = text.last, isDropped(last) { text.removeLast() }
    return String(text)
  }
}
