import Foundation
import Glibc
import Testing

/// `toprack wait`: each condition comes true while it is waited for, or the time is over and it says what is missing.
extension Integration {
  @Suite("wait") struct WaitTests {
    /// Begins to wait; `expect` says that it has ended well.
    private struct Wait {
      let child: ChildProcess

      init(_ lab: Lab, _ words: String...) throws {
        child = try ChildProcess(
          ["\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket, "wait", "--timeout", "60s"] + words)
      }

      func expect(sourceLocation: SourceLocation = #_sourceLocation) {
        let status = child.wait(until: .after(.seconds(60)))
        #expect(
          status == 0, "\(String(decoding: child.standardError, as: UTF8.self))", sourceLocation: sourceLocation)
      }
    }

    private func expectMissing(
      _ lab: Lab, _ words: [String], _ lines: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let finished = try lab.toprack.attempt(["wait", "--timeout", "300ms"] + words)
      #expect(finished.status == 1 && finished.text == "", sourceLocation: sourceLocation)
      let found = finished.errors.split(separator: "\n").map(String.init)
      #expect(found.count == lines.count, "\(finished.errors)", sourceLocation: sourceLocation)
      for (line, found) in zip(lines, found) {
        #expect(found.hasPrefix("toprack: \(line)"), "\(found)", sourceLocation: sourceLocation)
      }
    }

    @Test(
      "servers are active at once; a link comes up while it is waited for, and a server that is not there is refused")
    func links() throws {
      let lab = try Lab()
      try lab.networks(1001)
      let web1 = try Tenant(in: lab, "web1", .layer2Individual)
      try lab.toprack("wait", "web1")
      #expect(try lab.toprack.json("wait", "web1")["met"].bool == true)
      try expectMissing(lab, ["web1", "--link"], "web1: no port of it is used")
      try lab.toprack("port", "attach", "web1", "eth1", "1001")
      try expectMissing(
        lab, ["web1", "--link"], "web1: link of eth1 is down; set eth1 up in the server: 'ip link set eth1 up'")
      let (used, named) = (try Wait(lab, "web1", "--link"), try Wait(lab, "web1", "--link=eth0"))
      try web1.shell("ip link set eth1 up")
      used.expect()
      #expect(!named.child.hasExited)
      try web1.shell("ip link set eth0 up")
      named.expect()
      let unknown = try lab.toprack.attempt(["wait", "web9"])
      #expect(unknown.status == 1 && unknown.errors.contains("there is no server \"web9\""))

      try lab.toprack("server", "power", "web1", "off")
      try expectMissing(lab, ["web1"], "web1: is switched off; 'toprack server power web1 on'")
      let powered = try Wait(lab, "web1")
      try lab.toprack("server", "power", "web1", "on")
      powered.expect()
      // A wait does not go on for ever about what has gone.
      let gone = try ChildProcess([
        "\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket, "wait", "--timeout", "10m", "web1", "--lacp",
      ])
      try lab.poll { try lab.toprack.attempt(["wait", "web1", "--lacp", "--timeout", "0"]).status == 1 }
      try lab.toprack("server", "delete", "web1")
      #expect(gone.wait(until: .after(.seconds(60))) == 1)
    }

    @Test("LACP: both links join while it is waited for; without a partner each link is named")
    func lacp() throws {
      let lab = try Lab(settings: "lacp-rate: fast\n")
      try lab.networks(1001)
      let web1 = try lab.machine("web1", .layer2Bonded, vlans: [("bond0", 1001)])
      try expectMissing(lab, ["web1", "--lacp"], "web1: no LACP partner on eth0", "web1: no LACP partner on eth1")
      // Why is known when LACP has been silent for a while.
      let explained = try lab.poll {
        try lab.toprack.attempt(["wait", "web1", "--lacp", "--timeout", "0"]).errors.contains(
          "web1: no LACP partner on eth1; link up, no LACPDU heard")
      }
      #expect(explained)
      let wait = try Wait(lab, "web1", "--lacp", "--link")
      let ovs = try OpenVSwitch(in: lab, on: web1)
      try ovs.addBond()
      wait.expect()
      #expect(try lab.aggregated("web1") == ["eth0", "eth1"])
    }

