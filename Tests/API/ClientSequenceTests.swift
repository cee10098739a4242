import HTTPTypes
import Net
import Rack
import Testing

@testable import API

/// What unmodified clients send in many forms, and what each of them must read to go on, where that takes more than a
/// recorded sequence (RecordedSequenceTests).
@Suite("What clients send, by client and version") struct ClientSequenceTests {

  @Test(
    "every answer has an identifier of its own: success, refusal, nothing there, a wrong method, the description, the portal"
  )
  func requestIDs() async throws {
    try await WholeAPI.test { api in
      var seen: Set<String> = []
      for (method, path) in [
        (HTTPRequest.Method.get, "/user"), (.get, "/user"), (.post, "/projects"), (.get, "/nothing"), (.put, "/user"),
        (.get, "/openapi.yaml"), (.delete, "/toprack/fdb"), (.get, "/portal"), (.get, "/"),
      ] {
        let answer = try await api.ask(method, path)
        let isNew = seen.insert(answer.headers[.requestID] ?? "").inserted
        #expect(isNew && seen.contains("") == false, "\(method) \(path)")
      }
    }
  }

  @Test("metal-cli 0.25: an empty facility beside a metro is none, and addresses asked for three times are given once")
  func metalCLI() async throws {
    try await WholeAPI.test { api in
      let project = try await api.project()
      let body = #""plan": "c3.small.x86", "operating_system": "debian_12", "hostname": "web1", "metro": "sv""#
      for (number, facility) in [#""""#, #"[""]"#, "[]", "null"].enumerated() {
        let made = try await api.call(
          .post, "/projects/\(project)/devices",
          "{\(body.replacing("web1", with: "web\(number)")), \"facility\": \(facility)}", 201)
        #expect(made["facility"]?["code"] == "sjc1")
      }
      let network = try await api.call(
        .post, "/projects/\(project)/virtual-networks", #"{"facility": "", "metro": "sv", "vxlan": 0}"#, 201)
      #expect(network["metro_code"] == "sv" && network["facility_code"] == .null)
      let block = try await api.call(
        .post, "/projects/\(project)/ips", #"{"type": "public_ipv4", "quantity": 1, "facility": "", "metro": "sv"}"#,
        201)
      #expect(block["facility"]?["code"] == "sjc1")
      try await api.refuse(
        .post, "/projects/\(project)/ips", #"{"type": "public_ipv4", "quantity": 1, "facility": ""}"#, 422, "is missing"
      )
      #expect(
        try await api.call(.get, "/projects/\(project)/virtual-networks?facility=&metro=sv")["virtual_networks"]?
          .elements.count == 1)

      let device = try await api.device(#", "hostname": "cli""#)
      let bond = try api.id(device["network_ports"]?[0])
      try await api.call(.post, "/ports/\(bond)/convert/layer-2", "{}")
      let four = #"{"address_family": 4, "public": true}"#
      let six = #"{"address_family": 6, "public": true}"#
      let own = #"{"address_family": 4, "public": false}"#
      try await api.call(
        .post, "/ports/\(bond)/convert/layer-3", "{\"request_ips\": [\(own), \(own), \(four), \(own), \(six), \(four)]}"
      )
      let addresses = try await api.call(.get, "/devices/\(api.id(device))/ips")["ip_addresses"]?.elements ?? []
      #expect(
        addresses.map { $0["address_family"] } == [4, 6, 4] && addresses.map { $0["public"] } == [true, true, false])
    }
  }

