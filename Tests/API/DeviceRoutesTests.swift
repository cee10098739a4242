import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Devices") struct DeviceRoutesTests {
  @Test("what is written on a device when it is made comes back")
  func create() async throws {
    try await WholeAPI.test { api in
      let device = try await api.device(
        #", "hostname": "web1", "description": "d", "tags": ["a", "b"], "userdata": "\#(#"#!/bin/sh\n"#)", "#
          + #""customdata": "{\"a\": [1]}", "locked": true, "network_frozen": true, "always_pxe": true, "#
          + #""ipxe_script_url": "http://x/", "public_ipv4_subnet_size": 31, "features": {}, "billing_cycle": "hourly""#
      )
      #expect(device["hostname"] == "web1" && device["description"] == "d" && device["tags"] == ["a", "b"])
      #expect(device["userdata"] == "#!/bin/sh\n" && device["customdata"] == ["a": [1]])
      #expect(device["locked"] == true && device["network_frozen"] == true && device["always_pxe"] == true)
      #expect(device["ipxe_script_url"] == "http://x/" && device["state"] == "active")
      let id = try api.id(device)
      #expect(try await api.call(.get, "/devices/\(id)") == device)
      #expect(try await api.call(.get, "/devices/\(id)/userdata") == ["userdata": "#!/bin/sh\n"])
      #expect(try await api.call(.get, "/devices/\(id)/customdata") == ["a": [1]])
      let metadata = try await api.call(.get, "/devices/\(id)/metadata")
      #expect(metadata["tags"] == ["a", "b"] && metadata["customdata"] == ["a": [1]])
      #expect(metadata["network"]?["addresses"]?.elements.count == 3)
    }
  }

  @Test("what each mode would do is said before, with what is lost and what is in the way")
  func modes() async throws {
    try await WholeAPI.test { api in
      let device = try await api.device(#", "hostname": "web1""#)
      let said = try await api.call(.get, "/toprack/devices/web1/modes").elements
      #expect(said.map { $0["mode"] } == ["layer3", "hybrid", "layer2-bonded", "layer2-individual"])
      #expect(said.map { $0["current"] } == [true, false, false, false])
      #expect(said.map { $0["possible"] } == [false, true, true, true])
      #expect(said[1]["released"] == [] && said[1]["leaving"] == ["eth1"])
      #expect(said[2]["leaving"] == [] && said[2]["released"]?.elements.count == 3)
      let change = try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "layer2-individual"}"#)["change"]
      #expect(change?["released"] == said[3]["released"] && change?["changed"] == true)

      _ = try await api.network(1001)
      let eth0 = try api.id(device["network_ports"]?[1])
      try await api.call(.post, "/ports/\(eth0)/assign", #"{"vnid": 1001}"#)
      let blocked = try await api.call(.get, "/toprack/devices/web1/modes")[0]
      #expect(blocked?["possible"] == false && blocked?["refusal"]?.elements.count == 1)
      #expect(blocked?["displaced"]?[0]?["port"] == "eth0")
      #expect(blocked?["displaced"]?[0]?["virtual_networks"]?[0]?["vxlan"] == 1001)

      try await api.call(.post, "/ports/\(eth0)/unassign", #"{"vnid": 1001}"#)
      let given = try await api.call(.get, "/toprack/devices/web1/modes")[0]?["given"]
      let back = try await api.call(.put, "/toprack/devices/web1/mode", #"{"mode": "layer3"}"#)["change"]
      #expect(given?.elements.count == 3 && back?["given"] == given)
    }
  }

  @Test("only the kinds of address that are asked for are given")
  func addresses() async throws {
    try await WholeAPI.test { api in
      let device = try await api.device(
        #", "ip_addresses": [{"address_family": 4, "public": false, "cidr": 31, "ip_reservations": []}]"#)
      let addresses = try await api.call(.get, "/devices/\(api.id(device))/ips")["ip_addresses"]?.elements ?? []
      #expect(addresses.count == 1 && addresses[0]["public"] == false)
    }
  }

  @Test(
    "what cannot be is refused, with the member that is wrong",
    arguments: [
      (#""tags": "a""#, "tags must be a list of texts, not a text"),
      (#""tags": {"a": 1}"#, "tags must be a list"), (#""tags": [1]"#, "1 is none"),
      (#""tags": [""]"#, "tag \"\" is not valid"), (#""customdata": "x""#, "customdata must be a JSON object"),
      (#""customdata": []"#, "customdata must be a JSON object, not an array"), (#""locked": 1"#, "locked must be"),
      (#""userdata": {}"#, "userdata must be a text"), (#""always_pxe": "yes""#, "always_pxe must be"),
      (#""public_ipv4_subnet_size": 29"#, "valid is 31"), (#""hostname": "-""#, "hostname"),
      (#""ip_addresses": [{"address_family": 4}]"#, "no private IPv4"),
      (#""ip_addresses": [{"address_family": 4, "cidr": 29}]"#, "asks for cidr 29 of family 4; valid is 31"),
      (#""ip_addresses": [{"address_family": 4, "ip_reservations": ["x"]}]"#, "ip_reservations"),
      (#""ip_addresses": {}"#, "ip_addresses is an object"), (#""ip_addresses": [4]"#, "has the entry 4"),
    ])
  func wrongRequest(_ member: String, _ words: String) async throws {
    try await WholeAPI.test { api in
      let project = try await api.project()
      try await api.refuse(
        .post, "/projects/\(project)/devices",
        #"{"plan": "c3.small.x86", "operating_system": "debian_12", "facility": "ewr1", \#(member)}"#, 422, words)
      #expect(try await api.call(.get, "/projects/\(project)/devices")["devices"] == [])
    }
  }

  @Test(
    "a change leaves alone what is not given or null, by either method", arguments: [HTTPRequest.Method.put, .patch])
  func update(_ method: HTTPRequest.Method) async throws {
    try await WholeAPI.test { api in
      let id = try api.id(try await api.device(#", "hostname": "web1", "tags": ["a"], "description": "d""#))
      let path = "/devices/\(id)"
      let same = try await api.call(
        method, path, #"{"hostname": null, "tags": null, "description": null, "billing_cycle": 4, "spot_instance": {}}"#
      )
      #expect(same["hostname"] == "web1" && same["tags"] == ["a"] && same["description"] == "d")
      let other = try await api.call(
        method, "\(path)?include=facility",
        #"{"hostname": "web2", "tags": {}, "description": "", "userdata": "u", "customdata": {"k": null}}"#)
      #expect(other["hostname"] == "web2" && other["tags"] == [] && other["description"] == .null)
      #expect(other["userdata"] == "u" && other["customdata"] == ["k": nil])
      #expect(try await api.call(method, path, nil) == other)
      try await api.refuse(method, path, #"{"locked": 5, "tags": 5}"#, 422, "tags must be")
      try await api.refuse(method, path, #"{"hostname": "a_b"}"#, 422, "hostname")
      try await api.refuse(method, "/devices/\(api.project())", "{}", 404, "there is no device")
    }
  }

  @Test("a locked device is not deleted, whatever force is asked for, and an unlocked one is")
  func lock() async throws {
    try await WholeAPI.test { api in
      let id = try api.id(try await api.device(#", "locked": true"#))
      try await api.refuse(.delete, "/devices/\(id)?force_delete=true", nil, 422, "is locked")
      try await api.refuse(.delete, "/devices/\(id)", #"{"force_delete": 1}"#, 422, "force_delete must be")
      try await api.call(.patch, "/devices/\(id)", #"{"locked": false}"#)
      let gone = try await api.ask(.delete, "/devices/\(id)", #"{"force_delete": false}"#)
      #expect(gone.status == .noContent && gone.bytes.isEmpty)
      try await api.refuse(.delete, "/devices/\(id)", nil, 404, "there is no device")
    }
  }

  @Test("power goes and comes back, with an event for each time, and answers have no body")
  func actions() async throws {
    try await WholeAPI.test { api in
      let id = try api.id(try await api.device())
      func act(_ type: String) async throws {
        let answer = try await api.ask(.post, "/devices/\(id)/actions", #"{"type": "\#(type)", "preserve_data": true}"#)
        #expect(answer.status == .accepted && answer.bytes.isEmpty, "\(type)")
      }
      func state() async throws -> JSON? { try await api.call(.get, "/devices/\(id)")["state"] }
      try await act("power_off")
      #expect(try await state() == "inactive")
      try await api.refuse(.post, "/devices/\(id)/actions", #"{"type": "reboot"}"#, 422, "is switched off")
      try await act("reinstall")
      #expect(try await state() == "active")
      for type in ["reboot", "rescue", "power_on", "power_off", "power_on"] { try await act(type) }
      #expect(try await state() == "active")
      let events = try await api.call(.get, "/devices/\(id)/events")["events"]?.elements ?? []
      #expect(
        events.compactMap { $0["type"]?.string } == [
          "device.power_on", "device.power_off", "device.rescue", "device.reboot", "provisioning.110",
          "device.reinstall", "device.power_off", "provisioning.110", "device.create", "provisioning.100",
        ])
      for (body, words) in [
        ("{}", "type is missing"), (#"{"type": "burn"}"#, "valid are power_on"), (#"{"type": 1}"#, "text"),
      ] {
        try await api.refuse(.post, "/devices/\(id)/actions", body, 422, words)
      }
    }
  }

  @Test(
    "the list is filtered by everything that is given",
    arguments: [
      ("", ["web1", "web2"]), ("tag=a", ["web1"]), ("tag=c", []), ("type=x1.small.x86", ["web2"]),
      ("type=baremetal_1e", ["web2"]), ("plan=c3.small.x86", ["web1"]), ("facility=ewr1", ["web1"]),
      ("metro=am", ["web2"]), ("hostname=WEB2", ["web2"]), ("search=web", ["web1", "web2"]), ("search=ams", ["web2"]),
      ("tag=a&hostname=web2", []),
    ])
  func filters(_ query: String, _ names: [String]) async throws {
    try await WholeAPI.test { api in
      _ = try await api.device(#", "hostname": "web1", "tags": ["a"]"#)
      let project = try await api.project()
      try await api.call(
        .post, "/projects/\(project)/devices",
        #"{"hostname": "web2", "plan": "baremetal_1e", "operating_system": "debian_12", "metro": "am"}"#, 201)
      for path in ["/projects/\(project)", "/organizations/\(Owner.organization.text)"] {
        let list = try await api.call(.get, "\(path)/devices?\(query)")
        #expect(list["devices"]?.elements.compactMap { $0["hostname"]?.string } == names)
        #expect(list["meta"]?["total"] == .integer(names.count))
      }
    }
  }
}
