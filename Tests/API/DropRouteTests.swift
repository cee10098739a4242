import Control
import HTTPTypes
import Rack
import Switching
import Testing

@testable import API

@Suite("Drops") struct DropRouteTests {
  /// An untagged ARP request on eth0 of `server`.
  private static func drop(
    _ server: Server, _ reason: DropReason = .untaggedNotAllowed, nic: PortName = .eth0, isOutgoing: Bool = false,
    at time: UInt64 = 1_795_835_719_123_456_789
  ) -> Drop {
    let arp: [UInt8] =
      [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 2]
      + [0, 0, 0, 0, 0, 0, 10, 0, 0, 1]
    return Drop(
      time: time,
      owner: .server(server.id, hostname: server.hostname, project: server.project, nic: nic), isOutgoing: isOutgoing,
      reason: reason, length: 42, bytes: arp, cursor: DropCursor("1-0")!)
  }

  private static func server(_ api: WholeAPI) async throws -> Server {
    let id = try api.id(try await api.device(#", "hostname": "web2""#))
    return try #require(await api.keeper.rack.servers.values.first { "\($0.id)" == id })
  }

  @Test("a drop has its time to the nanosecond, place, direction, reason, bytes, words and advice, and nothing else")
  func form() async throws {
    try await WholeAPI.test { api in
      let server = try await Self.server(api)
      await api.keeper.drop(Self.drop(server))
      let answer = try await api.call(.get, "/toprack/drops")
      let drop = try #require(answer["drops"]?.elements.first)
      #expect(
        drop.members.map(\.name).sorted() == [
          "advice", "direction", "frame", "length", "nic", "reason", "server", "summary", "time",
        ])
      #expect(drop["time"] == "2026-11-28T03:15:19.123456789Z" && drop["server"]?.string == server.hostname)
      #expect(drop["nic"] == "eth0" && drop["direction"] == "in" && drop["reason"] == "untagged-not-allowed")
      #expect(drop["length"] == 42 && drop["frame"]?.string?.hasPrefix("ffffffffffff020000000001080600010800") == true)
      #expect(drop["summary"] == "ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28")
      #expect(drop["advice"]?.string?.hasPrefix("untagged frame on \(server.hostname)") == true)
      #expect(answer["next"] == "1-1" && answer["overwritten"] == 0)
    }
  }

  @Test("those of a server, a port, a reason; the newest, or the oldest after a cursor")
  func selection() async throws {
    try await WholeAPI.test { api in
      let server = try await Self.server(api)
      await api.keeper.drop(Self.drop(server, nic: .eth0))
      await api.keeper.drop(Self.drop(server, .linkDown, nic: .eth1, isOutgoing: true))
      await api.keeper.drop(Self.drop(server, .runt, nic: .eth0))
      func reasons(_ query: String) async throws -> [String] {
        try await api.call(.get, "/toprack/drops" + query)["drops"]?.elements.compactMap { $0["reason"]?.string } ?? []
      }
      #expect(try await reasons("") == ["untagged-not-allowed", "link-down", "runt"])
      #expect(try await reasons("?limit=1") == ["runt"])
      #expect(try await reasons("?server=\(server.hostname)&port=eth1") == ["link-down"])
      #expect(try await reasons("?server=\(server.id)&port=bond0").count == 3)
      #expect(try await reasons("?reason=runt") == ["runt"])
      #expect(try await reasons("?after=1-1&limit=1") == ["link-down"])
      #expect(try await reasons("?after=1-3") == [])
      for (query, status, words) in [
        ("?server=web9", 404, "there is no server"), ("?port=eth0", 422, "without server"),
        ("?server=\(server.hostname)&port=eth7", 404, "no port"), ("?reason=x", 422, "valid are"),
        ("?after=x", 422, "no cursor"), ("?after=1-", 422, "no cursor"), ("?limit=5001", 422, "valid are 0 to 5000"),
      ] {
        try await api.refuse(.get, "/toprack/drops" + query, nil, status, words)
      }
    }
  }
}

@Suite("Times of frames") struct DropTimeTests {
  @Test(
    "are ISO 8601 with nanoseconds, leap days too",
    arguments: [
      (0, "1970-01-01T00:00:00.000000000Z"), (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
      (1_709_251_199_999_999_999, "2024-02-29T23:59:59.999999999Z"),
      (1_735_689_599_000_000_000, "2024-12-31T23:59:59.000000000Z"),
      (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
    ] as [(UInt64, String)])
  func text(_ time: UInt64, _ text: String) { #expect(DropTime.text(time) == text) }
}