  @Test("addresses come as public IPv4, public IPv6, private IPv4, elastic, and each has a gateway that is an address")
  func addresses() async throws {
    try await WholeAPI.test { api in
      let project = try await api.project()
      let id = try api.id(try await api.device(#", "hostname": "web1""#))
      var gateways: [JSON?] = []
      for quantity in [8, 4, 2, 1] {
        let block = try await api.call(
          .post, "/projects/\(project)/ips", #"{"type": "public_ipv4", "quantity": \#(quantity), "facility": "ewr1"}"#,
          201)
        gateways.append(block["gateway"])
        let text = "\(block["network"]?.string ?? "")/\(32 - [1: 0, 2: 1, 4: 2, 8: 3][quantity]!)"
        let assigned = try await api.call(.post, "/devices/\(id)/ips", #"{"address": "\#(text)"}"#, 201)
        #expect(assigned["gateway"] == block["gateway"])
      }
      #expect(gateways == ["198.18.24.1", "198.18.24.9", "198.18.24.12", "198.18.24.14"])
      let addresses = try await api.call(.get, "/devices/\(id)")["ip_addresses"]?.elements ?? []
      #expect(addresses.map { $0["address_family"] } == [4, 6, 4, 4, 4, 4, 4])
      #expect(addresses.map { $0["public"] } == [true, true, false, true, true, true, true])
      #expect(addresses.map { $0["management"] } == [true, true, true, false, false, false, false])
      #expect(addresses.allSatisfy { $0["gateway"]?.string.flatMap { IPAddress($0) } != nil })
    }
  }

  @Test("terraform-provider-equinix 2.11: a reserved block is changed in place; an assignment has no words of its own")
  func reservedBlock() async throws {
    try await WholeAPI.test { api in
      let project = try await api.project()
      let block = try await api.call(
        .post, "/projects/\(project)/ips",
        #"{"type": "public_ipv4", "quantity": 2, "facility": "ewr1", "details": "a", "tags": ["x"]}"#, 201)
      let path = "/ips/\(try api.id(block))"
      let changed = try await api.call(.patch, path, #"{"details": "b", "customdata": "{\"a\": 1}", "tags": null}"#)
      #expect(changed["details"] == "b" && changed["customdata"] == ["a": 1] && changed["tags"] == ["x"])
      #expect(try await api.call(.patch, "\(path)?tags=y&tags=z")["tags"] == ["y", "z"])
      #expect(try await api.call(.get, path)["details"] == "b")
      try await api.refuse(.patch, path, #"{"tags": 1}"#, 422, "tags must be")
      let device = try api.id(try await api.device())
      let own = try await api.call(.get, "/devices/\(device)/ips")["ip_addresses"]?[0]
      try await api.refuse(.patch, "/ips/\(api.id(own))", #"{"details": "x"}"#, 422, "management address")
    }
  }

  @Test("terraform-provider-equinix 2.11: a device is made with blocks out of reservations")
  func reservationsAtCreate() async throws {
    try await WholeAPI.test { api in
      let project = try await api.project()
      func reserve(_ quantity: Int, _ facility: String = "ewr1") async throws -> String {
        try api.id(
          try await api.call(
            .post, "/projects/\(project)/ips",
            #"{"type": "public_ipv4", "quantity": \#(quantity), "facility": "\#(facility)"}"#, 201))
      }
      let (large, small, far) = (try await reserve(8), try await reserve(1), try await reserve(1, "sjc1"))
      func wish(_ entry: String) -> String { #", "ip_addresses": [{"address_family": 4, "public": false}, \#(entry)]"# }
      func blocks(_ device: JSON) -> [String] {
        (device["ip_addresses"]?.elements ?? []).filter { $0["management"] == false }
          .map {
            "\($0["network"]?.string ?? "")/\(($0["cidr"] ?? .null).text.map { String(UnicodeScalar($0)) }.joined())"
          }
      }
      // By the documents' own example: a length, and where it is from.
      let one = try await api.device(
        wish(#"{"address_family": 4, "public": true, "cidr": 30, "ip_reservations": ["\#(large)"]}"#))
      #expect(blocks(one) == ["198.18.24.0/30"])
      let two = try await api.device(
        wish(#"{"address_family": 4, "public": true, "cidr": 30, "ip_reservations": ["\#(small)", "\#(large)"]}"#))
      #expect(blocks(two) == ["198.18.24.4/30"])
      let three = try await api.device(
        wish(#"{"address_family": 4, "public": true, "ip_reservations": ["\#(small)"]}"#))
      #expect(blocks(three).count == 1 && (three["ip_addresses"]?.elements.count ?? 0) == 3)
      #expect(try await api.call(.get, "/ips/\(small)")["assignments"]?.elements.count == 1)
      let path = "/projects/\(project)/devices"
      let body = #"{"plan": "c3.small.x86", "operating_system": "debian_12", "facility": "ewr1""#
      for (entry, status, words) in [
        (#"{"address_family": 4, "public": true, "cidr": 30, "ip_reservations": ["\#(large)"]}"#, 422, "no /30 left"),
        (#"{"address_family": 4, "public": true, "ip_reservations": ["\#(far)"]}"#, 422, "reserved in facility sjc1"),
        (#"{"address_family": 4, "public": true, "ip_reservations": ["\#(project)"]}"#, 404, "no IP reservation"),
        (#"{"address_family": 4, "public": true, "ip_reservations": ["x"]}"#, 422, "list of UUIDs"),
        (#"{"address_family": 6, "public": true, "ip_reservations": ["\#(large)"]}"#, 422, "family 4"),
        (#"{"address_family": 4, "public": true, "cidr": 28, "ip_reservations": ["\#(large)"]}"#, 422, "valid are 29"),
      ] {
        try await api.refuse(.post, path, body + wish(entry) + "}", status, words)
      }
      #expect(try await api.call(.get, path)["devices"]?.elements.count == 3)
    }
  }

  @Test(
    "apache-libcloud 3.9: actions, updates and addresses are in the query, and a reinstallation changes the operating system"
  )
  func libcloud() async throws {
    try await WholeAPI.test { api in
      let device = "/devices/\(try api.id(try await api.device(#", "hostname": "web1""#)))"
      for (action, state) in [
        ("power_off", "inactive"), ("power_on", "active"), ("reboot", "active"), ("rescue", "active"),
      ] {
        try await api.call(.post, "\(device)/actions?type=\(action)", nil, 202)
        #expect(try await api.call(.get, device)["state"] == .string(state))
      }
      try await api.call(.post, "\(device)/actions?type=reinstall&operating_system=ubuntu_22_04", nil, 202)
      #expect(try await api.call(.get, device)["operating_system"]?["slug"] == "ubuntu_22_04")
      try await api.refuse(.post, "\(device)/actions?type=reinstall&operating_system=beos", nil, 422, "beos")
      try await api.call(.post, "\(device)/actions?type=power_off", nil, 202)
      try await api.call(.post, "\(device)/actions?type=reinstall", nil, 202)
      let after = try await api.call(.get, device)
      #expect(after["operating_system"]?["slug"] == "ubuntu_22_04" && after["state"] == "active")

      let updated = try await api.call(
        .put, "\(device)?hostname=web2&description=a+b&tags=x&tags=y&locked=True&customdata=%7B%22a%22%3A1%7D")
      #expect(updated["hostname"] == "web2" && updated["description"] == "a b" && updated["tags"] == ["x", "y"])
      #expect(updated["locked"] == true && updated["customdata"] == ["a": 1])
      #expect(try await api.call(.put, "\(device)?tags=")["tags"] == [])
      #expect(try await api.call(.put, "\(device)?tags=x", #"{"tags": ["body"]}"#)["tags"] == ["body"])
      let locked = try await api.ask(.delete, device)
      #expect(locked.status.code == 422 && locked.errors.first == "Cannot delete a locked item")

      let project = try await api.project()
      let block = try await api.call(
        .post, "/projects/\(project)/ips?type=public_ipv4&quantity=1&facility=ewr1&comments=&customdata=", nil, 201)
      let assigned = try await api.call(
        .post, "\(device)/ips?address=\(block["address"]?.string ?? "")%2F32&manageable=False&customdata=", nil, 201)
      try await api.call(.delete, "/ips/\(api.id(assigned))", nil, 204)
      let made = try await api.call(.post, "/projects?name=lib&backend_transfer_enabled=true", nil, 201)
      #expect(made["backend_transfer_enabled"] == true)
      let network = try await api.call(.post, "/projects/\(project)/virtual-networks?facility=ewr1&tags=a,b", nil, 201)
      #expect(network["tags"] == ["a", "b"])
      let port = try api.id(after["network_ports"]?[2])
      try await api.call(.post, "/ports/\(port)/disbond?bulk_disable=false")
      try await api.call(
        .post, "/ports/\(port)/vlan-assignments/batches?vlan_assignments=%5B%7B%22vlan%22%3A%221000%22%7D%5D", nil, 201)
      #expect(try await api.call(.get, "/ports/\(port)")["virtual_networks"]?.elements.count == 1)
    }
  }

  @Test("what happens to a device is told as what it is, from being queued to being complete")
  func events() async throws {
    try await WholeAPI.test { api in
      let device = "/devices/\(try api.id(try await api.device(#", "hostname": "web1""#)))"
      func told() async throws -> [(type: String, body: String)] {
        (try await api.call(.get, "\(device)/events?per_page=100")["events"]?.elements ?? []).reversed()
          .map { ($0["type"]?.string ?? "", $0["body"]?.string ?? "") }
      }
      let first = try await told()
      #expect(first.first?.body == "Queued for provisioning" && first.last?.body == "Provision complete")
      #expect(first.map(\.type) == ["provisioning.100", "device.create", "provisioning.110"])
      for action in ["rescue", "reinstall"] {
        try await api.call(.post, "\(device)/actions", #"{"type": "\#(action)"}"#, 202)
      }
      let later = try await told().dropFirst(3)
      #expect(later.map(\.type) == ["device.rescue", "device.reinstall", "provisioning.110"])
      #expect(
        later.map(\.body) == ["web1 booted into rescue", "web1 reinstalled with debian_12", "Provision complete"])
    }
  }

  @Test("packet-python 1.44 and equinix-metal 0.11: capacity says how many in the type it was asked in")
  func capacity() async throws {
    try await WholeAPI.test { api in
      for (quantity, echoed) in [("2", JSON.integer(2)), (#""2""#, "2"), ("null", "1")] {
        let answer = try await api.call(
          .post, "/capacity", #"{"servers": [{"facility": "ewr1", "plan": "c3.small.x86", "quantity": \#(quantity)}]}"#)
        #expect(answer["servers"]?[0]?["quantity"] == echoed)
      }
    }
  }

  @Test("equinix-metal 0.11: plans are filtered by slug, type and categories, in each form that clients write them")
  func plans() async throws {
    try await WholeAPI.test { api in
      func slugs(_ query: String) async throws -> [String] {
        (try await api.call(.get, "/plans?\(query)")["plans"]?.elements ?? []).compactMap { $0["slug"]?.string }
      }
      #expect(try await slugs("slug=c3.small.x86") == ["c3.small.x86"])
      #expect(try await slugs("slug=baremetal_0") == ["t1.small.x86"])
      #expect(try await slugs("slug=c9") == [])
      let storage = ["s3.xlarge.x86", "s1.large.x86"]
      for query in ["categories=storage", "categories[]=storage", "categories%5B%5D=storage&type=standard"] {
        #expect(try await slugs(query) == storage, "\(query)")
      }
      let all = try await slugs("")
      #expect(try await slugs("categories[]=storage&categories[]=compute") == all)
      #expect(try await slugs("type=custom") == [] && all.count > 10)
    }
  }

  @Test("facilities of the newer generation have no retired plans; a metro stands for its facility that has the plan")
  func retired() async throws {
    try await WholeAPI.test { api in
      let path = "/projects/\(try await api.project())/devices"
      func body(_ plan: String, _ place: String) -> String {
        #"{"plan": "\#(plan)", "operating_system": "debian_12", \#(place)}"#
      }
      try await api.refuse(.post, path, body("t1.small.x86", #""facility": "ny5""#), 422, "ny5 has no t1.small.x86")
      try await api.refuse(.post, path, body("t1.small.x86", #""metro": "dc""#), 422, "valid for it are ewr1, sjc1")
      for (plan, place, facility) in [
        ("m3.small.x86", #""facility": "sv15""#, "sv15"), ("n2.xlarge.x86", #""metro": "dc""#, "dc13"),
        ("t1.small.x86", #""facility": ["ny5", "ewr1"]"#, "ewr1"),
        ("c3.small.x86", #""facility": ["ny5", "ewr1"]"#, "ny5"),
      ] {
        let device = try await api.call(.post, path, body(plan, place), 201)
        #expect(device["facility"]?["code"] == .string(facility) && device["network_ports"]?.elements.count == 3)
      }
      let capacity = try await api.call(.get, "/capacity")["capacity"]
      #expect(capacity?["ny5"]?["t1.small.x86"]?["level"] == "unavailable")
      #expect(capacity?["ewr1"]?["t1.small.x86"]?["level"] == "normal")
      let plan = try await api.call(.get, "/plans?slug=t1.small.x86&include=available_in")["plans"]?[0]
      #expect(plan?["available_in"]?.elements.contains { $0["code"] == "dc13" } == false)
    }
  }

  @Test("terraform-provider-equinix 2.11: a VLAN on bond0 in layer 3 where the facility has ibx")
  func hybridBonded() async throws {
    try await WholeAPI.test { api in
      let path = "/projects/\(try await api.project())"
      for (facility, isOffered) in [("ny5", true), ("ewr1", false)] {
        let features = (try await api.call(.get, "/facilities")["facilities"]?.elements ?? [])
          .first { $0["code"] == .string(facility) }?["features"]?.elements
        #expect(features?.contains("ibx") == isOffered)
        let device = try await api.call(
          .post, "\(path)/devices",
          #"{"plan": "c3.small.x86", "operating_system": "debian_12", "facility": "\#(facility)"}"#, 201)
        let network = try await api.call(.post, "\(path)/virtual-networks", #"{"facility": "\#(facility)"}"#, 201)
        let bond = "/ports/\(try api.id(device["network_ports"]?[0]))"
        let answer = try await api.ask(.post, "\(bond)/assign", #"{"vnid": "\#(api.id(network))"}"#)
        #expect(answer.status.code == (isOffered ? 200 : 422))
        #expect(try await api.call(.get, bond)["network_type"] == (isOffered ? "hybrid-bonded" : "layer3"))
        if !isOffered { #expect(answer.errors.contains { $0.contains("ny5, sv15, dc13, da11 and am6") }) }
      }
    }
  }

  @Test("custom_ipxe with two scripts is refused, wherever the second comes from")
  func twoScripts() async throws {
    try await WholeAPI.test { api in
      let path = "/projects/\(try await api.project())/devices"
      let body = #"{"plan": "c3.small.x86", "facility": "ewr1", "operating_system": "custom_ipxe""#
      let (url, script) = (#""ipxe_script_url": "http://198.51.100.1/a.ipxe""#, ##""userdata": "#!ipxe\nshell""##)
      try await api.refuse(.post, path, "\(body), \(url), \(script)}", 422, "two scripts")
      try await api.refuse(.post, path, body + #", "ipxe_script_url": "a b"}"#, 422, "is not valid")
      let device = "/devices/\(try api.id(try await api.call(.post, path, "\(body), \(url)}", 201)))"
      try await api.refuse(.put, device, "{\(script)}", 422, "two scripts")
      try await api.call(.put, device, #"{"userdata": "echo no script"}"#)
      try await api.call(.put, device, #"{"ipxe_script_url": "", \#(script)}"#)
      try await api.refuse(
        .post, "\(device)/actions", #"{"type": "reinstall", \#(url)}"#, 422, "two scripts")
      try await api.call(
        .post, "\(device)/actions", #"{"type": "reinstall", "operating_system": "debian_12", \#(url)}"#, 202)
    }
  }
}

extension HTTPField.Name {
  fileprivate static let requestID = HTTPField.Name("X-Request-Id")!
}
