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
    return .ok(call.renderer(view).port(port, of: server))
  }

  private static func addressRequests(_ arguments: Arguments) throws(APIError) -> [AddressRequest]? {
    let wishes = try arguments.addressRequests("request_ips")
    guard wishes?.allSatisfy({ $0.block == nil }) ?? true else {
      throw .invalid(
        "request_ips names ip_reservations; a device that exists is assigned an elastic block by POST /devices/{id}/ips, "
          + "once it is in layer 3")
    }
    return wishes?.map(\.request)
  }

  private static func network(_ arguments: Arguments) throws -> NetworkReference {
    try arguments.required("vnid", "the number of a virtual network, or its UUID") { try arguments.network($0) }
  }
}
