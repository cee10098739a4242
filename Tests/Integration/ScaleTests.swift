import Testing

extension Integration {
  @Suite("Many servers, and change under load") struct ScaleTests {
    @Test("a hundred servers share a VLAN, hear a broadcast once each, and go away again")
    func hundredServers() throws {
      let lab = try Lab()
      try lab.networks(100)
      let started = ContinuousClock.now
      let names = (1...100).map { "s\($0)" }
      for name in names {
        try lab.toprack("server", "create", name, "--netns=\(lab.namespace(name).name)")
        try lab.toprack("server", "mode", name, "layer2-individual")
        try lab.toprack("port", "attach", name, "eth0", "100")
      }
      print("100 servers created and attached in \(started.duration(to: .now))")
      #expect(try Lab.names(lab.toprack.json("server", "list")).count == 100)

      // Three of them have an operating system.
      let machines = try ["s1", "s50", "s100"].map { name in
        let namespace = lab.namespace(name)
        try namespace.silence()
        return try Machine(
          in: lab, name: name, namespace: namespace, device: lab.toprack.json("server", "show", name))
      }
      for sender in machines {
        let frame = Frame(to: .broadcast, from: sender.eth0.mac, "from \(sender.name) to all")
        try sender.eth0.send(frame)
        for other in machines where other.name != sender.name { try other.eth0.expect(frame) }
      }
      for sender in machines {
        for receiver in machines where receiver.name != sender.name {
          let frame = Frame(to: receiver.eth0.mac, from: sender.eth0.mac, "\(sender.name) to \(receiver.name)")
          try sender.eth0.send(frame)
          try receiver.eth0.expect(frame)
        }
      }
      try machines[0].eth0.expectNothing(sentinelFrom: machines[1].eth0)

      let deleting = ContinuousClock.now
      for name in names { try lab.toprack("server", "delete", name) }
      print("100 servers deleted in \(deleting.duration(to: .now))")
      for name in names { #expect(!lab.namespace(name).exists) }
      try lab.toprack("network", "delete", "100")
    }

    @Test("no frame is lost, doubled or reordered between two servers while others change mode, VLANs and existence")
    func changeUnderLoad() throws {
      let lab = try Lab()
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let hello = Frame(to: .broadcast, from: b.eth0.mac, "so that b is known")
      try b.eth0.send(hello)
      try a.eth0.expect(hello)
      _ = try lab.machine("other")

      let stream = try FrameStream(from: a.eth0, to: b.eth0)
      for round in 1...4 {
        for mode in [Mode.hybrid, .layer2Bonded, .layer2Individual, .layer3] {
          try lab.toprack("server", "mode", "other", mode.rawValue)
          let port = [Mode.hybrid: "eth1", .layer2Bonded: "bond0", .layer2Individual: "eth0"][mode]
          guard let port else { continue }
          try lab.toprack("port", "attach", "other", port, "100")
          try lab.toprack("port", "attach", "other", port, "200")
          try lab.toprack("port", "native", "other", port, "100")
          try lab.toprack("port", "detach", "other", port, "100")
          try lab.toprack("port", "detach", "other", port, "200")
        }
        let namespace = lab.namespace("more\(round)")
        try lab.toprack("server", "create", "more\(round)", "--netns=\(namespace.name)")
        try lab.toprack("server", "delete", "more\(round)")
        try lab.toprack("network", "create", "--vxlan", "300")
        try lab.toprack("network", "delete", "300")
      }
      let report = try stream.stop()
      #expect(report.fault == nil)
      #expect(report.received > 1_000)
      #expect(b.eth0.lostByCapture == 0)
      print("\(report.received) frames crossed during the changes, none lost")
    }
  }
}
