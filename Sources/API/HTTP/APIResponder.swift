// The way in: brings the path to one form, asks the door who it is, and asks the router; the portal's paths go to the
// portal.

public import Consoles
public import Control
import HTTPTypes
public import Hummingbird
public import MachineHost

/// The whole REST tree as one responder, with its door; safe to share by all listeners.
public struct APIResponder: HTTPResponder {
  private let router: RouterResponder<APIContext>
  private let door: Door
  private let portal: Portal
  private let meter: RequestMeter

  /// The API of `control`: the Metal-compatible tree, and Toprack's own resources below `/toprack`.
  ///
  /// - Parameters:
  ///   - rate: requests a second that each token may make.
  ///   - placement: where servers are put that are made with a project's token.
  ///   - metricsAreOpen: whether metrics are everybody's to read.
  ///   - consoles: of the rack's servers; `nil`: it has none.
  ///   - machines: virtual machines on their NICs; `nil`: it has none.
  public init(
    control: Control, rate: Int = APIResponder.defaultRate, placement: Placement = .own, metricsAreOpen: Bool = false,
    consoles: ConsoleHub? = nil, machines: MachineHub? = nil
  ) {
    self.init(
      keeper: control, rate: rate, placement: placement, metricsAreOpen: metricsAreOpen, consoles: consoles,
      machines: machines)
  }

  /// `now`: time on a clock that never goes back, by which rates and sessions are counted.
  init(
    keeper: any RackKeeper, rate: Int = APIResponder.defaultRate, placement: Placement = .own,
    metricsAreOpen: Bool = false, heartbeat: Duration = EventStream.heartbeat, consoles: ConsoleHub? = nil,
    machines: MachineHub? = nil,
    now: @escaping @Sendable () -> Duration = RateLimiter.monotonic()
  ) {
    var routes = Routes(keeper: keeper)
    let streams = EventStream.shares()
    let captures = ToprackCaptureRoutes.shares()
    let gate = ConsoleGate(hub: consoles, machines: machines)
    let checks = CheckDesk(machines: machines)
    Self.register(
      on: &routes, heartbeat: heartbeat, streams: streams, captures: captures, consoles: gate, checks: checks)
    self.init(
      routes: routes,
      door: Door(keeper: keeper, rate: rate, placement: placement, metricsAreOpen: metricsAreOpen, now: now),
      keeper: keeper, heartbeat: heartbeat, streams: streams, captures: captures, consoles: gate, checks: checks,
      now: now)
  }

  /// Everything that the API has. `heartbeat`: between two signs of life of a stream.
  static func register(
    on routes: inout Routes, heartbeat: Duration = EventStream.heartbeat,
    streams: CallerShares = EventStream.shares(), captures: CallerShares = ToprackCaptureRoutes.shares(),
    consoles: ConsoleGate = ConsoleGate(hub: nil), checks: CheckDesk = CheckDesk(machines: nil)
  ) {
    DescriptionRoutes().register(on: &routes)
    MetricsRoutes().register(on: &routes)
    AccountRoutes().register(on: &routes)
    CatalogueRoutes().register(on: &routes)
    CapacityRoutes().register(on: &routes)
    ProjectRoutes().register(on: &routes)
    DeviceRoutes(machines: consoles.machines).register(on: &routes)
    VirtualNetworkRoutes().register(on: &routes)
    PortRoutes().register(on: &routes)
    AssignmentRoutes().register(on: &routes)
    AddressRoutes().register(on: &routes)
    EventRoutes().register(on: &routes)
    SSHKeyRoutes().register(on: &routes)
    ToprackAddressRoutes().register(on: &routes)
    ToprackDeviceRoutes().register(on: &routes)
    ToprackNetworkRoutes().register(on: &routes)
    ToprackSwitchRoutes().register(on: &routes)
    ToprackLACPRoutes().register(on: &routes)
    ToprackLinkRoutes().register(on: &routes)
    ToprackFacilityRoutes().register(on: &routes)
    ToprackGatewayRoutes().register(on: &routes)
    ToprackForwardingRoutes().register(on: &routes)
    ToprackTraceRoutes().register(on: &routes)
    ToprackTokenRoutes().register(on: &routes)
    ToprackMirrorRoutes().register(on: &routes)
    ToprackBackupRoutes().register(on: &routes)
    ToprackConsoleRoutes(gate: consoles).register(on: &routes)
    ToprackMachineRoutes(hub: consoles.machines).register(on: &routes)
    ToprackLabRoutes(desk: LabDesk(hub: consoles.machines)).register(on: &routes)
    ToprackCaptureRoutes(captures: captures).register(on: &routes)
    EventStreamRoutes(heartbeat: heartbeat, streams: streams).register(on: &routes)
    ToprackWaitRoutes(probes: checks.probes).register(on: &routes)
    ToprackCheckRoutes(desk: checks).register(on: &routes)
    ToprackDropRoutes(heartbeat: heartbeat, streams: streams).register(on: &routes)
    ToprackWhyRoutes(probes: checks.probes).register(on: &routes)
  }

