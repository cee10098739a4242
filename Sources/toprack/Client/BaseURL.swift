// The address of an API that listens on TCP, as users give it.

import Foundation

enum BaseURL {
  /// What is wrong with `text`, which came by `source` (`--url`, `$TOPRACK_URL`), and what would be valid; `nil`: it
  /// can be asked.
  static func fault(of text: String, from source: String) -> String? {
    reason(text).map { reason in
      "\(source) '\(text)' \(reason); valid are http://HOST:PORT and, where the daemon has TLS, https://HOST:PORT"
    }
  }

  private static func reason(_ text: String) -> String? {
    if text.hasPrefix("/") { return "is a path: a Unix socket is given with --socket" }
    guard let separator = text.range(of: "://") else { return "does not begin with http:// or https://" }
    let scheme = text[..<separator.lowerBound].lowercased()
    switch scheme {
    case "http", "https": break
    case "unix", "http+unix": return "is a Unix socket: give its path with --socket"
    default: return "does not begin with http:// or https://"
    }
    guard let parts = URLComponents(string: text, encodingInvalidCharacters: false) else {
      return "is no URL"
    }
    guard let host = parts.host, !host.isEmpty else { return "has no host" }
    if parts.user != nil { return "has a user in it: who you are is said by a token, with --token" }
    // A port that is none is not among the parts.
    let rest = text[separator.upperBound...].prefix { !"/?#".contains($0) }
    let afterHost = rest[(rest.lastIndex(of: "]") ?? rest.startIndex)...]
    if let colon = afterHost.lastIndex(of: ":") {
      let digits = afterHost[afterHost.index(after: colon)...]
      guard let port = UInt16(digits), port > 0 else { return "has port '\(digits)', and a port is 1 to 65535" }
    }
    if parts.query != nil || parts.fragment != nil { return "has a query, and is only the beginning of one" }
    return nil
  }
}