    @Test("addresses: the gateway asks for them, so a server that says nothing by itself is found")
    func addresses() throws {
      let lab = try Lab(withHost: true)
      let web1 = try Tenant(in: lab, "web1", .layer3)
      let addresses = try web1.addresses()
      try web1.shell("ip link set eth0 up")
      try expectMissing(
        lab, ["web1", "--address"], "web1: nobody answers at \(addresses.public.host)",
        "web1: nobody answers at \(addresses.private.host)", "web1: nobody answers at \(addresses.ipv6.host)")
      let wait = try Wait(lab, "web1", "--address")
      try web1.configure()
      wait.expect()

      try expectMissing(lab, ["web1", "--phone-home"], "web1: has not phoned home")
      let home = try Wait(lab, "web1", "--phone-home")
      try web1.shell("curl -s -m 5 --noproxy '*' -X POST http://169.254.169.254/phone-home")
      home.expect()
    }

    @Test("a ping is answered as soon as somebody has the address; from a virtual machine none can be sent")
    func ping() throws {
      let lab = try Lab()
      try lab.networks(1001)
      let web1 = try lab.individual("web1", 1001)
      let web2 = try lab.individual("web2", 1001)
      try web1.namespace.run("ip", "address", "add", "10.0.1.1/24", "dev", "eth0")
      try expectMissing(lab, ["web2", "--ping", "10.0.1.1"], "web2: 10.0.1.1 does not answer: nothing was sent: ")
      let wait = try Wait(lab, "web1", "--ping", "10.0.1.2")
      try web2.namespace.run("ip", "address", "add", "10.0.1.2/24", "dev", "eth0")
      wait.expect()
      let wrong = try lab.toprack.attempt(["wait", "web1", "--ping", "-f"])
      #expect(wrong.status != 0)
      let hostile = try lab.toprack.attempt(["wait", "web1", "--ping=-f"])
      #expect(hostile.status == 1 && hostile.errors.contains("is no address"), "\(hostile.errors)")
      try lab.toprack("vm", "attach", "web1")
      let guest = try lab.toprack.attempt(["wait", "web1", "--ping", "10.0.1.2"])
      #expect(guest.status == 1 && guest.errors.contains("web1 is a virtual machine"), "\(guest.errors)")
      try lab.toprack("vm", "detach", "web1")
    }

    @Test("a stop of the daemon ends those who wait, and a client that goes leaves nobody waiting")
    func ends() throws {
      let lab = try Lab()
      let namespace = lab.namespace("web1")
      try lab.toprack("server", "create", "web1", "--netns=\(namespace.name)")
      // As many as may wait at a time, for longer than this test.
      let body = #"{"servers": ["web1"], "conditions": {"lacp": true}, "timeout_ms": 3600000}"#
      let children = try (0..<64).map { _ in
        try ChildProcess([
          "curl", "-s", "--unix-socket", lab.daemon.socket, "-d", body, "http://localhost/toprack/wait",
        ])
      }
      let isFull = try lab.poll {
        try lab.toprack.attempt(["wait", "web1", "--timeout", "0"]).errors.contains("64 waits open, which is the limit")
      }
      #expect(isFull && children.allSatisfy { !$0.hasExited })
      for child in children { child.signal(SIGKILL) }
      #expect(try lab.poll { try lab.toprack.attempt(["wait", "web1"]).status == 0 }, "there is room again")
      let wait = try Wait(lab, "web1", "--lacp")
      try lab.poll { try !lab.toprack("lacp", "show", "web1").isEmpty }
      #expect(try lab.daemon.stop() == 0)
      let status = wait.child.wait(until: .after(.seconds(20)))
      #expect(status == 1 || status == 3)
    }
  }
}
