import Testing

/// Clients that have the original service's name built in: they find the daemon under it, as their users would have it.
extension Integration.ClientTests {
  @Test(
    "Apache Libcloud: places, sizes, images, servers, power, addresses, events; actions and updates in the query string"
  )
  func libcloud() throws {
    let service = try ServiceByName()
    let lab = try Lab(withHost: true, options: service.options)
    let client = try ClientDriver(.libcloud, of: lab, by: service)
    try client.expectRefusal(401, "projects", ["token": "not-a-token"], naming: "Invalid authentication token")
    let project = try client("projects")[0]["id"]
    #expect(try client("key_pairs") == [])

    let catalogue = try client("catalogue")
    #expect(catalogue["metros"]["ny"].string?.isEmpty == false)
    let size = catalogue["plans"]["c3.small.x86"]
    #expect((size["ram"].int ?? 0) > 0 && (size["disk"].int ?? 0) > 0 && (size["cpus"].int ?? 0) > 0)
    #expect(size["price"] != .null)
    #expect(catalogue["operating_systems"]["debian_12"] == "debian")

    let wanted: [String: JSON] = [
      "project": project, "hostname": "web", "plan": "c3.small.x86", "operating_system": "debian_12", "metro": "ny",
    ]
    let made = try client("create_device", wanted.merging(["userdata": "#cloud-config\n"]) { $1 })
    let device = made["id"]
    #expect(made["hostname"] == "web" && made["state"] == "running" && made["metro"] == "ny")
    #expect(made["size"] == "c3.small.x86" && made["image"] == "debian_12")
    #expect(made["public"].array?.count == 2 && made["private"].array?.count == 1)
    func carriers() throws -> [Bool] {
      try ["eth0", "eth1"].map { try lab.host?.run("cat", "/sys/class/net/web-\($0)/carrier").text == "1\n" }
    }
    try lab.host?.run("ip", "link", "set", "web-eth0", "up")
    try lab.host?.run("ip", "link", "set", "web-eth1", "up")
    #expect(try client("devices") == client("devices", ["project": "default"]))
    #expect(try client("devices").array?.count == 1)

    for (action, state, hasCarrier) in [
      ("off", "stopped", false), ("on", "running", true), ("reboot", "running", true), ("rescue", "running", true),
      ("reinstall", "running", true),
    ] {
      try client("power", ["device": device, "action": .string(action)])
      #expect(
        try lab.poll {
          try client("device", ["device": device])["state"] == .string(state)
            && carriers() == [hasCarrier, hasCarrier]
        }, "\(action)")
    }

    let changes = JSON.object(["hostname": "web2", "description": "a b&c=d", "tags": ["x", "y"], "locked": true])
    let changed = try client("update_device", ["device": device, "changes": changes])
    #expect(changed["hostname"] == "web2" && changed["description"] == "a b&c=d" && changed["locked"] == true)
    #expect(try lab.toprack.json("server", "show", "web2")["tags"] == ["x", "y"])
    try client.expectRefusal(nil, "delete_device", ["device": device], naming: "Cannot delete a locked item")
    let unlocked = try client("update_device", ["device": device, "changes": .object(["locked": false])])
    #expect(unlocked["locked"] == false && unlocked["hostname"] == "web2")

    let block = try client("reserve", ["project": project, "metro": "ny", "quantity": 2, "comments": "for web2"])
    #expect(block["cidr"] == 31 && block["assignments"] == 0 && block["gateway"].string?.isEmpty == false)
    let address = "\(block["network"].string ?? "")/31"
    #expect(try client("addresses", ["project": project, "associated": true]) == [])
    let assigned = try client("associate", ["device": device, "address": .string(address)])
    #expect(try client("assignments", ["device": device]).array?.contains(.string(address)) == true)
    #expect(try client("addresses", ["project": project, "associated": true])[0]["id"] == block["id"])
    #expect(try client("address", ["address": assigned["id"]])["gateway"] == block["gateway"])
    try client.expectRefusal(nil, "associate", ["device": device, "address": .string(address)], naming: "assigned")
    try client("disassociate", ["address": assigned["id"]])
    #expect(try client("assignments", ["device": device]).array?.count == 3)
    try client("disassociate", ["address": block["id"]])
    #expect(try client("addresses", ["project": project, "associated": false]) == [])

    let events = try client("events", ["device": device]).array ?? []
    for type in ["provisioning.100", "provisioning.110", "device.rescue", "device.reinstall"] {
      #expect(events.contains(.string(type)), "\(events)")
    }
    #expect(try (client("events", ["project": project]).array ?? []).count >= events.count)
    #expect(try client("bgp", ["project": project]).array?.count == 1)

    try client.expectRefusal(
      nil, "create_device", wanted.merging(["metro": "dc", "plan": "t1.small.x86"]) { $1 }, naming: "t1.small.x86")
    try client("delete_device", ["device": device])
    #expect(try client("devices") == [])
    #expect(try Interface.list(in: lab.host).map(\.name) == ["toprack0"], "NICs are left")
    let verified = try lab.verify()
    #expect(verified.status == 0, "\(verified.text)\(verified.errors)")
  }

  @Test(
    "Ansible's packet_* modules make a rack, change it and take it away; each playbook changes nothing when run again")
  func ansible() throws {
    let service = try ServiceByName()
    let lab = try Lab(withHost: true, options: service.options)
    let ansible = Playbook(lab: lab, service: service)
    // A project, two servers (one task), a reservation, its address.
    try ansible.settles("site", changes: 4)
    let names = ["web-01", "web-02"]
    #expect(try Lab.names(lab.toprack.json("server", "list")).sorted() == names)
    let nics = names.flatMap { ["\($0)-eth0", "\($0)-eth1"] }
    #expect(try Interface.list(in: lab.host).map(\.name).sorted() == (["toprack0"] + nics).sorted())
    for nic in nics { try lab.host?.run("ip", "link", "set", nic, "up") }
    func haveCarrier(_ wanted: Bool) throws -> Bool {
      try nics.allSatisfy {
        try lab.host?.run("cat", "/sys/class/net/\($0)/carrier").text == (wanted ? "1\n" : "0\n")
      }
    }
    let addresses = try (lab.toprack.json("server", "show", "web-01")["ip_addresses"].array ?? [])
    #expect(addresses.count == 4 && addresses.last?["management"] == false)

    #expect(try lab.poll { try haveCarrier(true) })
    // Each state is asked for twice; a reboot is one each time.
    for (state, changes, hasCarrier) in [("inactive", 1, false), ("active", 1, true), ("rebooted", 2, true)] {
      let recap = try ansible("state", ["state": state])
      #expect(recap.status == 0 && recap.changed == changes, "\(recap.text)")
      #expect(try lab.poll { try haveCarrier(hasCarrier) }, "\(state)")
    }

    let locked = try ansible("locked")
    #expect(locked.status == 0 && locked.changed == 1, "\(locked.text)")
    #expect(try Lab.names(lab.toprack.json("server", "list")).sorted() == ["kept"] + names)
    try lab.toprack("server", "set", "kept", "--unlock")
    try lab.toprack("server", "delete", "kept")

    // The address, the servers, the project with the reservation in it.
    try ansible.settles("away", changes: 3)
    #expect(try Lab.names(lab.toprack.json("server", "list")) == [])
    #expect(try Interface.list(in: lab.host).map(\.name) == ["toprack0"], "NICs are left")
    let verified = try lab.verify()
    #expect(verified.status == 0, "\(verified.text)\(verified.errors)")
  }
}
