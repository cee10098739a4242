import Foundation
import Testing

extension Integration {
  /// `--nics`: a container brings its own eth0, a management interface, and takes the server's NICs beside it.
  @Suite("NICs in a container") struct NICNameTests {
    /// A namespace as docker and containerlab make it: eth0 is one end of a veth pair, and has the default route.
    private func container(_ lab: Lab, _ name: String) throws -> NetworkNamespace {
      let namespace = lab.namespace(name)
      try namespace.create()
      try namespace.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "bridge")
      for nic in ["eth0", "bridge"] { try namespace.run("ip", "link", "set", nic, "up") }
      try namespace.run("ip", "address", "add", "172.17.0.2/16", "dev", "eth0")
      return namespace
    }

    @Test("a namespace that has an eth0 takes both NICs by other names, which commands take as well as the ports'")
    func container() throws {
      let lab = try Lab(withHost: true)
      try lab.networks(1001)
      let space = try container(lab, "n2")
      let refused = try lab.toprack.attempt(["server", "create", "n2", "--netns=\(space.name)"])
      #expect(refused.status == 1 && refused.errors.contains("--nics eth1,eth2"), "\(refused.errors)")
      try lab.toprack("server", "create", "n2", "--netns=\(space.name)", "--nics", "eth1,eth2")
      let other = try lab.individual("o", 1001)
      #expect(try Interface.list(in: space).map(\.name).sorted() == ["bridge", "eth0", "eth1", "eth2"])

      let shown = try lab.toprack("server", "show", "n2")
      #expect(shown.contains("eth0 (n2: eth1), eth1 (n2: eth2)"), "\(shown)")
      let device = try lab.toprack.json("server", "show", "n2")["toprack"]
      #expect(device["nics"]["eth0"].string == "eth1" && device["interfaces"]["eth1"].string == "eth2")

      // In layer 3 by what the tool prints: its names are those inside.
      let text = try lab.toprack("server", "network-config", "n2", "--no-bond")
      try space.run("sh", "-e", "-c", text.replacing("ip link delete bond0 2>/dev/null\n", with: ""))
      let gateway = try #require(
        try lab.toprack.json("server", "show", "n2")["ip_addresses"].array?.first?["gateway"].string)
      try space.run("ping", "-n", "-c", "1", "-W", "5", gateway)
      #expect(try space.run("ip", "-br", "address", "show", "eth0").text.contains("172.17.0.2/16"))

      // eth2 is the port eth1; eth1 is a port's name before it is an interface's.
      try lab.toprack("server", "mode", "n2", "hybrid")
      let attached = try lab.toprack("port", "attach", "n2", "eth2", "1001")
      #expect(attached.contains("n2 eth1 (n2: eth2): VLAN 1001 untagged"), "\(attached)")
      for name in ["eth1", "eth2"] {
        #expect(try lab.toprack.json("port", "show", "n2", name)["name"].string == "eth1")
      }
      #expect(try lab.toprack("port", "show", "n2").contains("eth1 (n2: eth2)"))
      let unknown = try lab.toprack.attempt(["port", "show", "n2", "eth7"])
      #expect(unknown.errors.contains("bond0, eth0 (n2: eth1), eth1 (n2: eth2)"), "\(unknown.errors)")

      try space.run("ip", "link", "set", "eth2", "up")
      try space.run("ip", "address", "add", "10.9.0.1/24", "dev", "eth2")
      try other.namespace.run("sh", "-c", "ip address add 10.9.0.2/24 dev eth0; ip link set eth0 up")
      try space.run("ping", "-n", "-c", "1", "-W", "5", "10.9.0.2")

      // Killed and started again, they are the same; nothing is wrong, and nothing is made or removed.
      lab.daemon.kill()
      try lab.daemon.start()
      let status = try lab.toprack.json("status")
      #expect(status["start"]["adopted"].int == 4 && status["start"]["made"].int == 0, "\(status)")
      try lab.toprack("verify")
      try space.run("ping", "-n", "-c", "1", "-W", "5", "10.9.0.2")

      try lab.toprack("server", "set", "n2", "--nics", "net0,net1")
      try space.run("ping", "-n", "-c", "1", "-W", "5", "10.9.0.2")
      #expect(try Interface.list(in: space).map(\.name).sorted() == ["bridge", "eth0", "net0", "net1"])
      try lab.toprack("server", "delete", "n2")
      #expect(try Interface.list(in: space).map(\.name).sorted() == ["bridge", "eth0"])
    }

    @Test("names that cannot be are refused in one line, and nothing is made")
    func refused() throws {
      let lab = try Lab()
      let space = try container(lab, "n2")
      for (names, status, says) in [
        ("eth1", Int32(2), "takes two names"), ("eth1,eth2,eth3", 2, "takes two names"),
        ("eth1,", 2, "takes two names"),
        ("", 2, "--nics"), ("eth1,eth1", 1, "is given to eth0 and to eth1"),
        ("eth1,0123456789abcdef", 1, "has 16 bytes"), ("eth1,a/b", 1, "not valid"), ("a:b,eth2", 1, "not valid"),
        ("a b,eth2", 1, "not valid"), ("lo,eth2", 1, "not valid"), ("eth1,bond0", 1, "not valid"),
        (".,eth2", 1, "not valid"), ("eth1,..", 1, "not valid"), ("eth1,bridge", 1, "--nics eth1,eth2"),
        ("eth0,eth1", 1, "is not Toprack's"),
      ] {
        let answer = try lab.toprack.attempt(["server", "create", "n2", "--netns=\(space.name)", "--nics=\(names)"])
        #expect(answer.status == status && answer.errors.contains(says), "\(names): \(answer.errors)")
        #expect(answer.errors.split(separator: "\n").count == 1, "\(answer.errors)")
      }
      #expect(try Interface.list(in: space).map(\.name).sorted() == ["bridge", "eth0"])
      let host = try lab.toprack.attempt(["server", "create", "n2", "--nics", "eth1,eth2"])
      #expect(host.status == 1 && host.errors.contains("inside a network namespace"), "\(host.errors)")
      #expect(try lab.toprack("server", "list").contains("no servers"))
    }

    @Test("with provisioning: until-heard a server is active when its first frame has come")
    func heard() throws {
      let lab = try Lab(settings: "provisioning: until-heard\n")
      let space = lab.namespace("a")
      try lab.toprack("server", "create", "a", "--netns=\(space.name)")
      func state() throws -> String? { try lab.toprack.json("server", "show", "a")["state"].string }
      #expect(try state() == "provisioning")
      #expect(try lab.toprack("server", "show", "a").contains("provisioning"))
      try lab.toprack("verify")
      try space.run("ip", "link", "set", "eth1", "up")
      #expect(try lab.poll { try state() == "active" })
      #expect(try lab.toprack("events", "--server", "a").contains("a is active: its operating system was heard"))
    }
  }
}
