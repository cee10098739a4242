// The door of the API: brings the path to one form and asks the router.

public import Control
import HTTPTypes
public import Hummingbird

/// The whole REST tree as one responder. It has no state but the control module that it talks to; safe to share.
public struct APIResponder: HTTPResponder {
  private let router: RouterResponder<APIContext>

  /// The API of `control`: the Metal-compatible tree, and Toprack's own resources below `/toprack`.
  public init(control: Control) {
    var routes = Routes()
    CatalogueRoutes().register(on: &routes)
    ProjectRoutes(control: control).register(on: &routes)
    DeviceRoutes(control: control).register(on: &routes)
    VirtualNetworkRoutes(control: control).register(on: &routes)
    PortRoutes(control: control).register(on: &routes)
    AddressRoutes(control: control).register(on: &routes)
    ToprackAddressRoutes(control: control).register(on: &routes)
    ToprackDeviceRoutes(control: control).register(on: &routes)
    ToprackNetworkRoutes(control: control).register(on: &routes)
    ToprackSwitchRoutes(control: control).register(on: &routes)
    ToprackLACPRoutes(control: control).register(on: &routes)
    ToprackGatewayRoutes(control: control).register(on: &routes)
    self.init(routes: routes)
  }

  init(routes: Routes) {
    router = routes.responder()
  }

  public func respond(to request: Request, context: APIContext) async throws -> Response {
    let path = RequestPath(request.head.path ?? "/")
    var head = request.head
    head.path = path.target
    var context = context
    context.prefix = path.prefix
    return try await router.respond(to: Request(head: head, body: request.body), context: context)
  }
}
