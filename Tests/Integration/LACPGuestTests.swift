import Glibc
import Testing

/// The Linux bonding driver, in a virtual machine on the NICs. Run by `scripts/test --vm`, which builds the guest.
extension Integration {
  @Suite("LACP with the Linux bonding driver", .enabled(if: Guest.image != nil, "TOPRACK_GUEST is not set"))
  struct LACPGuestTests {
    @Test("a virtual machine's frames cross the switch as a namespace's do: tagged, long and segmented later")
    func plainNICs() throws {
      let lab = try Lab()
      try lab.networks(1001, 1002)
      let web1 = try lab.machine("web1", .layer2Individual, vlans: [("eth0", 1001), ("eth1", 1001), ("eth1", 1002)])
      let peer = try lab.individual("peer", 1001)
      try peer.namespace.run("ip", "address", "add", "10.0.1.9/24", "dev", "eth0")
      let booting = ContinuousClock.now
      let guest = try Guest(in: lab, on: web1)
      print("the guest booted in \(booting.duration(to: .now).milliseconds) ms")
      try guest.run(
        """
        ip address add 10.0.1.1/24 dev eth0
        ip link set eth0 up
        ip link add link eth1 name eth1.1001 type vlan id 1001
        ip address add 10.0.1.2/24 dev eth1.1001
        ip link set eth1 up
        ip link set eth1.1001 up
        """)
      #expect(try guest.run("cat /sys/class/net/eth0/address") == "\(web1.eth0.mac)\n")
      try guest.run("ping -c 3 -i 0.2 -W 5 -I eth0 10.0.1.9")
      try guest.run("ping -c 3 -i 0.2 -W 5 -I eth1.1001 10.0.1.9")
      let speed = try guest.transfer(to: "10.0.1.9", in: peer.namespace)
      print("TCP from the guest: \(speed / 1_000_000) Mbit/s")
      #expect(speed > 10_000_000)
    }

    @Test(
      "both links join, VLANs run on top of the bond, and TCP through it; at the fast rate within 3 s",
      arguments: [true, false])
    func convergence(_ fast: Bool) throws {
      let rack = try BondedGuest(fast: fast)
      let time = try rack.bond()
      print("LACP with the bonding driver, rate \(fast ? "fast" : "slow"): converged in \(time.milliseconds) ms")
      if fast { #expect(Pace.allows(time, under: .seconds(3))) }

      let members = try rack.lab.lacp("web1")
      let driver = BondingDriver(try rack.guest.run("cat /proc/net/bonding/bond0"))
      for (port, member) in members {
        #expect(member.problem == nil)
        #expect(driver.links[port]?.partnerSystem == member.actorSystem)
        #expect(driver.links[port]?.partnerKey == member.actorKey)
        #expect((driver.links[port]?.partnerState ?? 0) & 0x02 == (fast ? 0x02 : 0), "the switch's rate")
      }
      #expect(driver.partnerSystem == members["eth0"]?.actorSystem)
      try rack.expectConnected()
      for address in ["10.0.1.2", "10.0.2.2"] {
        let speed = try rack.guest.transfer(to: address, in: rack.peer.namespace)
        print("TCP from the guest's bond to \(address): \(speed / 1_000_000) Mbit/s")
        #expect(speed > 10_000_000)
      }
    }

    @Test("a cable pulled at the guest: the bond goes on with the other link, and takes it back")
    func guestLinkDown() throws {
      let rack = try BondedGuest()
      try rack.bond()
      for (number, rest) in [(0, "eth1"), (1, "eth0")] {
        try rack.guest.setLink(number, up: false)
        // The switch sees no carrier go; it hears nothing for 3 s.
        let time = try rack.expectBond([rest])
        print("guest's eth\(number) down: both ends agreed after \(time.milliseconds) ms")
        #expect(Pace.allows(time, under: .seconds(5)))
        try rack.expectConnected()
        try rack.guest.setLink(number, up: true)
        try rack.expectBond(["eth0", "eth1"])
        try rack.expectConnected()
      }
    }

    @Test("a NIC down at the switch: what goes to the guest moves within 50 ms, and the guest follows")
    func tapDown() throws {
      let rack = try BondedGuest()
      try rack.bond()
      try rack.expectConnected()
      let links = [rack.web1.eth0, rack.web1.eth1]
      let mac = try #require(
        MAC(try rack.guest.run("cat /sys/class/net/bond0/address").split(separator: "\n")[0].description))
      for (link, rest) in [(links[0], "eth1"), (links[1], "eth0")] {
        // So many that some of them use the link: all go by the other one once in thousands of runs.
        let streams = try (1...12).map { number in
          try PacedStream(
            "conversation \(number)", from: rack.peer.eth0, source: .station(number), to: mac, watching: links)
        }
        for stream in streams { stream.start() }
        streams[0].goOn()
        try link.takeDown()
        try rack.expectBond([rest])
        for stream in streams { try stream.stop() }
        let reports = streams.map { $0.report(at: links[0], links[1]) }
        print("\(link.name) down: \(reports.map(\.longestLoss.milliseconds)) ms lost of each conversation")
        #expect(streams.contains { $0.report(at: link).received > 100 }, "some of them used \(link.name)")
        for report in reports {
          #expect(Pace.allows(report.longestLoss, under: .milliseconds(50)))
          #expect(report.duplicates == 0)
        }
        try rack.expectConnected()
        try link.bringUp()
        try rack.expectBond(["eth0", "eth1"])
        try rack.expectConnected()
      }
    }

