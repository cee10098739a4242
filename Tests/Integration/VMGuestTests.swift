import Foundation
import Testing

/// Machines as a user has them: by `vm run`, and their own by `vm attach`. Run by `scripts/test --vm`, which builds the
/// guests.
extension Integration {
  @Suite("Virtual machines by vm run and vm attach", .enabled(if: Guest.image != nil, "TOPRACK_GUEST is not set"))
  struct VMGuestTests {
    /// Two machines that do as they are told, through all modes.
    private struct Pair {
      let lab: Lab
      let servers: [String]
      var shells: [any GuestShell]

      func each(_ body: (_ server: String, _ shell: any GuestShell, _ number: Int) throws -> Void) throws {
        for (number, server) in servers.enumerated() { try body(server, shells[number], number + 1) }
      }

      /// Takes both to `mode`, with VLANs on the ports named; tells their systems, and waits for their bonds.
      func convert(to mode: Mode, vlans: [(port: String, vlan: Int)], bonded: Set<String>) throws {
        for server in servers {
          try lab.toprack("server", "mode", server, mode.rawValue)
          for (port, vlan) in vlans { try lab.toprack("port", "attach", server, port, "\(vlan)") }
        }
        try each { server, shell, _ in try shell.run(try lab.toprack("server", "network-config", server)) }
        for server in servers {
          let isBonded = try lab.poll(for: .seconds(60)) { try lab.aggregated(server) == bonded }
          let found = try lab.toprack("lacp", "show", server)
          #expect(isBonded, "\(server) in \(mode): \(found)")
        }
      }

      /// TCP from the second machine to the first one's `address`.
      func transfers(to address: String, _ comment: String) throws {
        var last = (status: 1, output: "")
        // iperf3 does not say when it listens, and a bond carries some moments after it was agreed on.
        let arrives = try lab.poll(for: .seconds(60)) {
          last = try shells[1].attempt("iperf3 --client \(address) --time 1 --connect-timeout 3000")
          return last.status == 0
        }
        #expect(arrives && last.output.contains("receiver"), "\(comment), \(address): \(last.output)")
      }

      /// The first machine's public address.
      func publicAddress() throws -> String {
        let entries = try lab.toprack.json("server", "show", servers[0])["ip_addresses"].array ?? []
        return try #require(
          entries.first { $0["public"].bool == true && $0["address_family"].int == 4 }?["address"].string)
      }

      /// Layer 3, hybrid, layer2-bonded, layer2-individual, with TCP in each, and `between` two of them.
      func tour(between: () throws -> Void = {}) throws {
        try lab.networks(1001, 1002)
        try each { _, shell, _ in
          try shell.run(
            "for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 >$file; done; iperf3 --server --daemon")
        }
        func address(_ interfaces: String...) throws {
          try each { _, shell, number in
            for (index, interface) in interfaces.enumerated() {
              try shell.run("ip address add 10.9.\(index).\(number)/24 dev \(interface)")
            }
          }
        }
        try convert(to: .layer3, vlans: [], bonded: ["eth0", "eth1"])
        try transfers(to: publicAddress(), "layer3")
        try between()
        try convert(to: .hybrid, vlans: [("eth1", 1001), ("eth1", 1002)], bonded: ["eth0"])
        try address("eth1.1001", "eth1.1002")
        try transfers(to: publicAddress(), "hybrid")
        try transfers(to: "10.9.0.1", "hybrid, VLAN 1001")
        try transfers(to: "10.9.1.1", "hybrid, VLAN 1002")
        try between()
        for server in servers {
          for vlan in ["1001", "1002"] { try lab.toprack("port", "detach", server, "eth1", vlan) }
        }
        try convert(to: .layer2Bonded, vlans: [("bond0", 1001), ("bond0", 1002)], bonded: ["eth0", "eth1"])
        try address("bond0.1001", "bond0.1002")
        try transfers(to: "10.9.0.1", "layer2-bonded, VLAN 1001")
        try between()
        for server in servers {
          for vlan in ["1001", "1002"] { try lab.toprack("port", "detach", server, "bond0", vlan) }
        }
        try convert(to: .layer2Individual, vlans: [("eth0", 1001), ("eth1", 1002)], bonded: [])
        try address("eth0", "eth1")
        try transfers(to: "10.9.0.1", "layer2-individual, eth0")
        try transfers(to: "10.9.1.1", "layer2-individual, eth1")
      }
    }

