import Foundation
import Testing

/// Unmodified clients of the real service against the daemon, over TLS with a token. Run by `scripts/test --clients`, which
/// prepares them.
///
/// Every step is judged three times: by what the client's own objects say afterwards, by the exception that a refusal becomes,
/// and by the wire.
extension Integration {
  @Suite("Unmodified clients", .enabled(if: ClientDriver.environment != nil, "TOPRACK_CLIENTS is not set"))
  struct ClientTests {
    @Test("who am I, projects, catalogue; a wrong token and what is not there", arguments: ClientLibrary.withPorts)
    func account(_ library: ClientLibrary) throws {
      let lab = try Lab(withHost: true, options: ClientDriver.options)
      let client = try ClientDriver(library, of: lab)
      #expect(try client("user").string?.isEmpty == false)
      try client.expectRefusal(401, "user", ["token": "not-a-token"], naming: "Invalid authentication token")

      let first = try client("projects")[0]
      let made = try client("create_project", ["name": "second"])
      #expect(made["name"] == "second")
      #expect(try client("rename_project", ["project": made["id"], "name": "renamed"])["name"] == "renamed")
      let two = try client("projects").array ?? []
      #expect(two.count == 2 && two.contains(first) && two.contains(made["id"]))
      try client("delete_project", ["project": made["id"]])
      #expect(try client("projects") == [first])

      let catalogue = try client("catalogue")
      #expect(catalogue["facilities"].array?.contains("ewr1") == true)
      #expect(catalogue["plans"].array?.contains("c3.small.x86") == true)
      #expect(catalogue["operating_systems"].array?.contains("debian_12") == true)

      let unknown: JSON = "5a1c0b4e-0000-4000-8000-000000000000"
      try client.expectRefusal(404, "device", ["device": unknown])
      let server: [String: JSON] = ["hostname": "web", "plan": "c3.small.x86", "facility": "ewr1"]
      try client.expectRefusal(404, "create_device", server.merging(["project": unknown]) { $1 })
      try client.expectRefusal(
        422, "create_device", server.merging(["project": first, "plan": "c9.huge"]) { $1 }, naming: "c9.huge")
      try client.expectRefusal(
        422, "create_device", server.merging(["project": first, "facility": "xyz9"]) { $1 }, naming: "xyz9")
      #expect(try client("all_devices", ["project": first, "per_page": 10])["hostnames"] == [])
    }

    @Test(
      "SSH keys of the user and of a project: made, changed, on a new device, removed",
      arguments: ClientLibrary.withPorts)
    func keys(_ library: ClientLibrary) throws {
      let lab = try Lab(withHost: true, options: ClientDriver.options)
      let client = try ClientDriver(library, of: lab)
      let project = try client("projects")[0]
      // With the newline that files and Go's own keys end with: clients compare.
      let lines: [JSON] = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGGHj0ogRnvWnHoVbJ0sKcB6sRYPAv8EsAIZDwHyDi/K anna@laptop\n",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo=",
      ]
      let user = try client("add_key", ["label": "me", "key": lines[0]])
      #expect(user["key"] == lines[0] && user["label"] == "me")
      #expect(user["fingerprint"] == "71:bf:b7:23:32:77:06:0b:8c:58:36:c7:3f:6c:70:6a")
      let own = try client("add_key", ["project": project, "label": "ci", "key": lines[1]])
      #expect(own["key"] == lines[1])
      #expect(try client("keys") == ["me"])
      try client.expectRefusal(422, "add_key", ["label": "again", "key": lines[0]], naming: "has this SSH key already")
      try client.expectRefusal(422, "add_key", ["label": "bad", "key": "ssh-rsa x"], naming: "malformed base64")
      #expect(try client("rename_key", ["key": own["id"], "label": "desk"])["label"] == "desk")

      let server: [String: JSON] = ["project": project, "hostname": "web", "plan": "c3.small.x86", "facility": "ewr1"]
      let device = try client("create_device", server)["id"]
      #expect(try client("device_keys", ["device": device]) == .array([own["id"], user["id"]]))
      try client("delete_key", ["key": user["id"]])
      #expect(try client("device_keys", ["device": device]) == .array([own["id"]]))
      try client("delete_key", ["key": own["id"]])
      try client.expectRefusal(404, "delete_key", ["key": own["id"]])
      try client("delete_device", ["device": device])
    }

    @Test("packet-python finds a project's key that is there already, with that project's token")
    func keyThatIsThere() throws {
      let lab = try Lab(withHost: true, options: ClientDriver.options)
      let client = try ClientDriver(.packetPython, of: lab)
      let project = try client("projects")[0]
      let made = try lab.toprack.json("token", "create", "ci", "--project", "default")
      let request: [String: JSON] = [
        "project": project, "label": "ci", "token": made["token"],
        "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGGHj0ogRnvWnHoVbJ0sKcB6sRYPAv8EsAIZDwHyDi/K anna@laptop",
      ]
      let first = try client("add_key", request)
      #expect(try client("add_key", request) == first)
    }

