// Mirrors: made, listed and removed.

import Control
import Rack

struct ToprackMirrorRoutes {
  func register(on routes: inout Routes) {
    routes.post("/toprack/mirrors", create)
    routes.get("/toprack/mirrors", list)
    routes.get("/toprack/mirrors/:mirror") { call in
      let view = await call.view()
      let mirror = try Self.mirror(call, view)
      return .ok(call.renderer(view).mirror(mirror, await call.mirrorStatus()[mirror.id]))
    }
    routes.delete("/toprack/mirrors/:mirror") { call in
      try await call.perform(.deleteMirror(try Self.mirror(call, await call.view()).id))
      return .noContent
    }
  }

  private func create(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let arguments = call.arguments
    let name = try arguments.required("name", "a name of 1 to 80 characters") { try arguments.string($0) }
    let from = try arguments.required("from", "SERVER:PORT or vxlan:N") { try arguments.string($0) }
    let to = try arguments.required("to", "SERVER:PORT or the name of an interface") { try arguments.string($0) }
    let direction = try arguments.string("direction").map { word throws(APIError) in
      guard let direction = Mirror.Direction(rawValue: word) else {
        throw APIError.invalid("direction \(Arguments.shown(.string(word))) is not known; valid are in, out and both")
      }
      return direction
    }
    let outcome = try await call.perform(
      .createMirror(
        MirrorRequest(
          name: name, source: try Self.source(from, arguments, view), direction: direction,
          filter: try arguments.string("filter"), end: try Self.end(to, arguments, view))))
    guard case .mirror(let id) = outcome.subject else { preconditionFailure("a created mirror is the subject") }
    let new = await call.view()
    return .created(call.renderer(new).mirror(try new.known(mirror: id), await call.mirrorStatus()[id]))
  }

  private func list(_ call: Call) async throws -> Reply {
    let view = await call.view()
    let project = try Self.project(call.arguments, view)
    let status = await call.mirrorStatus()
    let mirrors = view.mirrors.filter { project == nil || $0.project == project?.id }
      .sorted { ($0.name, "\($0.id)") < ($1.name, "\($1.id)") }
    return .list(["mirrors": .elements(call.elements(mirrors, view) { $0.mirror($1, status[$1.id]) })])
  }

  // MARK: What arguments mean

  private static func project(_ arguments: Arguments, _ view: View) throws -> Project? {
    try arguments.string("project").map { try view.known(projectNamed: $0) }
  }

  /// The one in the path, by UUID, or by a name that no other has in the project of `project`.
  private static func mirror(_ call: Call, _ view: View) throws -> Mirror {
    let reference = call.parameter("mirror")
    if let id = MirrorID(reference), let mirror = view[id] { return mirror }
    let project = try project(call.arguments, view)
    let found = view.mirrors.filter { $0.name == reference && (project == nil || $0.project == project?.id) }
    guard let mirror = found.first else {
      throw APIError.unknown(
        "there is no mirror \(Arguments.shown(.string(reference))): give the name or the UUID of one")
    }
    guard found.count == 1 else {
      let projects = found.map { "\(view[$0.project]?.name ?? "") (\($0.id))" }.sorted().joined(separator: ", ")
      throw APIError.invalid(
        "\(reference) is the name of \(found.count) mirrors, of projects \(projects); name one by project or its UUID")
    }
    return mirror
  }

  private static let networkMark = "vxlan:"

  /// `web1:eth0`, `PROJECT/web1:bond0`, `vxlan:1001`.
  private static func source(_ text: String, _ arguments: Arguments, _ view: View) throws -> Mirror.Source {
    if text.hasPrefix(networkMark) {
      let reference = String(text.dropFirst(networkMark.count))
      if PortName(rawValue: reference) == nil { return .network(try network(reference, arguments, view).id) }
    }
    guard let port = try port(text, arguments, view) else {
      throw APIError.invalid(
        "from \(Arguments.shown(.string(text))) is not valid; valid are SERVER:PORT, as web1:eth0, and vxlan:N")
    }
    return .port(port)
  }

  private static func end(_ text: String, _ arguments: Arguments, _ view: View) throws -> Mirror.End {
    try port(text, arguments, view).map { .port($0) } ?? .device(text)
  }

  /// `nil`: there is no colon in it.
  private static func port(_ text: String, _ arguments: Arguments, _ view: View) throws -> PortID? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let name = String(text[..<colon])
    let word = String(text[text.index(after: colon)...])
    let project = try project(arguments, view)
    let own = view.servers(named: name).filter { $0.project == project?.id }
    let server = try own.first ?? view.known(serverNamed: name)
    guard let port = server.port(named: word) else {
      throw APIError.unknown(
        "there is no port \(Arguments.shown(.string(word))) of \(server.hostname); valid are bond0, eth0 and eth1")
    }
    return server[port].id
  }

  /// By UUID, or by a number that no other has in the places of `project`, `facility` and `metro`.
  private static func network(_ text: String, _ arguments: Arguments, _ view: View) throws -> VirtualNetwork {
    if let id = NetworkID(text) { return try view.known(network: id) }
    guard let number = Arguments.digits(text), VirtualNetwork.numbers.contains(number) else {
      let valid = VirtualNetwork.numbers
      throw APIError.invalid(
        "virtual network \(Arguments.shown(.string(text))) is not valid; valid are numbers, \(valid.lowerBound) to "
          + "\(valid.upperBound), and UUIDs")
    }
    let project = try project(arguments, view)
    let (facility, metro) = (try arguments.facilityFilter(), try arguments.metroFilter())
    let found = view.networks.filter { network in
      network.vxlan == number && (project == nil || network.project == project?.id)
        && (facility == nil || network.facility == facility)
        && (metro == nil || network.facility == nil && network.metro == metro)
    }
    guard let network = found.first else {
      throw APIError.unknown("there is no virtual network \(number): give the number or the UUID of one")
    }
    guard found.count == 1 else {
      let places = found.map { "\($0.place.words) of project \(view[$0.project]?.name ?? "") (\($0.id))" }
      throw APIError.invalid(
        "virtual network \(number) exists in \(places.sorted().joined(separator: ", ")); say which with project, facility "
          + "or metro, or give its UUID")
    }
    return network
  }
}
