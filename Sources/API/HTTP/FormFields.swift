// `application/x-www-form-urlencoded` (URL standard 5.1): what a form's body and a query are.
//
// One pass over the bytes, and a count before anything is decoded: what a stranger sends costs what it is long.

import HTTPTypes

/// Fields of a form or of a query.
struct FormFields {
  /// Fields that are read; the largest form of the portal has a dozen.
  static let limit = 64

  /// Name and value in the order in which they came, decoded; a field without `=` has no value.
  let pairs: [(name: String, value: String?)]

  /// Throws 400 when there are more than `limit`. `what`: "the form".
  init(_ text: some Collection<UInt8>, of what: String) throws(APIError) {
    let fields = text.split(separator: UInt8(ascii: "&"), maxSplits: Self.limit)
    guard fields.count <= Self.limit else {
      throw APIError(.badRequest, "\(what) has more than \(Self.limit) fields; valid are up to \(Self.limit)")
    }
    pairs = fields.map { field in
      let parts = field.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      return (
        PercentEncoding.decode(form: parts[0]), parts.count > 1 ? PercentEncoding.decode(form: parts[1]) : nil
      )
    }
  }
}
