import HTTPTypes
import Net
import Rack
import Testing

@testable import API
@testable import Control

@Suite("Waiting for servers") struct WaitTests {
  /// A server of the rack's rules, in a mode.
  private func server(_ mode: String, in api: WholeAPI) async throws -> Server {
    let device = try await api.device(#", "hostname": "web1""#)
    if mode != "layer3" { try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "\#(mode)"}"#) }
    let id = try #require(ServerID(try api.id(device)))
    return try #require(await api.keeper.rack.servers[id])
  }

  private func texts(_ condition: WaitCondition, _ facts: WaitFacts) -> [String] {
    condition.missing(in: facts).map(\.text)
  }

  @Test("links are asked of NICs whose port is used, or of the one that is named")
  func links() async throws {
    try await WholeAPI.test { api in
      var facts = WaitFacts(server: try await server("layer2-individual", in: api), attached: [.eth0, .eth1])
      #expect(texts(.link(nil), facts) == ["no port of it is used: none carries a network, and none is routed"])
      #expect(texts(.link(.eth1), facts) == ["link of eth1 is down"])
      _ = try await api.network(1001)
      try await api.call(.post, "/ports/\(facts.server.eth1.id)/assign", #"{"vnid": "1001"}"#)
      facts.server = try #require(await api.keeper.rack.servers[facts.server.id])
      #expect(texts(.link(nil), facts) == ["link of eth1 is down"])
      facts.linksUp = [.eth1]
      #expect(texts(.link(nil), facts) == [])
      (facts.attached, facts.linksUp) = ([.eth0], [])
      #expect(texts(.link(nil), facts) == ["eth1 is not there"])
      // Both NICs carry for a bond, and a routed port is used.
      try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "layer3"}"#, 422)
      try await api.call(.post, "/ports/\(facts.server.eth1.id)/unassign", #"{"vnid": "1001"}"#)
      try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "layer3"}"#)
      facts.server = try #require(await api.keeper.rack.servers[facts.server.id])
      facts.attached = [.eth0, .eth1]
      #expect(texts(.link(nil), facts) == ["link of eth0 is down", "link of eth1 is down"])
    }
  }

  private func member(_ server: Server, _ nic: PortName, isUp: Bool, hasPartner: Bool) -> LACPMember {
    let end = LACPMember.Participant(
      systemPriority: 1, system: MACAddress(2), key: 3, portPriority: 4, port: 5, state: [])
    return LACPMember(
      server: server.id, hostname: server.hostname, port: nic, linkUp: true, selected: isUp, collecting: isUp,
      distributing: isUp, fallback: !isUp, actor: end, partner: hasPartner ? end : nil,
      machines: LACPMember.Machines(receive: "", periodic: "", mux: "", actorChurn: "", partnerChurn: ""),
      counters: LACPMember.Counters(), sinceLastLACPDU: nil, problem: hasPartner ? nil : "no LACPDU heard")
  }

  @Test("every NIC of the bond has a partner in sync")
  func lacp() async throws {
    try await WholeAPI.test { api in
      var facts = WaitFacts(server: try await server("layer2-bonded", in: api))
      facts.members = [
        .eth0: member(facts.server, .eth0, isUp: true, hasPartner: true),
        .eth1: member(facts.server, .eth1, isUp: false, hasPartner: false),
      ]
      #expect(
        WaitCondition.lacp.missing(in: facts)
          == [Missing(.lacp, .eth1, "no LACP partner on eth1", advice: "no LACPDU heard")])
      facts.members[.eth1] = member(facts.server, .eth1, isUp: false, hasPartner: true)
      #expect(texts(.lacp, facts) == ["the LACP partner on eth1 is not in sync"])
      facts.members[.eth1] = member(facts.server, .eth1, isUp: true, hasPartner: true)
      #expect(texts(.lacp, facts) == [])
      try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "layer2-individual"}"#)
      facts.server = try #require(await api.keeper.rack.servers[facts.server.id])
      #expect(texts(.lacp, facts) == ["has no NIC in a bond"])
    }
  }

  @Test("each address has been heard; a server that is switched off has nothing")
  func addresses() async throws {
    try await WholeAPI.test { api in
      var facts = WaitFacts(server: try await server("layer3", in: api), attached: [.eth0, .eth1])
      let addresses = facts.server.addresses.map(\.address)
      #expect(addresses.count == 3 && texts(.address, facts) == addresses.map { "nobody answers at \($0)" })
      facts.neighbours = addresses.enumerated().map { index, address in
        NeighbourStatus(
          place: .server(facts.server.id, hostname: "web1"), address: address, mac: index == 0 ? nil : MACAddress(1),
          state: index == 0 ? "failed" : "stale", age: 0)
      }
      #expect(texts(.address, facts) == ["nobody answers at \(addresses[0])"])
      facts.neighbours[0].mac = MACAddress(1)
      #expect(texts(.address, facts) == [] && texts(.active, facts) == [])
      facts.server.isPoweredOn = false
      for condition in [.active, .link(nil), .lacp, .address, .ping("10.0.0.1"), .phoneHome] as [WaitCondition] {
        #expect(texts(condition, facts) == ["is switched off"], "\(condition)")
      }
    }
  }

  @Test("no look from before a change answers for what is after it, and callers do not see each other's")
  func looks() async throws {
    try await WholeAPI.test { api in
      let server = try await server("layer2-bonded", in: api)
      func call(_ access: Access) -> Call {
        Call(
          prefix: "", path: "", parameters: [:], arguments: Arguments(members: []), access: access, keeper: api.keeper)
      }
      let (whole, other) = (call(Access(scope: .all, by: "anna")), call(Access(scope: .none, by: "nobody")))
      let looks = SharedLooks()
      #expect(await looks.members(whole, from: .now).isEmpty)
      await api.keeper.know([], [member(server, .eth0, isUp: true, hasPartner: true)], [])
      #expect(await looks.members(whole, from: .now).count == 1)
      #expect(await looks.members(other, from: .now - .seconds(1)).isEmpty)
    }
  }

  @Test("what cannot be asked is refused, with what can")
  func refusals() async throws {
    try await WholeAPI.test { api in
      _ = try await server("layer3", in: api)
      for (body, status, words) in [
        ("{}", 422, "servers is missing"), (#"{"servers": []}"#, 422, "0 entries"),
        (#"{"servers": ["web9"]}"#, 404, "there is no server \"web9\""),
        (#"{"servers": ["web1"], "timeout_ms": -1}"#, 422, "out of range"),
        (#"{"servers": ["web1"], "conditions": {"links": true}}"#, 422, "valid are link, lacp"),
        (#"{"servers": ["web1"], "conditions": {"link": "bond0"}}"#, 422, "valid are true, eth0 and eth1"),
        (#"{"servers": ["web1"], "conditions": {"ping": "-f"}}"#, 422, "is no address"),
        (#"{"servers": ["web1"], "conditions": ["link"]}"#, 422, "must be an object"),
      ] {
        try await api.refuse(.post, "/toprack/wait", body, status, words)
      }
    }
  }

  @Test("when the time is over the answer says what is missing of each")
  func timeout() async throws {
    try await WholeAPI.test { api in
      let server = try await server("layer3", in: api)
      let answer = try await api.call(.post, "/toprack/wait", #"{"servers": ["web1", "WEB1"], "timeout_ms": 0}"#)
      #expect(answer["met"] == false && answer["ended"] == .null)
      let missing = answer["missing"]?.elements ?? []
      #expect(missing.map { $0["text"]?.string } == ["eth0 is not there", "eth1 is not there"])
      #expect(missing.allSatisfy { $0["server_id"] == .string("\(server.id)") && $0["condition"] == "active" })
      _ = try await api.call(
        .post, "/toprack/wait", #"{"servers": ["web1"], "conditions": {"address": true}, "timeout_ms": 0}"#)
      #expect(await api.keeper.sought == [server.id], "the gateway was asked")
    }
  }

  @Test("a machine that phones home ends the wait, now or before; a new installation begins anew")
  func phoneHome() async throws {
    try await WholeAPI.test { api in
      let server = try await server("layer3", in: api)
      let body = #"{"servers": ["web1"], "conditions": {"phone_home": true}, "timeout_ms": 600000}"#
      async let coming = api.call(.post, "/toprack/wait", body)
      while await api.keeper.watcherCount == 0 { await Task.yield() }
      await api.keeper.note("device.phone_home", "web1 phoned home", of: server.id)
      #expect(try await coming["met"] == true)
      #expect(try await api.call(.post, "/toprack/wait", body)["met"] == true)
      try await api.call(
        .post, "/devices/\(server.id)/actions", #"{"type": "reinstall", "operating_system": "debian_11"}"#, 202)
      let short = body.replacing("600000", with: "0")
      #expect(try await api.call(.post, "/toprack/wait", short)["missing"]?[0]?["text"] == "has not phoned home")
      #expect(await api.keeper.watchers(fallTo: 0), "nobody watches any more")
    }
  }

  @Test("what is true later is seen without an event, and a deletion ends the wait")
  func later() async throws {
    try await WholeAPI.test { api in
      let server = try await server("layer2-bonded", in: api)
      let body = #"{"servers": ["web1"], "conditions": {"lacp": true}, "timeout_ms": 600000}"#
      async let coming = api.call(.post, "/toprack/wait", body)
      while await api.keeper.watcherCount == 0 { await Task.yield() }
      await api.keeper.know([], PortName.nics.map { member(server, $0, isUp: true, hasPartner: true) }, [])
      #expect(try await coming["met"] == true)
      await api.keeper.know([], [], [])
      async let never = api.call(.post, "/toprack/wait", body)
      while await api.keeper.watcherCount == 1 { await Task.yield() }
      try await api.call(.delete, "/devices/\(server.id)", nil, 204)
      let answer = try await never
      #expect(answer["met"] == false && answer["ended"] == "web1 was deleted")
    }
  }
}
