import Testing

/// The calls of clients of the real service, over the daemon's socket, in their order and with their bodies.
extension Integration {
  @Suite("Clients of the API") struct ClientFlowTests {
    @Test(
      "create, convert, attach, detach, delete: statuses and answers as packngo and packet-python expect",
      arguments: ["", "/metal/v1"])
    func lifeOfAServer(_ prefix: String) throws {
      let lab = try Lab()
      func call(_ method: String, _ path: String, _ body: String? = nil, _ status: Int) throws -> JSON {
        let answer = try HTTPAnswer(method, prefix + path, body: body, socket: lab.daemon.socket)
        #expect(
          answer.status == status, "\(method) \(path): \(String(decoding: answer.body.prefix(200), as: UTF8.self))")
        return answer.json
      }
      let project = try #require(try call("GET", "/projects", nil, 200)["projects"][0]["id"].string)
      #expect(try call("GET", "/plans", nil, 200)["plans"].array?.isEmpty == false)
      #expect(try call("GET", "/facilities", nil, 200)["facilities"].array?.isEmpty == false)
      #expect(try call("GET", "/operating-systems", nil, 200)["operating_systems"].array?.isEmpty == false)

      let place = lab.namespace("web1").name
      let device = try call(
        "POST", "/projects/\(project)/devices",
        """
        {"hostname":"web1","plan":"c3.small.x86","facility":["ewr1"],"operating_system":"debian_12","tags":null,
         "features":{},"billing_cycle":"hourly","public_ipv4_subnet_size":31,"toprack":{"netns":"\(place)"}}
        """, 201)
      let id = try #require(device["id"].string)
      #expect(device["href"].string == "\(prefix)/devices/\(id)")
      let ports = try #require(device["network_ports"].array)
      let (bond, eth0, eth1) = (ports[0]["id"].string ?? "", ports[1]["id"].string ?? "", ports[2]["id"].string ?? "")
      func type() throws -> String? {
        try call("GET", "/devices/\(id)", nil, 200)["network_ports"][0]["network_type"].string
      }
      #expect(try type() == "layer3")

      let network = try call(
        "POST", "/projects/\(project)/virtual-networks",
        "{\"facility\":\"ewr1\",\"vxlan\":null,\"vlan\":null,\"description\":null}", 201)
      let vlan = try #require(network["id"].string)
      let number = try #require(network["vxlan"].int)
      #expect((1_000...1_999).contains(number))

      // Hybrid, as packngo does it.
      #expect(
        try call("POST", "/ports/\(eth1)/disbond", "{\"bulk_disable\":false}", 200)["data"]["bonded"].bool == false)
      #expect(try type() == "hybrid")
      let attached = try call("POST", "/ports/\(eth1)/assign", "{\"id\":\"\(eth1)\",\"vnid\":\"\(vlan)\"}", 200)
      #expect(attached["virtual_networks"][0]["id"].string == vlan)
      _ = try call("DELETE", "/virtual-networks/\(vlan)", nil, 422)
      #expect(
        try call("POST", "/ports/\(eth1)/unassign", "{\"vnid\":\(number)}", 200)["virtual_networks"] == .array([]))
      // Layer 3 again: no VLANs left, bond everything.
      _ = try call("POST", "/ports/\(bond)/bond", "{\"bulk_enable\":true}", 200)
      #expect(try type() == "layer3")

      // Layer 2 individual and bonded.
      _ = try call("POST", "/ports/\(bond)/convert/layer-2", nil, 200)
      #expect(try type() == "layer2-bonded")
      #expect(try call("GET", "/devices/\(id)/ips", nil, 200)["ip_addresses"] == .array([]))
      _ = try call("POST", "/ports/\(bond)/disbond?bulk_disable=true", "{}", 200)
      #expect(try type() == "layer2-individual")
      _ = try call("POST", "/ports/\(eth0)/assign", "{\"vnid\":\"\(number)\"}", 200)
      _ = try call("POST", "/ports/\(eth0)/unassign", "{\"vnid\":\"\(number)\"}", 200)
      for port in [eth0, eth1] { _ = try call("POST", "/ports/\(port)/bond", "{}", 200) }
      #expect(try type() == "layer2-bonded")
      let layer3 = """
        {"request_ips":[{"address_family":4,"public":true},{"address_family":4,"public":false},
                        {"address_family":6,"public":true}]}
        """
      _ = try call("POST", "/ports/\(bond)/convert/layer-3", layer3, 200)
      #expect(try type() == "layer3")
      #expect(try call("GET", "/devices/\(id)/ips", nil, 200)["ip_addresses"].array?.count == 3)

      #expect(try call("GET", "/projects/\(project)/devices?page=1&per_page=5", nil, 200)["devices"].array?.count == 1)
      _ = try call("DELETE", "/devices/\(id)", "{\"force_delete\":false}", 204)
      _ = try call("GET", "/devices/\(id)", nil, 404)
      _ = try call("DELETE", "/virtual-networks/\(vlan)", nil, 204)
      #expect(!lab.namespace("web1").exists)
    }
  }
}
