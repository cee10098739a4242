import Glibc
import Testing

/// The daemon goes and comes while servers are routed; and what keeps it from starting.
extension Integration {
  @Suite("Restarts of the gateway") struct GatewayRestartTests {
    let lab: Lab
    let host: NetworkNamespace
    let web1: Tenant, web2: Tenant

    init() throws {
      lab = try Lab(withHost: true)
      host = try #require(lab.host)
      web1 = try Tenant(in: lab, "web1")
      web2 = try Tenant(in: lab, "web2")
    }

    /// What the host has of the uplink.
    private struct Uplink: Equatable {
      let index: Int?
      let mac: String?
      let isUp: Bool?
      let routes: [String]
    }
    private func uplink() throws -> Uplink {
      let interface = try Interface.list(in: host).first { $0.name == "toprack0" }
      let routes = try ["-4", "-6"].flatMap { family in
        try runSuccessfully(["ip", "-n", host.name, family, "route", "show", "proto", "84"]).text
          .split(separator: "\n").map { $0.replacing(" linkdown", with: "").description }
      }
      return Uplink(index: interface?.index, mac: interface?.mac, isUp: interface?.isUp, routes: routes.sorted())
    }

    private func gatewayMAC() throws -> String? {
      let finished = try web1.attempt("arping -c 1 -w 5 -I eth0 \(web1.addresses().public.gateway)")
      return finished.text.split(separator: "[").dropFirst().first?.prefix(17).description
    }

    private func expectWorking(_ comment: String) throws {
      let own = try web1.addresses()
      let other = try web2.addresses()
      try web1.pings(own.public.gateway, other.public.host, other.private.host, other.ipv6.host, "198.19.255.1")
      for address in [own.public.host, own.private.host, own.ipv6.host] {
        let finished = try run(["ip", "netns", "exec", host.name, "ping", "-n", "-c", "1", "-W", "5", address])
        #expect(finished.status == 0, "from the host to \(address), \(comment)")
      }
    }

    @Test("killed or ended, and started: uplink, routes and gateway's MAC are as before, servers need not be touched")
    func restart() throws {
      try web1.configure()
      try web2.configure()
      try expectWorking("at first")
      let before = try uplink()
      #expect(before.isUp == true && before.routes.contains { $0.hasPrefix("198.18.0.0/16 via 198.19.255.0") })
      let mac = try #require(try gatewayMAC())
      let addresses = try web1.kernelAddresses()
      for ending in ["killed", "ended"] {
        if ending == "killed" { lab.daemon.kill() } else { #expect(try lab.daemon.stop() == 0) }
        #expect(try uplink() == before, "it outlives the daemon, \(ending)")
        try lab.daemon.start()
        #expect(try uplink() == before, "\(ending)")
        try expectWorking(ending)
        #expect(try gatewayMAC() == mac, "\(ending)")
      }
      #expect(try web1.kernelAddresses() == addresses)
      // A route that somebody took away, too.
      try host.run("ip", "route", "del", "198.18.0.0/16")
      #expect(try lab.toprack("status").contains("lacks the route 198.18.0.0/16"))
      #expect(try lab.daemon.stop() == 0)
      try lab.daemon.start()
      #expect(try uplink() == before)
    }

    /// Starts a daemon that must refuse: exit status 1, and every one of `words` in what it says.
    private func expectRefusal(
      of daemon: Daemon, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
      do {
        try daemon.start()
        Issue.record("it started", sourceLocation: sourceLocation)
      } catch {
        for word in ["toprackd ended with 1 "] + words {
          #expect("\(error)".contains(word), "\(error)", sourceLocation: sourceLocation)
        }
      }
    }

    @Test("a host's route or address in a pool, a foreign interface of the name, another rack's uplink: each is named")
    func refusals() throws {
      try web1.configure()
      try web2.configure()
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      let before = try uplink()
      let rival = try Daemon(host: host)
      expectRefusal(of: rival, "interface toprack0 is the uplink of rack \(rack)", "--uplink NAME")

      #expect(try lab.daemon.stop() == 0)
      try host.run("ip", "route", "add", "198.18.4.0/24", "dev", "lo")
      expectRefusal(of: lab.daemon, "pool public-ipv4 of ewr1, 198.18.0.0/19", "the host's route 198.18.4.0/24")
      try host.run("ip", "route", "del", "198.18.4.0/24", "dev", "lo")
      try host.run("ip", "address", "add", "10.64.0.9/32", "dev", "lo")
      expectRefusal(of: lab.daemon, "pool private-ipv4 of ewr1", "10.64.0.9")
      try host.run("ip", "address", "del", "10.64.0.9/32", "dev", "lo")
      #expect(try uplink() == before, "nothing has been touched")

      try host.run("ip", "link", "del", "toprack0")
      try host.run("ip", "tuntap", "add", "toprack0", "mode", "tap")
      expectRefusal(of: lab.daemon, "toprack0", "exists already and is not Toprack's")
      #expect(try Interface.list(in: host).first { $0.name == "toprack0" }?.isUp == false, "it is as it was")
      try host.run("ip", "link", "del", "toprack0")

      try lab.daemon.start()
      #expect(try uplink().routes == before.routes)
      try expectWorking("after all refusals")
    }

    @Test("cleanup takes the uplink of a rack whose daemon is gone, and refuses while it runs")
    func cleanup() throws {
      let other = "other0"
      try host.run("ip", "tuntap", "add", other, "mode", "tap")
      let rack = try #require(try lab.toprack.json("status")["rack_id"].string)
      func cleanup() throws -> Finished {
        try run([
          "nsenter", "--net=/run/netns/\(host.name)", "\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket,
          "cleanup", "--rack", rack,
        ])
      }
      let refused = try cleanup()
      #expect(refused.status == 1 && refused.errors.contains("daemon"), "\(refused.errors)")
      #expect(try Interface.list(in: host).contains { $0.name == "toprack0" })

      lab.daemon.kill()
      let cleaned = try cleanup()
      #expect(cleaned.text.contains("toprack0"), "\(cleaned.text)\(cleaned.errors)")
      #expect(try Interface.list(in: host).map(\.name) == [other])
      #expect(try uplink().routes.isEmpty)
      #expect(!web1.namespace.exists && !web2.namespace.exists)

      // And a start makes all of it again.
      try lab.daemon.start()
      #expect(try uplink().isUp == true)
      try web1.configure()
      try web2.configure()
      try expectWorking("after cleanup and start")
    }
  }
}
