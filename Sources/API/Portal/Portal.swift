// The portal: pages of the rack's state for a browser, at /portal beside the API.
//
//     browser ──cookie──▶ Session ──▶ Access ──▶ Call ──▶ View, perform        as every resource of the API has it
//                                                 │
//                              Pages (what is on a page) ──▶ Templates (how it looks)
//
// A page is a function of what its `Visit` sees. A form that is refused shows the page again, with the refusal's own
// words next to the form; one that succeeds is answered by a redirect. Everything works without the script, which only
// updates pages in place. docs/decisions/0015-the-portal.md has the reasons.

import AsyncAlgorithms
import Crypto
import HTTPTypes
import Hummingbird
import Rack
import ServiceLifecycle

/// All pages of the portal as one responder.
struct Portal: Sendable {
  static let path = "/portal"

  private let router: RouterResponder<APIContext>
  private let history: TrafficHistory

  init(
    keeper: any RackKeeper, door: Door, accounts: CallerAccounts, heartbeat: Duration, streams: CallerShares,
    captures: CallerShares, consoles: ConsoleGate, checks: CheckDesk,
    now: @escaping @Sendable () -> Duration
  ) {
    let history = TrafficHistory(keeper: keeper)
    self.history = history
    let templates: Templates
    do { templates = try Templates() } catch { preconditionFailure("a template of our own is wrong: \(error)") }
    let site = Site(
      templates: templates, sessions: Sessions(now: now), history: history, assetVersion: AssetRoutes.version)
    var routes = PortalRoutes(keeper: keeper, door: door, accounts: accounts, site: site)
    AssetRoutes().register(on: &routes)
    SignInPage(now: now).register(on: &routes)
    ProjectsPage().register(on: &routes)
    ServersPage().register(on: &routes)
    NewServerPage().register(on: &routes)
    ServerPage(machines: consoles.machines).register(on: &routes)
    ServerNetworkPage().register(on: &routes)
    AttachPage().register(on: &routes)
    NICPage(captures: captures).register(on: &routes)
    CapturePage(captures: captures).register(on: &routes)
    ConsolePage(gate: consoles).register(on: &routes)
    RackPage().register(on: &routes)
    NetworksPage().register(on: &routes)
    AddressesPage().register(on: &routes)
    LabsPage().register(on: &routes)
    LabFilePage(desk: LabDesk(hub: consoles.machines)).register(on: &routes)
    LabPage(desk: LabDesk(hub: consoles.machines), checks: checks).register(on: &routes)
    LabConfirmPage(desk: LabDesk(hub: consoles.machines)).register(on: &routes)
    SSHKeysPage().register(on: &routes)
    LiveUpdates(heartbeat: heartbeat, streams: streams).register(on: &routes)
    router = routes.responder()
  }

  static func path(of server: Server) -> String { "\(path)/servers/\(server.id)" }

  /// Whether a request is for the portal. `/` is, when it comes from a browser: it is asked for a page, and the API has
  /// nothing there.
  static func isMeant(by head: HTTPRequest) -> Bool {
    let path = (head.path ?? "/").prefix { $0 != "?" }
    if path == Self.path || path.hasPrefix(Self.path + "/") { return true }
    let isReading = head.method == .get || head.method == .head
    return path == "/" && isReading && head.headerFields[.accept]?.contains("text/html") == true
  }

  func respond(to request: Request, context: APIContext) async throws -> Response {
    if request.uri.path == "/" { return PortalAnswer.redirect(Self.path).response }
    return try await router.respond(to: request, context: context)
  }

  /// What goes on beside the pages, until the daemon stops.
  func run() async { await history.run() }
}