  /// Rates that can be.
  public static let rates = 1...1_000_000
  public static let defaultRate = Door.defaultRate

  init(
    routes: Routes, door: Door, keeper: any RackKeeper, heartbeat: Duration = EventStream.heartbeat,
    streams: CallerShares = EventStream.shares(), captures: CallerShares = ToprackCaptureRoutes.shares(),
    consoles: ConsoleGate = ConsoleGate(hub: nil), checks: CheckDesk = CheckDesk(machines: nil),
    now: @escaping @Sendable () -> Duration = RateLimiter.monotonic()
  ) {
    router = routes.responder()
    meter = routes.meter
    meter.know(routes.methods.keys)
    self.door = door
    portal = Portal(
      keeper: keeper, door: door, accounts: routes.accounts, heartbeat: heartbeat, streams: streams, captures: captures,
      consoles: consoles, checks: checks, now: now)
  }

  /// `OPTIONS *`, RFC 9110 9.3.7: the server as a whole.
  private static func options(_ headers: HTTPFields) -> Response {
    var headers = headers
    headers[.allow] = "DELETE, GET, HEAD, PATCH, POST, PUT"
    return Response(status: .noContent, headers: headers)
  }

  /// What goes on beside requests, until the daemon stops.
  public func run() async { await portal.run() }

  /// Every answer has the request's own identifier: clients believe an error only with it, and a line of the log is
  /// found by it.
  public func respond(to request: Request, context: APIContext) async throws -> Response {
    let began = ContinuousClock.now
    let path = RequestPath(request.head.path ?? "/")
    var response = try await answer(request, path, context)
    response.headers[.requestID] = context.requestID
    meter.answered(path.target, response.status, after: ContinuousClock.now - began)
    return response
  }

  private func answer(_ request: Request, _ path: RequestPath, _ context: APIContext) async throws -> Response {
    var head = request.head
    head.path = path.target
    var context = context
    context.prefix = path.prefix
    // The portal has a door of its own: browsers come with cookies, and never to the API.
    if path.prefix.isEmpty, Portal.isMeant(by: head) {
      return try await portal.respond(to: Request(head: head, body: request.body), context: context)
    }
    let admission =
      switch path.target.prefix(while: { $0 != "?" }) {
      // Whoever may knock may read what there is, and whether we are well, as often as they may knock.
      case DescriptionRoutes.path, MetricsRoutes.alive, MetricsRoutes.ready:
        await door.answerAnybody(head, from: context.peer)
      case MetricsRoutes.path: await door.answerMetrics(head, from: context.peer)
      default: await door.answer(head, from: context.peer)
      }
    switch admission {
    case .refused(let error, let headers): return Routes.response(error, headers: headers)
    case .admitted(let access, let headers):
      context.access = access
      if head.method == .options, head.path == "/*" { return Self.options(headers) }
      var response = try await router.respond(to: Request(head: head, body: request.body), context: context)
      response.headers.append(contentsOf: headers)
      return response
    }
  }
}

extension HTTPField.Name {
  fileprivate static let requestID = HTTPField.Name("X-Request-Id")!
}
