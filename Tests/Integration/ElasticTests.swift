import Foundation
import Testing

extension Integration {
  @Suite("Addresses and elastic blocks") struct ElasticTests {
    @Test("reserve, assign in parts, convert, restart, unassign, release: as the command line has it")
    func commandLine() throws {
      let lab = try Lab()
      for name in ["web1", "web2"] {
        try lab.toprack("server", "create", name, "--netns=\(lab.namespace(name).name)")
      }
      let reserved = try lab.toprack("ip", "reserve", "--size", "29")
      #expect(reserved.hasPrefix("198.18.24.0/29 in ewr1 reserved: "))
      let id = try #require(reserved.split(separator: " ").last.map { $0.trimmingCharacters(in: .newlines) })
      let far = try lab.toprack("ip", "reserve", "--size", "32", "--facility", "sjc1")
      #expect(far.hasPrefix("198.18.56.0/32 in sjc1"))
      #expect(try lab.toprack("ip", "assign", "web1", "198.18.24.4/30").hasPrefix("198.18.24.4/30 is routed to web1: "))
      try lab.toprack("ip", "assign", "web2", "198.18.24.1")

      let all = try lab.toprack("ip", "list")
      for word in ["198.18.0.1/31", "2001:db8::1/127", "198.18.24.4/30", "198.18.24.1/32", "198.18.24.0/29", id] {
        #expect(all.contains(word), "\(all)")
      }
      let own = try lab.toprack("ip", "list", "web2")
      #expect(own.contains("198.18.24.1/32") && own.contains("198.18.24.0/29") && !own.contains("198.18.24.4/30"))
      #expect(try lab.toprack("server", "show", "web1").contains("198.18.24.4/30 elastic"))
      #expect(try lab.toprack.json("ip", "list")["ip_reservations"].array?.count == 2)

      let refused = try lab.toprack.attempt(["ip", "release", "198.18.24.0/29"])
      #expect(refused.status == 1 && refused.errors.contains("web1, web2") && refused.errors.contains("ip unassign"))

      let before = try lab.toprack.json("ip", "list")
      lab.daemon.kill()
      try lab.daemon.start()
      #expect(try lab.toprack.json("ip", "list") == before)

      let left = try lab.toprack("server", "mode", "web1", "layer2-bonded")
      #expect(left.contains("released for good: 198.18.0.1/31, 10.64.0.1/31, 2001:db8::1/127"), "\(left)")
      #expect(left.contains("unassigned, still reserved: 198.18.24.4/30"), "\(left)")
      let layer2 = try lab.toprack.attempt(["ip", "assign", "web1", "198.18.24.4/30"])
      #expect(layer2.status == 1 && layer2.errors.contains("web1 is layer2-bonded"), "\(layer2.errors)")
      #expect(try lab.toprack("server", "mode", "web1", "hybrid").contains("new addresses: 198.18.0.5/31"))
      #expect(try lab.toprack("server", "mode", "web1", "hybrid") == "web1 is hybrid already; nothing changed\n")

      try lab.toprack("ip", "assign", "web1", "198.18.24.4/30")
      let unassigned = try lab.toprack("ip", "unassign", id)
      #expect(unassigned.split(separator: "\n").count == 2, "\(unassigned)")
      try lab.toprack("ip", "assign", "web2", "198.18.24.0/31")
      try lab.toprack("server", "delete", "web2")
      #expect(try lab.toprack("ip", "release", "198.18.24.0/29") == "198.18.24.0/29 released\n")
      #expect(try lab.toprack("ip", "reserve", "--size", "29").hasPrefix("198.18.24.8/29"), "it rests")
    }

    @Test(
      "reserve, assign, ask what is available, unassign, release: as clients of the API do",
      arguments: ["", "/metal/v1"])
    func api(_ prefix: String) throws {
      let lab = try Lab()
      func call(_ method: String, _ path: String, _ body: String? = nil, _ status: Int) throws -> JSON {
        let answer = try HTTPAnswer(method, prefix + path, body: body, socket: lab.daemon.socket)
        #expect(
          answer.status == status, "\(method) \(path): \(String(decoding: answer.body.prefix(200), as: UTF8.self))")
        return answer.json
      }
      try lab.toprack("server", "create", "web1", "--netns=\(lab.namespace("web1").name)")
      let device = try #require(try lab.toprack.json("server", "show", "web1")["id"].string)
      let project = try #require(try call("GET", "/projects", nil, 200)["projects"][0]["id"].string)

