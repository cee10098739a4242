// The description of this API for programs: OpenAPI. Whoever may knock may read it.

import COpenAPI
import HTTPTypes

struct DescriptionRoutes {
  static let path = "/openapi.yaml"

  func register(on routes: inout Routes) {
    routes.get(Self.path) { _ in
      Reply(status: .ok, body: .document(Self.text, type: "application/yaml; charset=utf-8"))
    }
  }

  /// OpenAPI 3, YAML, UTF-8.
  static let text = Array(UnsafeBufferPointer(start: toprack_openapi(), count: toprack_openapi_size()))
}
