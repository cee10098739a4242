import Guest
import Rack
import Store
import Testing

/// What `--configure` does where the kernel has bonding and 8021q: the daemon's own lines, in a kernel that has them.
/// Run by `scripts/test --vm`, which builds the guest.
extension Integration {
  @Suite(
    "A namespace that is set up, in a kernel with all of it",
    .enabled(if: Guest.image != nil, "TOPRACK_GUEST is not set"))
  struct ConfigureGuestTests {
    /// Brings the guest to `wanted` as the daemon brings a namespace, and returns the lines that it took.
    private func bring(_ guest: Guest, to wanted: GuestNetwork, mark: String) throws -> [String] {
      var all: [String] = []
      for _ in 0..<4 {
        let seen = try SeenNetwork(
          addresses: guest.run("ip -j -d address show"),
          routes: [guest.run("ip -j route show"), guest.run("ip -j -6 route show")])
        let change = GuestChange(from: seen, to: wanted, mark: mark, nics: ["eth0", "eth1"])
        #expect(change.faults == [])
        if change.lines.isEmpty { return all }
        try guest.run("ip -batch - <<'END'\n\(change.lines.joined(separator: "\n"))\nEND")
        all += change.lines
      }
      Issue.record("it does not settle: \(all)")
      return all
    }

    @Test(
      "the bond comes up with LACP at the fast rate, VLANs are interfaces on it, and each mode takes the other's place")
    func modes() throws {
      let lab = try Lab(withHost: true)
      try lab.networks(1001, 1002)
      let web1 = try lab.machine("web1")
      let other = try lab.individual("o", 1001)
      try other.namespace.run("sh", "-c", "ip address add 10.20.1.2/24 dev eth0; ip link set eth0 up")
      let guest = try Guest(in: lab, on: web1)
      try guest.run("for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 >$file; done")
      func bring(_ what: String) throws -> String {
        let rack = try Store.read(lab.daemon.state).rack
        let server = try #require(rack.server(named: "web1"))
        let wanted = GuestNetwork(of: server, in: rack, names: NICNames())
        let lines = try self.bring(guest, to: wanted, mark: "toprack r s config")
        #expect(!lines.isEmpty, "\(what)")
        return wanted.summary
      }
      func vlan(_ interface: String) throws {
        try guest.run("ip address add 10.20.1.1/24 dev \(interface)")
        let ping = try guest.attempt("ping -n -c 3 -i 0.2 -W 5 10.20.1.2")
        #expect(ping.status == 0, "\(interface): \(ping.output)")
      }
      func addresses() throws -> [String] {
        try lab.toprack.json("server", "show", "web1")["ip_addresses"].array?.compactMap { $0["gateway"].string } ?? []
      }

      #expect(try bring("layer3") == "bond0 of eth0 and eth1 in 802.3ad; bond0 routed")
      #expect(try lab.poll(for: .seconds(15)) { try lab.aggregated("web1") == ["eth0", "eth1"] })
      let bond = try guest.run("cat /proc/net/bonding/bond0")
      #expect(bond.contains("802.3ad") && bond.contains("LACP rate: fast") && bond.contains("layer3+4"), "\(bond)")
      for gateway in try addresses() {
        let ping = try guest.attempt("ping -n -c 3 -i 0.2 -W 5 \(gateway)")
        #expect(ping.status == 0, "\(gateway): \(ping.output)")
      }

      try lab.toprack("server", "mode", "web1", "hybrid")
      for vlan in ["1001", "1002"] { try lab.toprack("port", "attach", "web1", "eth1", vlan) }
      _ = try bring("hybrid")
      try vlan("eth1.1001")
      for vlan in ["1001", "1002"] { try lab.toprack("port", "detach", "web1", "eth1", vlan) }

      try lab.toprack("server", "mode", "web1", "layer2-bonded")
      for vlan in ["1001", "1002"] { try lab.toprack("port", "attach", "web1", "bond0", vlan) }
      _ = try bring("layer2-bonded")
      #expect(try lab.poll(for: .seconds(15)) { try lab.aggregated("web1") == ["eth0", "eth1"] })
      try vlan("bond0.1001")
      #expect(try !guest.run("ip route; ip -6 route").contains("proto 116"))
      for vlan in ["1001", "1002"] { try lab.toprack("port", "detach", "web1", "bond0", vlan) }

      try lab.toprack("server", "mode", "web1", "layer2-individual")
      for vlan in ["1001", "1002"] { try lab.toprack("port", "attach", "web1", "eth0", vlan) }
      _ = try bring("layer2-individual")
      try vlan("eth0.1001")

      _ = try self.bring(guest, to: .none, mark: "toprack r s config")
      #expect(
        try guest.run("ls -d /sys/class/net/*/").replacing("/sys/class/net/", with: "").replacing("/", with: "").split(
          whereSeparator: \.isWhitespace
        ).sorted() == ["eth0", "eth1", "lo"])
    }
  }
}
