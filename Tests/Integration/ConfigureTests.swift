import Foundation
import Testing

extension Integration {
  /// `--configure`: the daemon sets the interfaces in servers' namespaces up, with what this kernel has.
  @Suite("Namespaces that are set up") struct ConfigureTests {
    /// What the kernel that runs the tests has.
    private static func has(_ kind: String, in space: NetworkNamespace) throws -> Bool {
      let words = kind == "vlan" ? "link lo name probe type vlan id 5" : "name probe type bond"
      let made = try run(["ip", "-n", space.name, "link", "add"] + words.split(separator: " ").map(String.init))
      if made.status == 0 { try space.run("ip", "link", "delete", "probe") }
      return made.status == 0
    }

    /// A server that is set up, in a namespace of its own.
    private func server(_ name: String, _ lab: Lab, _ more: String...) throws -> NetworkNamespace {
      let space = lab.namespace(name)
      let made = try lab.toprack.attempt(["server", "create", name, "--netns=\(space.name)", "--configure"] + more)
      guard made.status == 0 else { throw CommandRefused(made) }
      #expect(made.text.contains("configured"), "\(made.text)")
      return space
    }

    private func configured(_ name: String, _ lab: Lab) throws -> String {
      try lab.toprack.json("server", "show", name)["toprack"]["configured"].string ?? ""
    }

    private func addresses(_ name: String, _ lab: Lab) throws -> [String] {
      try lab.toprack.json("server", "show", name)["ip_addresses"].array?.compactMap { $0["address"].string } ?? []
    }

    private func pings(_ space: NetworkNamespace, _ address: String) throws -> Bool {
      try run(["ip", "netns", "exec", space.name, "ping", "-n", "-c", "1", "-W", "5", address]).status == 0
    }

