// Where the tree begins. The same resources answer at `/` and at `/metal/v1`, because one generation of clients drops
// the path of its base URL and another insists on it; several double the slash, and some glue an absolute link to a
// base that has the prefix already.

/// The path of a request, brought to one form.
struct RequestPath: Hashable, Sendable {
  static let prefixes = ["", "/metal/v1"]

  /// What every link in the answer begins with: empty, or "/metal/v1".
  let prefix: String
  /// The path below the prefix, with single slashes, none at the end, and the query as it came: "/ports/…?x=y".
  let target: String

  /// `target`: the request target as sent, with or without a query.
  init(_ target: String) {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var segments = parts[0].split(separator: "/")[...]
    var prefix = ""
    while segments.starts(with: ["metal", "v1"]) {
      segments = segments.dropFirst(2)
      prefix = "/metal/v1"
    }
    self.prefix = prefix
    let query = parts.count > 1 && !parts[1].isEmpty ? "?\(parts[1])" : ""
    self.target = "/\(segments.joined(separator: "/"))\(query)"
  }
}
