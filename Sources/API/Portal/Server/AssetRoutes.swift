// The style and the script. Their path has their digest, so a browser may keep them for good and asks anew when they change.

import Crypto
import HTTPTypes
import Rack

struct AssetRoutes {
  private static let types = [
    "portal.css": "text/css; charset=utf-8", "portal.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml", "terminal.js": "text/javascript; charset=utf-8",
    "capture.js": "text/javascript; charset=utf-8",
  ]

  static let version: String = {
    var hash = SHA256()
    for name in types.keys.sorted() { hash.update(data: PortalAssets.all[name] ?? []) }
    return hash.finalize().prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }()

  func register(on routes: inout PortalRoutes) {
    routes.open(.get, "/assets/:version/:name") { stranger in
      let name = stranger.parameters["name"] ?? ""
      guard stranger.parameters["version"] == Self.version, let type = Self.types[name],
        let bytes = PortalAssets.all[name]
      else { throw APIError.unknown("there is no such file") }
      return PortalAnswer(
        status: .ok, headers: [.contentType: type, .cacheControl: "public, max-age=31536000, immutable"],
        body: .bytes(bytes))
    }
  }
}
