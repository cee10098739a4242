// The names and the comparison that sessions share.

import FoundationEssentials
import Rack

enum SessionCookie {
  /// The field of each form that has the session's form token.
  static let field = "form_token"

  /// A browser does not tell ports apart in cookies, so the name says which rack it is.
  static func name(_ keeper: any RackKeeper) async -> String {
    "toprack-\(await keeper.rack.id.uuidString.lowercased().prefix(8))"
  }

  /// Takes the same time for each `text` of the right length.
  static func isSame(_ text: String?, _ secret: String) -> Bool {
    guard let text, text.utf8.count == secret.utf8.count else { return false }
    var difference: UInt8 = 0
    for (one, other) in zip(text.utf8, secret.utf8) { difference |= one ^ other }
    return difference == 0
  }
}
