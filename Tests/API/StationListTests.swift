import Control
import Foundation
import HTTPTypes
import Net
import Rack
import Testing

@testable import API

@Suite("The list of stations") struct StationListTests {
  private let server = ServerID(UUID())

  private func station(_ number: Int, _ network: VirtualNetwork) -> Station {
    Station(
      facility: "ewr1", vxlan: network.vxlan, network: network.id, mac: MACAddress(UInt64(number)), server: server,
      hostname: "a",
      port: .eth0, age: 1, moves: 0)
  }

  @Test("is an array when no page is asked for, and a page with meta when one is")
  func pages() async throws {
    try await WholeAPI.test { api in
      let network = try await api.keeper.network(100)
      await api.keeper.set((0..<25).reversed().map { station($0, network) })
      #expect(try await api.call(.get, "/toprack/fdb").elements.count == 25)
      let first = try await api.call(.get, "/toprack/fdb?per_page=10")
      #expect(first["stations"]?.elements.count == 10 && first["meta"]?["total"] == 25)
      #expect(first["meta"]?["next"]?["href"] == "/toprack/fdb?page=2&per_page=10")
      let macs = first["stations"]?.elements.compactMap { $0["mac"]?.string } ?? []
      #expect(macs == macs.sorted(), "within a page by address")
      var all = Set(macs)
      for page in 2...3 {
        let more = try await api.call(.get, "/toprack/fdb?page=\(page)&per_page=10&vxlan=100")
        for station in more["stations"]?.elements ?? [] { all.insert(station["mac"]?.string ?? "") }
        #expect(more["meta"]?["current_page"] == .integer(page))
      }
      #expect(all.count == 25)
      #expect(try await api.call(.get, "/toprack/fdb?page=4&per_page=10")["stations"]?.elements == [])
      try await api.refuse(.get, "/toprack/fdb?per_page=1001", nil, 422, "per_page 1001 is not valid")
      try await api.refuse(.get, "/toprack/fdb?page=0", nil, 422, "page 0 is not valid")
      try await api.refuse(.get, "/toprack/fdb?page=1&vxlan=1", nil, 422, "virtual network number 1 is not valid")
    }
  }

  @Test("that is long is one array, written piece by piece", arguments: [1, 7, 24, 25])
  func pieces(_ size: Int) async throws {
    try await WholeAPI.test { api in
      let network = try await api.keeper.network(100)
      await api.keeper.set((0..<25).map { station($0, network) }, piece: size)
      let answer = try await api.ask(.get, "/toprack/fdb")
      #expect(answer.status == .ok && answer.headers[.contentType] == "application/json; charset=utf-8")
      #expect(answer.json.elements.count == 25 && Set(answer.json.elements).count == 25)
    }
  }

  @Test("for a project's token has its networks alone, in the total as well")
  func tenant() async throws {
    let keeper = RackAlone()
    let own = try await keeper.network(100)
    guard
      case .project(let other) = try await keeper.perform(.createProject(name: "other", customdata: "{}"), by: "x")
        .subject
    else { return }
    let access = Access(scope: .project(other), by: "other")
    await keeper.set([station(1, own)])
    func call(_ query: [String: String]) throws -> Call {
      Call(
        prefix: "", path: "/toprack/fdb", parameters: [:], arguments: try Arguments(body: [], query: query),
        access: access,
        keeper: keeper)
    }
    let page = try await call(["page": "1"]).stations(of: nil, vxlan: nil, Page(first: 10))
    #expect(page.stations.isEmpty && page.total == 0)
    #expect(try await call([:]).stations(of: nil, vxlan: nil, from: StationBookmark()).stations.isEmpty)
  }
}
