// Whether a form that arrives was sent by one of our own pages. The form token says so already; this is asked as well, because
// it needs no secret to be kept.

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

  private static func isDotted(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { Arguments.digits(String($0)) != nil }
  }
}

extension HTTPField.Name {
  fileprivate static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