    @Test(
      "more devices than a page holds are all found by the client's own function", arguments: ClientLibrary.withPorts)
    func pages(_ library: ClientLibrary) throws {
      let lab = try Lab(withHost: true, options: ClientDriver.options)
      let client = try ClientDriver(library, of: lab)
      let project = try client("projects")[0]
      // packet-python leaves the size of a page to the service, where it is 10.
      var ids: [String: JSON] = [:]
      for number in 1...12 {
        let name = "page\(number)"
        let made = try client(
          "create_device",
          ["project": project, "hostname": .string(name), "plan": "c3.small.x86", "facility": "ewr1"])
        ids[name] = made["id"]
      }
      func hostnames() throws -> [String] {
        let all = try client("all_devices", ["project": project, "per_page": 5])
        return (all["hostnames"].array ?? []).compactMap(\.string).sorted()
      }
      #expect(try hostnames() == ids.keys.sorted())
      for id in ids.values { try client("delete_device", ["device": id]) }
      #expect(try hostnames().isEmpty)
      try client.expectRefusal(404, "device", ["device": ids["page1"] ?? nil])
      #expect(try Interface.list(in: lab.host).map(\.name) == ["toprack0"], "NICs are left")
    }

    @Test(
      "all twelve conversions by the client's own sequence, VLANs attached, native and detached in each mode: in answers and on the wire",
      arguments: ClientLibrary.withPorts)
    func conversions(_ library: ClientLibrary) throws {
      let rack = try ClientRack(library)
      try rack.expectWire(mode: .layer3)
      // A walk over all twelve.
      let walk: [Mode] = [
        .hybrid, .layer3, .layer2Bonded, .layer3, .layer2Individual, .layer3, .hybrid, .layer2Bonded, .hybrid,
        .layer2Individual, .hybrid, .layer2Bonded, .layer2Individual, .layer2Bonded, .layer3,
      ]
      for (step, mode) in walk.enumerated() {
        try rack.convert(to: mode, "step \(step)")
        switch mode {
        case .layer3: try rack.expectNoVLANs()
        case .hybrid: try rack.useVLANs(on: "eth1")
        case .layer2Bonded: try rack.useVLANs(on: "bond0")
        case .layer2Individual:
          try rack.useVLANs(on: "eth0")
          try rack.useVLANs(on: "eth1")
        }
      }
      try rack.remove()
    }

    @Test("packet-python's own tests: convert with a VLAN, and bonds made and broken with a VLAN on bond0")
    func oddSequence() throws {
      let rack = try ClientRack(.packetPython)
      let (client, device, network) = (rack.client, JSON.string(rack.id), JSON.string(rack.networks[0].id))
      func bond0(_ operation: String, _ more: [String: JSON]) throws {
        try client(operation, more.merging(["device": device, "port": "bond0"]) { $1 })
      }
      try bond0("layer2", ["network": network])
      try rack.expect(.layer2Bonded, on: "bond0", [0])
      try bond0("detach", ["network": network])
      try rack.expect(.layer2Bonded, on: "bond0", [])
      try bond0("attach", ["network": network])
      try bond0("bond", ["bulk": false])
      try rack.expect(.layer2Bonded, on: "bond0", [0])
      // The VLAN stays recorded on bond0, which carries nothing now.
      try bond0("disbond", ["bulk": false])
      #expect(try rack.device().mode == "layer2-individual")
      #expect(try rack.device().ports["bond0"]?.networks == [rack.networks[0].id])
      try rack.expectSilence("a broken bond")
      try bond0("detach", ["network": network])
      try client("attach", ["device": device, "port": "eth0", "network": network])
      try rack.expect(.layer2Individual, on: "eth0", [0])
      try client("detach", ["device": device, "port": "eth0", "network": network])
      try rack.remove()
    }

    @Test("equinix-metal attaches several VLANs with a native one in one batch, and reads the events of a device")
    func batch() throws {
      let rack = try ClientRack(.equinixMetal)
      let both = JSON.array(rack.networks.map { .string($0.id) })
      for (mode, port) in [(Mode.hybrid, "eth1"), (.layer2Bonded, "bond0"), (.layer2Individual, "eth0")] {
        try rack.convert(to: mode)
        try rack.client(
          "batch", ["device": .string(rack.id), "port": .string(port), "networks": both, "native": both[1]])
        try rack.expect(mode, on: port, [0, 1], native: 1)
        for network in rack.networks {
          try rack.client(
            "detach", ["device": .string(rack.id), "port": .string(port), "network": .string(network.id)])
        }
        try rack.expect(mode, on: port, [])
      }
      #expect(try rack.client("events", ["device": .string(rack.id)]).array?.isEmpty == false)
      try rack.remove()
    }

    @Test(
      "a device is described, switched off and on, and rebooted; its NICs follow", arguments: ClientLibrary.withPorts)
    func power(_ library: ClientLibrary) throws {
      let rack = try ClientRack(library)
      let device = JSON.string(rack.id)
      let shown = try rack.client("update_device", ["device": device, "description": "first", "tags": ["a", "b"]])
      #expect(shown["tags"] == ["a", "b"])
      #expect(shown["description"] == "first" || library == .packngo)
      try rack.client("power", ["device": device, "action": "off"])
      #expect(try rack.lab.poll { try rack.device().state == "inactive" && rack.carriers() == [false, false] })
      try rack.client("power", ["device": device, "action": "on"])
      #expect(try rack.lab.poll { try rack.device().state == "active" && rack.carriers() == [true, true] })
      try rack.expectWire(mode: .layer3)
      try rack.client("power", ["device": device, "action": "reboot"])
      #expect(try rack.lab.poll { try rack.device().state == "active" && rack.carriers() == [true, true] })
      try rack.expectWire(mode: .layer3)
      try rack.remove()
    }
  }
}