    @Test("mode changes show in /proc/net/bonding/bond0: individual ends the partnership, hybrid takes eth1 out of it")
    func modes() throws {
      let rack = try BondedGuest()
      try rack.bond()
      for vlan in ["1001", "1002"] { try rack.lab.toprack("port", "detach", "web1", "bond0", vlan) }
      try rack.lab.toprack("server", "mode", "web1", "layer2-individual")
      let individual = try rack.expectBond([])
      print("layer2-individual: the bonding driver lost its partner after \(individual.milliseconds) ms")
      #expect(Pace.allows(individual, under: .seconds(5)), "its timeout is 3 s")

      try rack.lab.toprack("server", "mode", "web1", "layer2-bonded")
      for vlan in ["1001", "1002"] { try rack.lab.toprack("port", "attach", "web1", "bond0", vlan) }
      let bonded = try rack.expectBond(["eth0", "eth1"])
      print("layer2-bonded again: both joined after \(bonded.milliseconds) ms")
      try rack.expectConnected()

      for vlan in ["1001", "1002"] { try rack.lab.toprack("port", "detach", "web1", "bond0", vlan) }
      try rack.lab.toprack("server", "mode", "web1", "layer3")
      try rack.expectBond(["eth0", "eth1"])
      try rack.lab.toprack("server", "mode", "web1", "hybrid")
      try rack.expectBond(["eth0"])
      try rack.lab.toprack("server", "mode", "web1", "layer3")
      try rack.expectBond(["eth0", "eth1"])
    }

    @Test("NICs without a speed are never bonded; `lacp show` says so, and giving them one heals it")
    func noSpeed() throws {
      let rack = try BondedGuest(speed: false)
      try rack.makeBond()
      #expect(try rack.guest.run("ethtool eth0").contains("Speed: Unknown"))
      let explained = try rack.lab.poll(for: .seconds(15)) {
        let text = try rack.lab.toprack("lacp", "show", "web1")
        return ["eth0", "eth1"].allSatisfy { text.contains("web1 \($0): link up, no LACPDU heard") }
          && text.contains("virtio NICs need speed=10000,duplex=full")
      }
      #expect(explained)
      #expect(try rack.lab.lacp("web1").values.allSatisfy { $0.partnerSystem == nil })
      try rack.guest.run("ethtool -s eth0 speed 10000 duplex full; ethtool -s eth1 speed 10000 duplex full")
      try rack.expectBond(["eth0", "eth1"])
      #expect(try rack.lab.lacp("web1").values.allSatisfy { $0.problem == nil })
    }

    @Test("teamd is a partner, too: both links join within 3 s, and one of them may go")
    func team() throws {
      let rack = try BondedGuest()
      let time = try rack.team()
      print("LACP with teamd: converged in \(time.milliseconds) ms")
      #expect(Pace.allows(time, under: .seconds(3)))
      try rack.expectConnected()
      try rack.guest.setLink(0, up: false)
      try rack.expectTeam(["eth1"])
      try rack.expectConnected()
      try rack.guest.setLink(0, up: true)
      try rack.expectTeam(["eth0", "eth1"])
      try rack.expectConnected()
    }
  }
}

extension Guest {
  /// Sends TCP for two seconds to a server in `namespace`, and returns bits per second as that one counted them.
  func transfer(to address: String, in namespace: NetworkNamespace) throws -> Int {
    let server = try ChildProcess(
      ["ip", "netns", "exec", namespace.name, "iperf3", "--server", "--one-off", "--bind", address, "--json"])
    // iperf3 does not say when it listens.
    let deadline = Deadline.after(.seconds(20))
    while true {
      let (status, output) = try attempt("iperf3 --client \(address) --time 2 --connect-timeout 5000")
      if status == 0 { break }
      guard output.contains("refused"), !deadline.hasPassed else { throw HarnessError("iperf3: \(output)") }
    }
    _ = server.wait(until: .after(.seconds(20)))
    let report = try JSON(server.standardOutput)
    guard case .number(let speed) = report["end"]["sum_received"]["bits_per_second"] else {
      throw HarnessError("iperf3 reported \(String(decoding: server.standardOutput, as: UTF8.self))")
    }
    return Int(speed)
  }
}