      let reservation = try call(
        "POST", "/projects/\(project)/ips",
        #"{"type": "public_ipv4", "quantity": 4, "facility": "ewr1", "details": "mine", "tags": null, "customdata": {}}"#,
        201)
      let block = try #require(reservation["id"].string)
      #expect(reservation["href"].string == "\(prefix)/ips/\(block)")
      #expect(reservation["type"].string == "public_ipv4" && reservation["assigned_to"] == .null)
      _ = try call(
        "POST", "/projects/\(project)/ips", #"{"type": "public_ipv4", "quantity": 5, "facility": "ewr1"}"#, 422)
      _ = try call(
        "POST", "/projects/\(device)/ips", #"{"type": "public_ipv4", "quantity": 4, "facility": "ewr1"}"#, 404)

      let assignment = try call("POST", "/devices/\(device)//ips", #"{"address": "198.18.24.2/31"}"#, 201)
      let part = try #require(assignment["id"].string)
      #expect(
        assignment["management"].bool == false
          && assignment["assigned_to"]["href"].string == "\(prefix)/devices/\(device)")
      _ = try call("POST", "/devices/\(device)/ips", #"{"address": "198.18.24.2/31"}"#, 422)
      _ = try call("POST", "/devices/\(device)/ips", #"{"address": "8.8.8.8/32"}"#, 422)
      _ = try call("POST", "/devices/\(device)/ips", "{}", 422)
      #expect(try call("GET", "/devices/\(device)/ips", nil, 200)["ip_addresses"].array?.count == 4)
      #expect(try call("GET", "/devices/\(device)", nil, 200)["ip_addresses"].array?.last?["id"].string == part)
      #expect(try call("GET", "/ips/\(part)", nil, 200) == assignment)
      #expect(try call("GET", "/ips/\(block)", nil, 200)["assignments"][0]["href"].string == "\(prefix)/ips/\(part)")

      let list = try call("GET", "/projects/\(project)/ips?per_page=5", nil, 200)
      #expect(list["ip_addresses"].array?.count == 1 && list["meta"]["total"].int == 1)
      #expect(try call("GET", "/projects/\(project)/ips?types=private_ipv4", nil, 200)["ip_addresses"] == .array([]))
      let free = try call("GET", "/ips/\(block)/available?cidr=32", nil, 200)
      #expect(free["available"].array?.map(\.string) == ["198.18.24.0/32", "198.18.24.1/32"])
      #expect(try call("GET", "/ips/\(block)/available?cidr=30", nil, 200)["available"] == .array([]))
      _ = try call("GET", "/ips/\(block)/available?cidr=29", nil, 422)
      _ = try call("GET", "/ips/\(part)/available?cidr=32", nil, 422)

      _ = try call("DELETE", "/ips/\(block)", nil, 422)
      _ = try call("DELETE", "/ips/\(part)", nil, 204)
      _ = try call("GET", "/ips/\(part)", nil, 404)
      _ = try call("DELETE", "/ips/\(block)", nil, 204)
      _ = try call("DELETE", "/ips/\(block)", nil, 404)
      let management = try #require(try call("GET", "/devices/\(device)/ips", nil, 200)["ip_addresses"][0]["id"].string)
      _ = try call("DELETE", "/ips/\(management)", nil, 422)
    }

    @Test("what network-config prints without a bond works when it is typed, and can be typed again")
    func typed() throws {
      let lab = try Lab()
      let namespace = lab.namespace("web1")
      try lab.toprack("server", "create", "web1", "--netns=\(namespace.name)")
      try lab.toprack("ip", "reserve", "--size", "31")
      try lab.toprack("ip", "assign", "web1", "198.18.24.0/31")
      func type() throws {
        let text = try lab.toprack("server", "network-config", "web1", "--no-bond")
        let finished = try run([
          "ip", "netns", "exec", namespace.name, "sh", "-e", "-c",
          text.replacing("ip link delete bond0 2>/dev/null\n", with: ""),
        ])
        #expect(finished.status == 0 && finished.errors.isEmpty, "\(finished.errors)")
      }
      func addresses() throws -> String {
        try run(["ip", "-n", namespace.name, "-brief", "address", "show", "eth0"]).text
      }
      for _ in 1...2 {
        try type()
        for address in ["198.18.0.1/31", "10.64.0.1/31", "2001:db8::1/127", "198.18.24.0/32", "198.18.24.1/32"] {
          #expect(try addresses().contains(address))
        }
        let routes = try run(["ip", "-n", namespace.name, "route"]).text
        #expect(routes.contains("default via 198.18.0.0") && routes.contains("10.0.0.0/8 via 10.64.0.0"))
        #expect(try run(["ip", "-n", namespace.name, "-6", "route"]).text.contains("default via 2001:db8:: "))
      }
      try lab.toprack("server", "mode", "web1", "layer2-individual")
      try lab.toprack("set", "mtu", "web1", "9000")
      try type()
      #expect(try !addresses().contains("198.18") && !addresses().contains("2001:db8"))
      #expect(try run(["ip", "-n", namespace.name, "route"]).text.isEmpty)
    }

    @Test("pools of the settings are where addresses come from, and leaving one that is in use is refused")
    func pools() throws {
      let settings = "pools:\n  ewr1:\n    public-ipv4: 203.0.113.0/24\n    private-ipv4: 192.168.4.0/24\n"
      let lab = try Lab(settings: settings)
      try lab.toprack("server", "create", "web1", "--netns=\(lab.namespace("web1").name)")
      let addresses = try lab.toprack.json("server", "show", "web1")["ip_addresses"].array?.map { $0["address"].string }
      #expect(addresses == ["203.0.113.1", "2001:db8::1", "192.168.4.1"])
      #expect(try lab.toprack("ip", "reserve", "--size", "29").hasPrefix("203.0.113.192/29"))
      #expect(try lab.daemon.stop() == 0)
      // The default ranges.
      let refused = try lab.daemon.rival()
      #expect(refused.status == 1)
      for word in ["203.0.113.1", "web1", "pools.ewr1.public-ipv4, 198.18.0.0/19", "layer 2"] {
        #expect(refused.errors.contains(word), "\(refused.errors)")
      }
      try lab.daemon.start()
    }
  }
}
