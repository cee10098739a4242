// Operations on ports. Each answers the port as it is afterwards, also those that change nothing and those that remove
// something: clients read it to see whether the conversion went through.

import Rack

struct PortRoutes {
  func register(on routes: inout Routes) {
    routes.get("/ports/:id") { call in try await show(call.identifier(of: "port"), call) }
    operation("assign", on: &routes) { port, arguments in .assign(port, try Self.network(arguments)) }
    operation("unassign", on: &routes) { port, arguments in .unassign(port, try Self.network(arguments)) }
    operation("bond", on: &routes) { port, arguments in
      .bond(port, bulk: try arguments.boolean("bulk_enable") ?? false)
    }
    operation("disbond", on: &routes) { port, arguments in
      .disbond(port, bulk: try arguments.boolean("bulk_disable") ?? false)
    }
    operation("convert/layer-2", on: &routes) { port, arguments in
      .convertToLayer2(port, attaching: try arguments.network("vnid"))
    }
    operation("convert/layer-3", on: &routes) { port, arguments in
      .convertToLayer3(port, requests: try Self.addressRequests(arguments))
    }
    operation("native-vlan", on: &routes) { port, arguments in .setNative(port, try Self.network(arguments)) }
    routes.delete("/ports/:id/native-vlan") { call in
      try await perform(call) { port, _ in .setNative(port, nil) }
    }
  }

  private typealias Reading = @Sendable (PortID, Arguments) throws -> Command

  private func operation(_ name: String, on routes: inout Routes, _ command: @escaping Reading) {
    routes.post("/ports/:id/\(name)") { call in try await perform(call, command) }
  }

  private func perform(_ call: Call, _ command: Reading) async throws -> Reply {
    let port: PortID = try call.identifier(of: "port")
    _ = try await call.view().known(port: port)
    try await call.perform(command(port, call.arguments))
    return try await show(port, call)
  }

  private func show(_ id: PortID, _ call: Call) async throws -> Reply {
    let view = await call.view()
    let (server, port) = try view.known(port: id)
    let nics = await call.counters(of: server)
    return .ok(call.renderer(view).port(port, of: server, nics: nics))
  }

  private static func network(_ arguments: Arguments) throws -> NetworkReference {
    try arguments.required("vnid", "the number of a virtual network, or its UUID") { try arguments.network($0) }
  }

  /// `request_ips: [{"address_family": 4, "public": true}, …]`; `nil` when not given.
  static func addressRequests(_ arguments: Arguments) throws(APIError) -> [AddressRequest]? {
    guard let value = arguments.value("request_ips") else { return nil }
    let rule = #"give a list of objects such as {"address_family": 4, "public": true}"#
    guard case .array(let entries) = value else { throw .invalid("request_ips is \(value.kind); \(rule)") }
    var requests: [AddressRequest] = []
    for entry in entries {
      guard case .integer(let family) = entry["address_family"], family == 4 || family == 6,
        case .boolean(let isPublic) = entry["public"] ?? true
      else { throw .invalid("request_ips has the entry \(Arguments.shown(entry)); \(rule), with family 4 or 6") }
      requests.append(AddressRequest(family: family, isPublic: isPublic))
    }
    return requests
  }
}
