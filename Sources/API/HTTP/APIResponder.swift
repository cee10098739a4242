// The door of the API: brings the path to one form and asks the router.

public import Control
import HTTPTypes
public import Hummingbird

/// The whole REST tree as one responder. It has no state but the control module that it talks to; safe to share.
public struct APIResponder: HTTPResponder {
  private let router: RouterResponder<APIContext>

  /// The API of `control`: the Metal-compatible tree, and Toprack's own resources below `/toprack`.
  public init(control: Control) {
    var routes = Routes(keeper: control)
    Self.register(on: &routes)
    self.init(routes: routes)
  }

  /// Everything that the API has.
  static func register(on routes: inout Routes) {
    DescriptionRoutes().register(on: &routes)
    AccountRoutes().register(on: &routes)
    CatalogueRoutes().register(on: &routes)
    CapacityRoutes().register(on: &routes)
    ProjectRoutes().register(on: &routes)
    DeviceRoutes().register(on: &routes)
    VirtualNetworkRoutes().register(on: &routes)
    PortRoutes().register(on: &routes)
    AssignmentRoutes().register(on: &routes)
    AddressRoutes().register(on: &routes)
    EventRoutes().register(on: &routes)
    ToprackAddressRoutes().register(on: &routes)
    ToprackDeviceRoutes().register(on: &routes)
    ToprackNetworkRoutes().register(on: &routes)
    ToprackSwitchRoutes().register(on: &routes)
    ToprackLACPRoutes().register(on: &routes)
    ToprackGatewayRoutes().register(on: &routes)
    ToprackForwardingRoutes().register(on: &routes)
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
    context.access = Access(scope: .all, by: "root")
    return try await router.respond(to: Request(head: head, body: request.body), context: context)
  }
}
