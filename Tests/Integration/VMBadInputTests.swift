import Foundation
import Glibc
import Testing

/// What hostile and careless hands do to namespaces, keys and virtual machines.
extension Integration {
  @Suite("Bad input to machines") struct VMBadInputTests {
    @Test("a name in /run/netns behind which there is no namespace is named, with the rule, and leaves nothing")
    func noNamespace() throws {
      let lab = try Lab()
      let names = ["file", "folder", "fifo"].map { "trt-\(getpid())-\($0)" }
      try FileManager.default.createDirectory(atPath: "/run/netns", withIntermediateDirectories: true)
      let paths = names.map { "/run/netns/\($0)" }
      defer { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
      try Data("somebody's".utf8).write(to: URL(fileURLWithPath: paths[0]))
      try FileManager.default.createDirectory(atPath: paths[1], withIntermediateDirectories: false)
      mkfifo(paths[2], 0o600)
      for (name, path) in zip(names, paths) {
        let refused = try lab.toprack.attempt(["server", "create", "web1", "--netns=\(name)"])
        #expect(refused.status == 1)
        #expect(
          refused.errors.hasPrefix(
            "toprack: network namespace \(name) is none: no namespace that this process can see "),
          "\(refused.errors)")
        #expect(refused.errors.contains("mounted at \(path); valid are a name of 'ip netns list'"))
        #expect(refused.errors.split(separator: "\n").count == 1)
        #expect(FileManager.default.fileExists(atPath: path), "it is somebody else's")
      }
      #expect(try Lab.names(lab.toprack.json("server", "list")).isEmpty)
    }

    @Test("the service that starts QEMU names a namespace that it cannot see")
    func unseenNamespace() throws {
      let name = "trt-\(getpid())-unseen"
      let path = "/run/netns/\(name)"
      try FileManager.default.createDirectory(atPath: "/run/netns", withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: path))
      defer { try? FileManager.default.removeItem(atPath: path) }
      let line = "printf '\(path)\\0/usr/bin/qemu-system-x86_64\\0-version\\0' | \(MachineLab.starter)"
      let answer = try run(["sh", "-c", line])
      #expect(answer.text.hasPrefix("2\nnetwork namespace \(name) is none here: "), "\(answer.text)")
      #expect(answer.text.contains("valid is one that 'ip netns add' has made"))
    }

    @Test("a key of a megabyte, or without an end, is refused before it is sent")
    func longKeys() throws {
      let lab = try Lab()
      let file = "\(lab.daemon.directory)/big.pub"
      try Data(repeating: 97, count: 1_100_000).write(to: URL(fileURLWithPath: file))
      for path in [file, "/dev/zero"] {
        let refused = try lab.toprack.attempt(["ssh-key", "add", "k", path])
        #expect(refused.status == 1)
        #expect(refused.errors == "toprack: \(path) is too long; valid are up to 16384 bytes\n")
      }
    }

    @Test("a start that fails has taken everything away when it is answered; two at once are one and a refusal")
    func answers() throws {
      let lab = try MachineLab()
      let broken = "\(lab.lab.daemon.directory)/broken.qcow2"
      try (Data("QFI".utf8) + Data([0xFB]) + Data(count: 4096)).write(to: URL(fileURLWithPath: broken))
      for _ in 1...3 {
        #expect(try lab.refused("PUT", "vm", #"{"disk": "\#(broken)"}"#).0 == 503)
        #expect(try Interface.list(in: lab.machine.namespace).map(\.name).sorted() == ["eth0", "eth1"])
        #expect(try lab.machine.namespace.run("nft", "list", "tables").text == "")
      }
      let both = [try lab.runner(), try lab.runner()]
      let statuses = both.map { $0.wait(until: .after(.seconds(60))) ?? -1 }
      #expect(statuses.sorted() == [0, 1])
      #expect(lab.processes.count == 1)
      // Switched off and on before the guest is up: it runs at the end, once.
      for _ in 1...3 {
        try lab.lab.toprack("server", "power", "web1", "off")
        try lab.lab.toprack("server", "power", "web1", "on")
      }
      #expect(try lab.poll { $0["state"].string == "running" })
      #expect(lab.processes.count == 1)
      try lab.lab.toprack("server", "delete", "web1")
      #expect(try lab.lab.poll { lab.processes.isEmpty })
    }
  }
}
