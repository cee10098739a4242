import Foundation
import Glibc
import Testing

/// The rack in Wireshark's list of interfaces, driven by tshark as Wireshark does.
extension Integration {
  @Suite("Wireshark's extcap") struct ExtcapTests {
    /// Where Wireshark looks; covered by a folder of ours in a mount namespace of its own.
    private static let folder = "/usr/lib/\(machine)-linux-gnu/wireshark/extcap"

    private static var machine: String {
      var name = utsname()
      uname(&name)
      return withUnsafeBytes(of: &name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// A shell script with `toprack-extcap` as the only program in that folder.
    private static func command(_ script: String) -> [String] {
      let install = "mount -t tmpfs none \(folder) && ln -s '\(Daemon.binaries)/toprack' \(folder)/toprack-extcap"
      return ["unshare", "-m", "sh", "-c", "\(install) && \(script)"]
    }

    private func shell(_ script: String, socket: String) throws -> Finished {
      try run(Self.command(script), environment: ["TOPRACK_SOCKET": socket])
    }

    @Test("tshark lists the rack and its servers, and captures from a server and from one port of it")
    func tshark() throws {
      let lab = try Lab()
      try lab.networks(100)
      let one = try lab.individual("web1", 100).eth0
      let two = try lab.individual("web2", 100).eth0
      let list = try shell("tshark -D", socket: lab.daemon.socket)
      #expect(list.text.contains("toprack:* (Toprack: all servers)"), "\(list.text)\(list.errors)")
      #expect(list.text.contains("toprack:web1 (Toprack: web1)"), "\(list.text)\(list.errors)")
      for (interface, count) in [("toprack:web1:eth0", 3), ("toprack:web2", 3), ("toprack:*", 6)] {
        let fields = "-T fields -e frame.interface_name -e eth.type"
        let process = try ChildProcess(
          Self.command("exec tshark -l -i '\(interface)' -f 'ether proto 0x88b5' -c \(count) \(fields)"),
          environment: ["TOPRACK_SOCKET": lab.daemon.socket])
        // When it is in force is not said: frames come until it has enough.
        let isOver = try lab.poll {
          try one.send(Frame(to: two.mac, from: one.mac, "for tshark"))
          return process.hasExited
        }
        let lines = String(decoding: process.standardOutput, as: UTF8.self).split(separator: "\n")
        #expect(
          isOver && lines.count == count, "\(interface): \(String(decoding: process.standardError, as: UTF8.self))")
        let wanted =
          interface.contains("web1")
          ? ["web1/eth0"] : interface.contains("web2") ? ["web2/eth0"] : ["web1/eth0", "web2/eth0"]
        // The switch ends a batch of frames in one go: those that come in stand before those that leave.
        #expect(Set(lines.map { String($0.split(separator: "\t")[0]) }).isSubset(of: wanted))
      }
    }

    /// The program, called as Wireshark calls it.
    private func extcap(_ arguments: [String], socket: String) throws -> Finished {
      try run(["\(Daemon.binaries)/toprack", "extcap"] + arguments, environment: ["TOPRACK_SOCKET": socket])
    }

    @Test("without a daemon it says nothing, and is done at once")
    func silent() throws {
      let began = ContinuousClock.now
      let list = try extcap(["--extcap-interfaces", "--extcap-version=4.0"], socket: "/nonexistent/toprack.sock")
      #expect(list.status == 0 && list.text.isEmpty && list.errors.isEmpty)
      #expect(ContinuousClock.now - began < .seconds(2))
    }

    @Test("answers each of Wireshark's questions; a filter that is wrong in libpcap's words")
    func questions() throws {
      let lab = try Lab()
      try lab.networks(100)
      _ = try lab.individual("web1", 100)
      let socket = lab.daemon.socket
      let links = try extcap(["--extcap-dlts", "--extcap-interface", "toprack:web1"], socket: socket)
      #expect(links.text.hasPrefix("dlt {number=1}{name=EN10MB}"))
      let configuration = try extcap(["--extcap-config", "--extcap-interface", "toprack:web1"], socket: socket).text
      #expect(configuration.contains("{call=--port}") && configuration.contains("{value=bond0}"))
      #expect(configuration.contains("{call=--dropped}") && !configuration.contains("{call=--server}"))
      let good = try extcap(
        ["--extcap-capture-filter", "not arp", "--extcap-interface", "toprack:web1"], socket: socket)
      #expect(good.status == 0 && good.text.isEmpty)
      let bad = try extcap(
        ["--extcap-capture-filter", "tcp prot", "--extcap-interface", "toprack:web1"], socket: socket)
      #expect(bad.status == 0 && bad.text.contains("syntax error") && bad.text.split(separator: "\n").count == 1)
      let unknown = try extcap(
        ["--capture", "--extcap-interface", "toprack:nobody", "--fifo", "/dev/null"], socket: socket)
      #expect(unknown.status == 1 && unknown.errors.contains("there is no server"))
    }

    @Test("one whom the daemon does not let in sees one entry that says why")
    func forbidden() throws {
      let lab = try Lab(settings: "listen: 127.0.0.1:8080\n", withHost: true)
      let host = try #require(lab.host)
      let finished = try run(
        [
          "nsenter", "--net=/run/netns/\(host.name)", "\(Daemon.binaries)/toprack", "extcap", "--extcap-interfaces",
        ], environment: ["TOPRACK_URL": "http://127.0.0.1:8080", "TOPRACK_TOKEN": "no-such-token"])
      #expect(finished.status == 0)
      let lines = finished.text.split(separator: "\n").filter { $0.hasPrefix("interface ") }
      #expect(lines.count == 1 && lines[0].contains("unusable: "), "\(finished.text)")
    }
  }
}
