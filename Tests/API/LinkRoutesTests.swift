import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Links over the API") struct LinkRoutesTests {
  private static let sound: [JSON.Member] = [
    JSON.Member(name: "loss", value: 0), JSON.Member(name: "delay_ms", value: 0),
    JSON.Member(name: "jitter_ms", value: 0), JSON.Member(name: "reorder", value: 0),
    JSON.Member(name: "duplicate", value: 0), JSON.Member(name: "corrupt", value: 0),
    JSON.Member(name: "rate_bps", value: .null), JSON.Member(name: "seed", value: .null),
  ]

  @Test("values are set with units or as numbers, one keeps the others, and the list has a line a direction")
  func set() async throws {
    try await WholeAPI.test { api in
      _ = try await api.device(#", "hostname": "web1""#)
      #expect(try await api.call(.get, "/toprack/links") == [])
      let path = "/toprack/links/web1/eth0"
      try await api.call(.patch, path, #"{"to_server": {"loss": "1%", "delay": "20ms", "rate": "100mbit", "seed": 7}}"#)
      let link = try await api.call(.patch, path, #"{"to_server": {"jitter_ms": 0.5, "corrupt": 0.001}}"#)
      #expect(
        link["text"]
          == "to the server loss 1%, corrupt 0.1%, delay 20ms, jitter 0.5ms, rate 100mbit, seed 7"
          || link["text"]
            == "to the server loss 1%, corrupt 0.1%, delay 20ms, jitter 500us, rate 100mbit, seed 7"
      )
      #expect(link["state"] == "up" && link["down"] == false && link["to_server"]?["queue_ms"] == 50)
      let list = try await api.call(.get, "/toprack/links?server=web1&nic=eth0")
      #expect(
        list[0] == [
          "server": "web1", "nic": "eth0", "direction": "to-server", "loss": .number(0.01), "delay_ms": 20,
          "jitter_ms": .number(0.5), "reorder": 0, "duplicate": 0, "corrupt": .number(0.001),
          "rate_bps": 100_000_000, "seed": 7, "state": "up",
        ])
      #expect(
        list[1]
          == .object(
            [
              JSON.Member(name: "server", value: "web1"), JSON.Member(name: "nic", value: "eth0"),
              JSON.Member(name: "direction", value: "from-server"),
            ] + Self.sound + [JSON.Member(name: "state", value: "up")]))
      #expect(list[2] == nil)
      #expect(try await api.call(.get, "/toprack/links?server=web1")[3] != nil)
      #expect(try await api.call(.get, "/toprack/links")[2] == nil, "those that something is set of")

      // What an answer has can be sent back.
      let again = try await api.call(.put, path, #"{"to_server": {"loss": 0.01, "delay_ms": 20, "rate_bps": null}}"#)
      #expect(again["text"] == "to the server loss 1%, delay 20ms")
      #expect(try await api.call(.patch, path, #"{"to_server": {"loss": "0%"}}"#)["text"] == "to the server delay 20ms")
      #expect(try await api.call(.patch, path, #"{"clear": true}"#)["text"] == "")
    }
  }

  @Test("a link goes down by itself, which ports show, and a clear brings it up")
  func down() async throws {
    try await WholeAPI.test { api in
      _ = try await api.device(#", "hostname": "web1""#)
      let down = try await api.call(.patch, "/toprack/links/web1/eth1", #"{"state": "down"}"#)
      #expect(down["state"] == "down" && down["text"] == "down" && down["switch_failed"] == false)
      let ports = try await api.call(.get, "/toprack/devices/web1/ports")
      #expect(ports[2]?["link"]?["down"] == true && ports[1]?["link"]?["state"] == "up" && ports[0]?["link"] == nil)
      #expect(try await api.call(.get, "/toprack/links")[1]?["state"] == "down")
      #expect(try await api.call(.patch, "/toprack/links/web1/eth1", #"{"clear": true}"#)["state"] == "up")
      let event = try await api.call(.get, "/events")["events"]?[0]
      #expect(event?["type"] == "device.link")
    }
  }

  @Test("what is wrong is refused with the name, the rule and what would be valid")
  func refusals() async throws {
    try await WholeAPI.test { api in
      _ = try await api.device(#", "hostname": "web1""#)
      for (body, words) in [
        (#"{"to_server": {"loss": "5"}}"#, #"to_server: loss "5" is not valid; valid are 0% to 100%"#),
        (#"{"to_server": {"loss": 5}}"#, "or a number from 0 to 1"),
        (#"{"from_server": {"delay": 20}}"#, "from_server: delay 20 is not valid; valid are 0s to 10s"),
        (#"{"from_server": {"delay": "11s"}}"#, "eth0 of web1, from-server: delay 11s is too long"),
        (#"{"to_server": {"rate": "100"}}"#, "valid are 1kbit to 1000gbit a second"),
        (#"{"to_server": {"seed": -1}}"#, "valid are whole numbers"), (#"{"to_server": 5}"#, "must be an object"),
        (#"{"state": "off"}"#, "valid are up and down"), (#"{"down": 1}"#, "must be true or false"),
      ] { try await api.refuse(.patch, "/toprack/links/web1/eth0", body, 422, words) }
      try await api.refuse(.patch, "/toprack/links/web1/bond0", "{}", 404, "valid are eth0, eth1")
      try await api.refuse(.get, "/toprack/links/web9/eth0", nil, 404, "there is no server")
      try await api.refuse(.get, "/toprack/links?server=web1&nic=eth7", nil, 404, "web1 has no NIC")
    }
  }

  @Test("switches of a facility fail and are healed, also for servers that come meanwhile")
  func switches() async throws {
    try await WholeAPI.test { api in
      _ = try await api.device(#", "hostname": "web1", "facility": "ewr1""#)
      func failed(_ answer: JSON) -> [JSON?] { [answer["switches"]?[0]?["failed"], answer["switches"]?[1]?["failed"]] }
      let fail = try await api.call(.post, "/toprack/facilities/ewr1/fail", #"{"switch": "a"}"#)
      #expect(fail["changed"] == true && failed(fail) == [true, false])
      #expect(try await api.call(.post, "/toprack/facilities/EWR1/fail", #"{"switch": "a"}"#)["changed"] == false)
      _ = try await api.device(#", "hostname": "web2", "facility": "ewr1""#)
      for name in ["web1", "web2"] {
        let link = try await api.call(.get, "/toprack/links/\(name)/eth0")
        #expect(link["switch_failed"] == true && link["down"] == false && link["state"] == "down")
        #expect(link["text"] == "switch a of ewr1 has failed")
      }
      let list = try await api.call(.get, "/toprack/facilities")["facilities"]
      #expect(list?[0]?["code"] != nil)
      let heal = try await api.call(.post, "/toprack/facilities/ewr1/heal")
      #expect(heal["changed"] == true && failed(heal) == [false, false])
      try await api.refuse(.post, "/toprack/facilities/ewr1/fail", nil, 422, "switch is missing: give a or b")
      try await api.refuse(
        .post, "/toprack/facilities/ewr1/fail", #"{"switch": "c"}"#, 422, "is not known; valid are a or b")
      try await api.refuse(.post, "/toprack/facilities/x/fail", #"{"switch": "a"}"#, 404, "there is no facility")
    }
  }
}