    @Test(
      "two servers reach each other in layer 3 without a word of configuration, also after kill -9, and after reboots")
    func layer3() throws {
      let lab = try Lab(withHost: true)
      let (a, b) = (try server("a", lab), try server("b", lab))
      let hasBonding = try Self.has("bond", in: a)
      #expect(try configured("a", lab).contains("the kernel has no bonding: eth0 alone is used") == !hasBonding)
      for address in try addresses("b", lab) { #expect(try pings(a, address), "\(address)") }
      // The uplink: the default route.
      #expect(try pings(a, "198.19.255.1"))
      lab.daemon.kill()
      try lab.daemon.start()
      for address in try addresses("a", lab) { #expect(try pings(b, address), "\(address)") }
      #expect(try lab.poll { try !configured("a", lab).isEmpty })
      try lab.toprack("verify")
      // An elastic block comes and goes.
      try lab.toprack("ip", "reserve", "--size", "31")
      try lab.toprack("ip", "assign", "b", "198.18.24.0/31")
      #expect(try lab.poll { try pings(a, "198.18.24.1") })
      try lab.toprack("ip", "unassign", "198.18.24.0/31")
      #expect(try lab.poll { try !b.run("ip", "address").text.contains("198.18.24.") })
      // A NIC that somebody deletes is made again, and set up again.
      try a.run("ip", "link", "delete", "eth0")
      for address in try addresses("b", lab) {
        #expect(try lab.poll { try pings(a, address) }, "\(address)")
      }
    }

    @Test("each mode: the layer-3 half, the untagged VLAN, and nothing of the mode before; tagged VLANs where 8021q is")
    func modes() throws {
      let lab = try Lab(withHost: true)
      try lab.networks(1001, 1002)
      let spaces = [try server("a", lab), try server("b", lab)]
      let hasVLANs = try Self.has("vlan", in: spaces[0])
      let hasBonding = try Self.has("bond", in: spaces[0])
      func mode(_ mode: Mode, _ port: String, _ vlans: Int...) throws {
        for name in ["a", "b"] {
          try lab.toprack("server", "mode", name, mode.rawValue)
          for vlan in vlans { try lab.toprack("port", "attach", name, port, "\(vlan)") }
        }
      }
      func detach(_ port: String, _ vlans: Int...) throws {
        for vlan in vlans { for name in ["a", "b"] { try lab.toprack("port", "detach", name, port, "\(vlan)") } }
      }
      /// Addresses inside VLANs are the user's; the interface is there when it is up.
      func talk(on interface: String, _ number: Int) throws {
        for (index, space) in spaces.enumerated() {
          #expect(
            try lab.poll {
              try space.run("sh", "-c", "ip -br link show up dev \(interface) 2>&1 || :").text.contains("UP")
            },
            "\(interface) is not up")
          try space.run("ip", "address", "add", "10.20.\(number).\(index + 1)/24", "dev", interface)
        }
        #expect(try lab.poll { try pings(spaces[0], "10.20.\(number).2") }, "\(interface)")
        for space in spaces { try space.run("ip", "address", "flush", "dev", interface, "to", "10.20.0.0/16") }
      }

      try mode(.hybrid, "eth1", 1001)
      try talk(on: "eth1", 1)
      for address in try addresses("b", lab) { #expect(try lab.poll { try pings(spaces[0], address) }, "\(address)") }
      try detach("eth1", 1001)

      let own = try addresses("a", lab)
      try mode(.layer2Individual, "eth0", 1001)
      try talk(on: "eth0", 2)
      for address in own {
        #expect(try lab.poll { try !spaces[0].run("ip", "address").text.contains(address + "/") }, "\(address) stays")
      }
      #expect(try !spaces[0].run("sh", "-c", "ip route; ip -6 route").text.contains("proto 116"))
      try detach("eth0", 1001)

      try mode(.layer2Bonded, "bond0", 1001)
      try talk(on: hasBonding ? "bond0" : "eth0", 3)
      // The second makes both tagged.
      for name in ["a", "b"] { try lab.toprack("port", "attach", name, "bond0", "1002") }
      if hasVLANs {
        try talk(on: hasBonding ? "bond0.1002" : "eth0.1002", 4)
      } else {
        #expect(
          try lab.poll { try configured("a", lab).contains("the kernel has no 8021q: VLANs 1001, 1002 of") })
        #expect(try lab.toprack("server", "show", "a").contains("8021q"))
      }
      try detach("bond0", 1001, 1002)
      try mode(.layer3, "bond0")
      for address in try addresses("b", lab) { #expect(try lab.poll { try pings(spaces[0], address) }, "\(address)") }
    }

    @Test("in a container: its own interface, addresses and default route stay, and only what was made goes again")
    func container() throws {
      let lab = try Lab(withHost: true)
      let space = lab.namespace("n2")
      try space.create()
      try space.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "bridge")
      for nic in ["eth0", "bridge"] { try space.run("ip", "link", "set", nic, "up") }
      try space.run("ip", "address", "add", "172.17.0.2/16", "dev", "eth0")
      try space.run("ip", "route", "add", "default", "via", "172.17.0.1")
      let made = try lab.toprack(
        "server", "create", "n2", "--netns=\(space.name)", "--nics", "eth1,eth2", "--configure")
      #expect(made.contains("the default route of IPv4 by eth0 is not Toprack's and comes first"), "\(made)")
      let gateway = try #require(
        try lab.toprack.json("server", "show", "n2")["ip_addresses"].array?.first?["gateway"].string)
      #expect(try pings(space, gateway))
      #expect(try space.run("ip", "route", "get", "192.0.2.1").text.contains("172.17.0.1"))

      try lab.toprack("server", "set", "n2", "--no-configure")
      #expect(try lab.poll { try !space.run("ip", "address").text.contains("198.18.") })
      #expect(try space.run("ip", "address").text.contains("172.17.0.2/16"))
      #expect(try space.run("ip", "route").text.contains("default via 172.17.0.1"))
      #expect(try configured("n2", lab).isEmpty)
      // Again, and other names meanwhile.
      try lab.toprack("server", "set", "n2", "--configure", "--nics", "net0,net1")
      #expect(try pings(space, gateway))
    }

    @Test("what is in the way is a problem that says what to do, and no command fails; on the host it is refused")
    func problems() throws {
      let lab = try Lab()
      let space = lab.namespace("a")
      try space.create()
      // A name that the bond would have, and no bond of ours.
      try space.run("ip", "link", "add", "bond0", "type", "veth", "peer", "name", "bridge")
      try lab.toprack("server", "create", "a", "--netns=\(space.name)")
      try lab.toprack("server", "set", "a", "--configure")
      let status = try lab.toprack.json("status")["problems"].array?.compactMap(\.string) ?? []
      #expect(status.contains { $0.contains("bond0 is there already") && $0.contains("--no-configure") }, "\(status)")
      try space.run("ip", "link", "delete", "bond0")
      try lab.toprack("server", "reboot", "a")
      #expect(try lab.poll { try !configured("a", lab).isEmpty })
      let host = try lab.toprack.attempt(["server", "create", "h", "--configure"])
      #expect(host.status == 1 && host.errors.contains("inside a network namespace"), "\(host.errors)")
    }
  }
}
