import Foundation
import Glibc
import Testing

/// What a capture in the switch shows, beside what libpcap sees on the NICs themselves.
extension Integration {
  @Suite("Capture") struct CaptureTests {
    let lab: Lab

    init() throws { lab = try Lab() }

    /// Test frames of `capture`, or of a NIC, as bytes.
    private func tests(_ frames: [PcapngFile.Frame]) -> [PcapngFile.Frame] {
      frames.filter { $0.seen?.etherType == Frame.experiment1 }
    }

    private func seen(by capture: Capture, _ count: Int) throws -> [[UInt8]] {
      var frames: [[UInt8]] = []
      while frames.count < count, let bytes = try capture.next(until: .after(.seconds(10))) {
        if Frame(bytes)?.etherType == Frame.experiment1 { frames.append(bytes) }
      }
      return frames
    }

    @Test("of all ports shows frame by frame what libpcap sees on the NICs: tags, floods, and drops with their reasons")
    func everything() throws {
      try lab.networks(100, 200)
      let plain = try lab.individual("plain1", 100).eth0
      let trunk = try lab.individual("trunk1", 100, 200).eth0
      let native = try lab.individual("native1", 100, 200, native: 100).eth0
      let nics = [plain, trunk, native]
      let outside = try nics.map { try Capture(on: $0.interface, in: $0.namespace, .both) }
      let capture = try RunningCapture(in: lab, ["--dropped"])
      let frames: [(NIC, Frame)] = [
        (plain, Frame(to: .broadcast, from: plain.mac, "a flood", size: 200)),
        (trunk, Frame(to: plain.mac, from: trunk.mac, tags: [.c(100, priority: 5, dei: true)], "to plain", size: 90)),
        (native, Frame(to: trunk.mac, from: native.mac, tags: [.c(200)], "to the trunk", size: 1_500)),
        (native, Frame(to: plain.mac, from: native.mac, tags: [], "untagged", size: 64)),
        (trunk, Frame(to: .broadcast, from: trunk.mac, tags: [.c(100), .c(7)], "two tags", size: 300)),
        (plain, Frame(to: trunk.mac, from: plain.mac, tags: [.c(300)], "no such VLAN", size: 100)),
        (trunk, Frame(to: plain.mac, from: trunk.mac, "untagged on a trunk", size: 100)),
      ]
      for (nic, frame) in frames { try nic.send(frame) }
      let last = Frame(to: .broadcast, from: plain.mac, "the last one")
      try plain.send(last)
      for nic in [trunk, native] {
        _ = try nic.next(until: .after(.seconds(5))) { $0.payload.starts(with: last.payload) }
      }
      let tail = Array("the last one".utf8)
      #expect(
        try lab.poll {
          let data = try Data(contentsOf: URL(filePath: capture.file))
          return data.ranges(of: tail).count == 3
        })
      let file = try capture.end()
      #expect(Set(file.interfaces).isSuperset(of: ["plain1/eth0", "plain1/eth1", "trunk1/eth0", "native1/eth0"]))
      #expect(file.descriptions.contains { $0.contains("VLAN 100 native, 200 tagged") })
      let shown = tests(file.frames)
      for (nic, other) in zip(nics, outside) {
        let own = shown.filter { $0.interface == "\(nic.machine)/eth0" }
        let there = try seen(by: other, own.count)
        #expect(
          own.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) }
            == there.sorted { $0.lexicographicallyPrecedes($1) }, "\(nic.name)")
        let sent = frames.filter { $0.0 === nic }.map(\.1.bytes) + (nic === plain ? [last.bytes] : [])
        #expect(own.filter { $0.isInbound }.map(\.bytes) == sent, "\(nic.name)")
      }
      let dropped = shown.filter { !$0.comments.isEmpty }
      #expect(
        dropped.map { [$0.interface] + $0.comments }.sorted { $0[0] < $1[0] } == [
          ["plain1/eth0", "dropped: vlan-not-allowed"], ["trunk1/eth0", "dropped: untagged-not-allowed"],
        ])
      #expect(dropped.allSatisfy { $0.isInbound })
      try otherReaders(capture.file, file)
    }

    /// tcpdump, tshark, capinfos and scapy read the file, and find as many frames and interfaces in it.
    private func otherReaders(_ path: String, _ file: PcapngFile) throws {
      let lines = try runSuccessfully(["tcpdump", "-nr", path]).text.split(separator: "\n").filter {
        !$0.hasPrefix("\t")
      }
      #expect(lines.count == file.frames.count)
      let tshark = try runSuccessfully([
        "tshark", "-r", path, "-T", "fields", "-E", "separator=|", "-e", "frame.interface_name", "-e",
        "frame.packet_flags_direction", "-e", "frame.comment", "-e", "frame.len",
      ]).text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
      #expect(
        tshark.map { $0.replacing("0x00000001", with: "1").replacing("0x00000002", with: "2") }
          == file.frames.map {
            "\($0.interface)|\($0.isInbound ? 1 : 2)|\($0.comments.joined(separator: ","))|\($0.length)"
          })
      let summary = try runSuccessfully(["capinfos", path]).text
      #expect(summary.contains("Number of interfaces in file: \(file.interfaces.count)"), "\(summary)")
      let script = "import sys; from scapy.all import *; print(len([p for p in RawPcapNgReader(sys.argv[1])]))"
      let scapy = try runSuccessfully(["/usr/bin/python3", "-c", script, path]).text
      #expect(scapy.trimmingCharacters(in: .whitespacesAndNewlines) == "\(file.frames.count)")
    }

    @Test("super-frames are shown as segments with sound checksums, or whole with a comment")
    func offloads() throws {
      try lab.networks(100, 200)
      let plain = try lab.individual("plain1", 100)
      let native = try lab.individual("native1", 100, 200, native: 100)
      try plain.namespace.run("ip", "address", "add", "10.9.0.1/24", "dev", "eth0")
      try native.namespace.run("ip", "address", "add", "10.9.0.2/24", "dev", "eth0")
      let cut = try RunningCapture(in: lab, ["--filter", "tcp", "--count", "3000"])
      let whole = try RunningCapture(in: lab, ["--filter", "tcp", "--count", "200", "--whole", "plain1", "native1"])
      _ = try TCPStream.measure(
        from: plain.namespace, to: "10.9.0.2", in: native.namespace, for: .milliseconds(300))
      let (segments, supers) = (try cut.end(after: nil), try whole.end(after: nil))
      #expect(segments.frames.count == 3_000 && supers.frames.count == 200)
      #expect(segments.frames.allSatisfy { $0.length <= 1_518 && $0.bytes.count == $0.length && $0.comments.isEmpty })
      #expect(supers.frames.contains { $0.length > 3_000 && $0.comments.first?.hasPrefix("super-frame: ") == true })
      let bad = try runSuccessfully([
        "tshark", "-r", cut.file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y",
        "tcp.checksum.status == 0 || ip.checksum.status == 0",
      ]).text
      #expect(bad.isEmpty)
    }

    @Test("a NIC that is made meanwhile is a new interface; direction, filter, snap length, count and duration hold")
    func options() throws {
      try lab.networks(100)
      let one = try lab.individual("web1", 100).eth0
      let all = try RunningCapture(in: lab, ["--filter", "ether proto 0x88b5", "--snaplen", "60"])
      let incoming = try RunningCapture(
        in: lab, ["web1:eth0", "--direction", "in", "--filter", "ether proto 0x88b5", "--count", "2"])
      let late = try lab.individual("late1", 100).eth0
      try late.send(Frame(to: .broadcast, from: late.mac, "late", size: 200))
      try one.send(Frame(to: .broadcast, from: one.mac, "one", size: 200))
      try one.send(Frame(to: .broadcast, from: one.mac, "two", size: 200))
      let two = try incoming.end(after: nil)
      #expect(two.interfaces == ["web1/eth0"] && two.frames.count == 2 && two.frames.allSatisfy { $0.isInbound })
      #expect(try lab.poll { try PcapngFile(Data(contentsOf: URL(filePath: all.file))).frames.count == 6 })
      let file = try all.end(after: SIGTERM)
      #expect(file.interfaces.contains("late1/eth0"))
      #expect(file.frames.allSatisfy { $0.length == 200 && $0.bytes.count == 60 })
      let began = ContinuousClock.now
      let none = try lab.toprack.attempt([
        "capture", "web1", "--duration", "300ms", "-w", "\(lab.daemon.directory)/none",
      ])
      #expect(none.status == 0 && ContinuousClock.now - began > .milliseconds(300))
      #expect(try PcapngFile(Data(contentsOf: URL(filePath: "\(lab.daemon.directory)/none"))).lost == 0)
    }

    @Test("of a network has its frames alone, on the ports that carry it, and follows them")
    func network() throws {
      try lab.networks(100, 200)
      let trunk = try lab.individual("trunk1", 100, 200).eth0
      let plain = try lab.individual("plain1", 100).eth0
      let other = try lab.individual("other1", 200).eth0
      let capture = try RunningCapture(in: lab, ["--vxlan", "200", "--dropped", "--filter", "ether proto 0x88b5"])
      try trunk.send(Frame(to: .broadcast, from: trunk.mac, tags: [.c(100)], "not this"))
      try trunk.send(Frame(to: .broadcast, from: trunk.mac, tags: [.c(200)], "this"))
      try trunk.send(Frame(to: .broadcast, from: trunk.mac, tags: [.c(300)], "dropped"))
      try lab.toprack("port", "attach", "plain1", "eth0", "200")
      try plain.send(Frame(to: .broadcast, from: plain.mac, tags: [.c(200)], "later"))
      _ = try other.next(until: .after(.seconds(5))) { $0.payload.starts(with: Array("later".utf8)) }
      #expect(try lab.poll { try PcapngFile(Data(contentsOf: URL(filePath: capture.file))).frames.count == 6 })
      let file = try capture.end()
      let texts = file.frames.compactMap { frame in
        frame.seen.map {
          "\(frame.interface) \(frame.isInbound) \(String(decoding: $0.payload.prefix { $0 > 0 }, as: UTF8.self))"
        }
      }
      #expect(
        texts.sorted() == [
          "other1/eth0 false later", "other1/eth0 false this", "plain1/eth0 true later", "trunk1/eth0 false later",
          "trunk1/eth0 true dropped", "trunk1/eth0 true this",
        ])
    }

    @Test("without a file each frame is a line in tcpdump's words, with port, direction and reason in front")
    func lines() throws {
      try lab.networks(100)
      let one = try lab.individual("web1", 100)
      let two = try lab.individual("web2", 100)
      try one.namespace.run("ip", "address", "add", "10.9.0.1/24", "dev", "eth0")
      try two.namespace.run("ip", "address", "add", "10.9.0.2/24", "dev", "eth0")
      let capture = try ChildProcess([
        "\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket, "capture", "web1", "--dropped", "--filter",
        "icmp or ether proto 0x88b5", "--count", "3",
      ])
      // A line has no head that says that it is in force: send until it is over.
      let tagged = Frame(to: two.eth0.mac, from: one.eth0.mac, tags: [.c(7)], "x")
      #expect(
        try lab.poll {
          _ = try run(["ip", "netns", "exec", one.namespace.name, "ping", "-c", "1", "-W", "1", "10.9.0.2"])
          try one.eth0.send(tagged)
          return capture.hasExited
        })
      #expect(capture.wait(until: .after(.seconds(5))) == 0)
      let lines = String(decoding: capture.standardOutput, as: UTF8.self).split(separator: "\n").map(String.init)
      #expect(lines.count == 3)
      let time = #/^\d\d:\d\d:\d\d\.\d{6} web1\/eth0 /#
      #expect(lines.allSatisfy { $0.firstMatch(of: time) != nil }, "\(lines)")
      #expect(lines.contains { $0.contains(" in IP 10.9.0.1 > 10.9.0.2: ICMP echo request, id ") }, "\(lines)")
      #expect(lines.contains { $0.contains(" out IP 10.9.0.2 > 10.9.0.1: ICMP echo reply, id ") }, "\(lines)")
    }

    @Test("eight run at once, and a ninth is told which; one whose reader stops costs the others nothing")
    func limits() throws {
      try lab.networks(100)
      let one = try lab.individual("web1", 100).eth0
      let two = try lab.individual("web2", 100).eth0
      var captures = try (0..<8).map { _ in
        try RunningCapture(in: lab, ["web1:eth0", "--filter", "ether proto 0x88b5"])
      }
      let ninth = try lab.toprack.attempt(["capture", "-w", "\(lab.daemon.directory)/ninth"])
      #expect(
        ninth.status == 1 && ninth.errors.contains("8 captures run, which is the limit: web1:eth0 by "),
        "\(ninth.errors)")
      let stopped = captures.removeLast()
      stopped.signal(SIGSTOP)
      let before = try Self.residentKiB(of: lab)
      let frame = Frame(to: two.mac, from: one.mac, "many", size: 1_400)
      let count = 20_000
      for number in 0..<count {
        try one.send(frame)
        if number % 100 == 99 {
          for capture in captures { #expect(try lab.poll { capture.soFar > number * 1_400 - 2_000_000 }) }
        }
      }
      for capture in captures { #expect(try lab.poll { capture.soFar > count * 1_400 }) }
      let grown = try Self.residentKiB(of: lab) - before
      print("eight captures, one stopped: \(grown) KiB more")
      #expect(grown < 128 << 10)
      for capture in captures { #expect(tests(try capture.end().frames).count == count) }
      stopped.signal(SIGCONT)
      _ = try stopped.end()
      // Their places are free again.
      #expect(
        try lab.poll {
          try lab.toprack.attempt(["capture", "--duration", "1ms", "-w", "\(lab.daemon.directory)/free"]).status == 0
        })
    }

    private static func residentKiB(of lab: Lab) throws -> Int {
      let text = try String(contentsOfFile: "/proc/\(lab.daemon.pid ?? 0)/status", encoding: .utf8)
      let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
      return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    @Test("what is asked wrongly is refused in words")
    func wrong() throws {
      try lab.networks(100)
      _ = try lab.individual("web1", 100)
      for (arguments, status, says) in [
        (["nobody"], 1, "there is no server"), (["web1:eth7"], 1, "has no port"),
        (["web1:bond0"], 1, "has no member"), (["--filter", "tcp prot 80"], 1, "syntax error"),
        (["--filter", "host web1"], 1, "names are not looked up"),
        (["--vxlan", "999"], 1, "there is no virtual network 999"),
        (["--count", "0"], 2, "valid are"), (["--direction", "up"], 2, "valid are in and out"),
        (["--duration", "soon"], 2, "valid are seconds"), (["--snaplen", "3"], 1, "valid are 14 to"),
      ] as [([String], Int32, String)] {
        let finished = try lab.toprack.attempt(["capture"] + arguments)
        #expect(finished.status == status && finished.errors.contains(says), "\(arguments): \(finished.errors)")
      }
    }
  }
}
