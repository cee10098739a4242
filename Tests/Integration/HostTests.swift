import Foundation
import Testing

extension Integration {
  @Suite("What the daemon makes of its host") struct HostTests {
    @Test("each layer-3 server is told of itself at 169.254.169.254, and nobody on the host is")
    func metadata() throws {
      let lab = try Lab(withHost: true)
      let host = try #require(lab.host)
      var namespaces: [NetworkNamespace] = []
      for (name, facility) in [("web1", "ewr1"), ("web2", "sjc1")] {
        let namespace = lab.namespace(name)
        try lab.toprack("server", "create", name, "--netns=\(namespace.name)", "--facility", facility)
        let addresses = try lab.toprack.json("server", "show", name)["ip_addresses"].array ?? []
        let address = try #require(addresses.first { $0["public"].bool == true && $0["address_family"].int == 4 })
        let (own, gateway) = (try #require(address["address"].string), try #require(address["gateway"].string))
        try namespace.run("ip", "address", "add", "\(own)/31", "dev", "eth0")
        try namespace.run("ip", "link", "set", "eth0", "up")
        try namespace.run("ip", "route", "add", "default", "via", gateway)
        namespaces.append(namespace)
        let json = try JSON(ask(namespace, "/metadata").output)
        #expect(json["hostname"].string == name)
        #expect(json["facility"].string == facility)
        #expect(json["network"]["bonding"]["mode"].int == 4)
        #expect(json["network"]["addresses"].array?.first?["address"].string == own)
        #expect(try ask(namespace, "/latest/meta-data/public-ipv4").text == own)
        #expect(try ask(namespace, "/userdata").text == "")
        #expect(try ask(namespace, "/nothing").text == #"{"error":"there is nothing at /nothing"}"#)
      }
      // From the host by the uplink: the service answers servers alone.
      _ = try host.run("ip", "route", "add", "169.254.169.254", "via", "198.19.255.0")
      #expect(try run(curl(host, "/metadata", patience: 2)).status != 0)

      try lab.toprack("server", "mode", "web1", "layer2-bonded")
      #expect(try run(curl(namespaces[0], "/metadata", patience: 2)).status != 0)
      #expect(try ask(namespaces[1], "/latest/meta-data/hostname").text == "web2")
    }

    @Test("cleanup takes a dead rack's uplink and nftables table, and neither while the daemon lives")
    func cleanup() throws {
      let lab = try Lab(settings: "masquerade: true\n", withHost: true)
      let host = try #require(lab.host)
      func tables() throws -> String { try host.run("nft", "list", "tables").text }
      #expect(try tables().contains("table inet toprack_"))
      let refused = try cleanUp(host)
      #expect(refused.status == 1 && refused.errors.contains("a daemon holds"), "\(refused.errors)")
      #expect(try tables().contains("table inet toprack_"))
      #expect(try Interface.list(in: host).contains { $0.name == "toprack0" && $0.isUp })

      lab.daemon.kill()
      #expect(try host.run("ip", "route", "show", "proto", "84").text.contains("via 198.19.255.0 dev toprack0"))
      let cleaned = try cleanUp(host)
      #expect(cleaned.status == 0 && cleaned.text.contains("removed toprack0"), "\(cleaned.errors)")
      #expect(cleaned.text.contains("removed nftables table toprack_"), "\(cleaned.text)")
      #expect(try tables() == "")
      #expect(try Interface.list(in: host).allSatisfy { $0.name != "toprack0" })
      try lab.daemon.start()
      #expect(try tables().contains("table inet toprack_"))
      #expect(try lab.daemon.stop() == 0)
      #expect(try tables() == "", "a normal end takes it away")
      #expect(try Interface.list(in: host).contains { $0.name == "toprack0" }, "the uplink stays")
    }

    @Test("a route of the host in a pool refuses the start with one line and status 1, and nothing is made")
    func clash() throws {
      let lab = try Lab(withHost: true)
      let host = try #require(lab.host)
      #expect(try lab.daemon.stop() == 0)
      try host.run("ip", "link", "delete", "toprack0")
      try host.run("ip", "route", "add", "local", "198.18.32.0/20", "dev", "lo")
      let refused = try run(
        [
          "nsenter", "--net=/run/netns/\(host.name)", "\(Daemon.binaries)/toprackd", "--state", lab.daemon.state,
          "--socket", lab.daemon.socket,
        ], limit: .seconds(20))
      #expect(refused.status == 1)
      #expect(
        refused.errors.contains(
          "toprackd: pool public-ipv4 of sjc1, 198.18.32.0/19, overlaps the host's route local 198.18.32.0/20 dev lo: "
            + "choose another range with pools.sjc1.public-ipv4 in the settings\n"), "\(refused.errors)")
      #expect(try Interface.list(in: host).isEmpty)
    }

    private func curl(_ namespace: NetworkNamespace, _ path: String, patience: Int) -> [String] {
      ["ip", "netns", "exec", namespace.name, "curl", "-s", "-m", "\(patience)", "http://169.254.169.254\(path)"]
    }

    private func ask(_ namespace: NetworkNamespace, _ path: String) throws -> Finished {
      try runSuccessfully(curl(namespace, path, patience: 10))
    }

    /// Sees no namespace but the host's: others' racks are none of its business.
    private func cleanUp(_ host: NetworkNamespace) throws -> Finished {
      try run([
        "nsenter", "--net=/run/netns/\(host.name)", "unshare", "-m", "sh", "-c",
        "mount -t tmpfs none /run/netns && exec \(Daemon.binaries)/toprack cleanup",
      ])
    }
  }
}