    @Test("two machines by vm run go through all modes, with TCP in each, and the daemon killed in between")
    func byRun() throws {
      let image = try #require(Guest.image)
      let lab = try Lab(settings: "lacp-rate: fast\n")
      let servers = ["vm1", "vm2"]
      for server in servers {
        try lab.toprack("server", "create", server, "--netns=\(lab.namespace(server).name)")
        let said = try lab.toprack(
          "vm", "run", server, "--kernel", "\(image)/vmlinux", "--initrd", "\(image)/initrd", "--memory", "256M",
          "--append", "console=ttyS0 quiet mitigations=off panic=-1 random.trust_cpu=on")
        #expect(said.hasPrefix("the machine of \(server) is running, process "), "\(said)")
      }
      defer { for server in servers { _ = try? lab.toprack.attempt(["vm", "stop", server, "--force"]) } }
      let shells = try servers.map { try ConsoleShell(in: lab, $0) }
      func processes() throws -> [Int?] { try servers.map { try lab.toprack.json("vm", "status", $0)["pid"].int } }
      let began = try processes()
      #expect(!began.contains(nil))
      try Pair(lab: lab, servers: servers, shells: shells).tour {
        lab.daemon.kill()
        try lab.daemon.start()
        #expect(try processes() == began, "they are the same machines")
        for shell in shells { try shell.reconnect() }
      }
      let status = try lab.toprack.json("vm", "status", "vm1")
      for nic in status["nics"].array ?? [] { #expect(nic["macs_heard"].array?.isEmpty == false, "\(status)") }
      #expect(try lab.toprack("vm", "stop", "vm1", "--force").contains("stopped"))
      #expect(try lab.toprack.json("vm", "status", "vm1")["state"].string == "stopped")
    }

    @Test("two machines of somebody else's, one by netfilter and one by macvtap, go the same way")
    func byAttach() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      let servers = ["vm1", "vm2"]
      let machines = try servers.map { try lab.machine($0) }
      let shells = [try Guest(in: lab, on: machines[0]), try Guest(in: lab, on: machines[1], options: "--macvtap")]
      try Pair(lab: lab, servers: servers, shells: shells).tour {
        lab.daemon.kill()
        try lab.daemon.start()
      }
      for (server, how) in zip(servers, ["forward", "macvtap"]) {
        let status = try lab.toprack.json("vm", "status", server)
        #expect(status["state"].string == "attached")
        for nic in status["nics"].array ?? [] {
          #expect(nic["how"].string == how && nic["macs_heard"].array?.isEmpty == false, "\(status)")
        }
        try lab.toprack("vm", "detach", server)
      }
    }

    @Test("--wait is over when the machine was heard; a bond without LACPDUs is said, with what to do")
    func heard() throws {
      let image = try #require(Guest.image)
      let lab = try Lab(settings: "lacp-rate: fast\n")
      try lab.toprack("server", "create", "vm1", "--netns=\(lab.namespace("vm1").name)")
      let waiting = try ChildProcess([
        "\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket, "vm", "run", "vm1", "--kernel", "\(image)/vmlinux",
        "--initrd", "\(image)/initrd", "--memory", "256M", "--append",
        "console=ttyS0 quiet mitigations=off panic=-1 random.trust_cpu=on", "--wait",
      ])
      defer { _ = try? lab.toprack.attempt(["vm", "stop", "vm1", "--force"]) }
      #expect(try lab.poll(for: .seconds(30)) { try lab.toprack.attempt(["vm", "status", "vm1"]).status == 0 })
      let shell = try ConsoleShell(in: lab, "vm1")
      #expect(!waiting.hasExited, "it has said nothing yet")
      let status = try lab.toprack.json("vm", "status", "vm1")
      for nic in status["nics"].array ?? [] {
        #expect(nic["lacp"].bool == false && nic["advice"].string?.isEmpty == false, "a layer3 server is bonded")
      }
      // It speaks to its gateway by one NIC, which carries alone.
      try shell.run("for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 >$file; done")
      try shell.run(try lab.toprack("server", "network-config", "vm1", "--no-bond"))
      let entries = try lab.toprack.json("server", "show", "vm1")["ip_addresses"].array ?? []
      for gateway in entries.compactMap({ $0["gateway"].string }) where !gateway.contains(":") {
        try shell.run("ping -c 3 -i 0.2 -W 5 \(gateway)")
      }
      #expect(
        waiting.wait(until: .after(.seconds(30))) == 0, "\(String(decoding: waiting.standardError, as: UTF8.self))")
    }
  }
}
