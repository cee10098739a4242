import Control
import FoundationEssentials
import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("/toprack/forwarding") struct ForwardingRouteTests {
  @Test("the switch's tables are shown to those who see the whole rack, and to nobody else")
  func access() async throws {
    func call(_ scope: Access.Scope) throws -> Call {
      Call(
        prefix: "", path: "/toprack/forwarding", parameters: [:], arguments: try Arguments(body: [], query: [:]),
        access: Access(scope: scope, by: "test"), keeper: RackAlone())
    }
    #expect(try await call(.all).forwarding().ports.isEmpty)
    for scope in [Access.Scope.project(ProjectID(UUID())), .none] {
      let error = await #expect(throws: APIError.self) { try await call(scope).forwarding() }
      #expect(error?.status == .forbidden)
    }
  }

  @Test("is an object with ports and NICs, and the settings say the ranges of addresses")
  func shape() async throws {
    try await WholeAPI.test { api in
      let forwarding = try await api.call(.get, "/toprack/forwarding")
      #expect(forwarding["ports"] == .array([]) && forwarding["nics"] == .array([]))
      let pools = try await api.call(.get, "/metal/v1/toprack/settings")["pools"]
      #expect(pools?["pools.ewr1.private-ipv4"] == "10.64.0.0/16")
    }
  }
}
