// Whether what arrives was sent by one of our own pages, or by no page. A form's token says so already; this is asked as well, because
// it needs no secret to be kept. At the API, who comes by the socket has no token to show.

import HTTPTypes

extension HTTPRequest {
  /// False when the browser says that another site's page has sent this. Old browsers say nothing.
  var isFromOwnPage: Bool {
    if let site = headerFields[.fetchSite] { return site == "same-origin" || site == "none" }
    guard let origin = headerFields[.origin] else { return true }
    guard let authority, let end = origin.firstRange(of: "://")?.upperBound else { return false }
    return origin[end...].lowercased() == authority.lowercased()
  }

  /// Whether the address in the browser is one that only this machine, or an end of a tunnel to it, can answer: no name that
  /// somebody else can point here.
  var isToLocalName: Bool {
    guard let authority else { return false }
    let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
    let name = host.lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || name.hasPrefix("127.") && Self.isDotted(name)
      || name == "[::1]"
  }

  /// The host in the address when it is a name of the public DNS, which its owner can point here for a page of theirs ("DNS rebinding").
  ///
  /// Programs at a Unix socket send all sorts of things: no host, a word, the socket's path with percent signs. None of those is one.
  var nameOfOthers: String? {
    guard let authority else { return nil }
    let name = authority.prefix { $0 != ":" }.lowercased()
    let isName = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    guard isName, name.contains("."), !Self.isDotted(name), !name.hasSuffix(".localhost") else { return nil }
    return name
  }

  private static func isDotted(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { Arguments.digits(String($0)) != nil }
  }
}

extension HTTPField.Name {
  fileprivate static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
