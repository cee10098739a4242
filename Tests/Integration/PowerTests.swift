import Testing

/// Power as the API gives it: what a machine sees of its cables, and what crosses them.
extension Integration {
  @Suite("Power") struct PowerTests {
    private static func act(_ type: String, on machine: Machine, _ lab: Lab) throws {
      let id = try #require(try lab.toprack.json("server", "show", machine.name)["id"].string)
      let answer = try HTTPAnswer(
        "POST", "/devices/\(id)/actions", body: "{\"type\":\"\(type)\"}", socket: lab.daemon.socket)
      #expect(answer.status == 202, "\(type): \(answer.errors ?? [])")
      #expect(answer.body.isEmpty)
    }

    /// Whether eth0 and eth1 have carrier, as the machine sees it.
    /// What the kernel tells of it; a moment later than it is so, hence to be asked again.
    private static func carrier(of machine: Machine) throws -> [Bool] {
      let links = try JSON(runSuccessfully(["ip", "-n", machine.namespace.name, "-j", "link", "show"]).output)
      return ["eth0", "eth1"].compactMap { name in
        (links.array ?? []).first { $0["ifname"].string == name }.map { link in
          !(link["flags"].array ?? []).contains { $0.string == "NO-CARRIER" }
        }
      }
    }

    @Test(
      "a machine that is switched off has no carrier and nothing crosses, also over a restart, until it is on again")
    func off() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      #expect(try a.reaches(b))
      try Self.act("power_off", on: a, lab)
      #expect(try lab.poll { try Self.carrier(of: a) == [false, false] })
      #expect(try lab.poll { try Self.carrier(of: b) == [true, true] })
      #expect(try lab.toprack.json("server", "show", "a")["state"].string == "inactive")

      func attempt(_ text: String) throws {
        try lab.expectDrops("no-receiver", at: b.eth0, text) {
          try b.eth0.send(Frame(to: .broadcast, from: b.eth0.mac, text))
        }
        // The kernel may refuse a frame for a NIC without carrier, or lose it.
        _ = a.eth0.trySend(Frame(to: .broadcast, from: a.eth0.mac, text).bytes)
      }
      try attempt("while it is off")
      lab.daemon.kill()
      try lab.daemon.start()
      #expect(try lab.poll { try Self.carrier(of: a) == [false, false] })
      #expect(try lab.poll { try lab.toprack.json("port", "show", "b", "eth0")["link_up"].bool == true })
      try attempt("while it is off after a restart")

      try Self.act("power_on", on: a, lab)
      #expect(try lab.poll { try Self.carrier(of: a) == [true, true] })
      // The first that each of them hears is this.
      let forth = Frame(to: .broadcast, from: a.eth0.mac, "on again")
      #expect(try lab.poll { try lab.toprack.json("port", "show", "a", "eth0")["link_up"].bool == true })
      try a.eth0.send(forth)
      try b.eth0.expect(forth)
      let back = Frame(to: a.eth0.mac, from: b.eth0.mac, "heard")
      try b.eth0.send(back)
      try a.eth0.expect(back)
    }

    @Test("a reboot takes the carrier away and gives it back, and forgets the stations of the machine")
    func reboot() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      #expect(try a.reaches(b))
      #expect(try lab.stations().count == 1)
      func losses() throws -> Int? {
        Int(try a.namespace.run("cat", "/sys/class/net/eth0/carrier_down_count").text.dropLast())
      }
      let before = try #require(try losses())
      try Self.act("reboot", on: a, lab)
      #expect(try losses() == before + 1)
      #expect(try lab.poll { try Self.carrier(of: a) == [true, true] })
      #expect(try lab.stations().isEmpty)
      #expect(try lab.poll { try a.reaches(b) })
    }
  }
}
