import Foundation
import Testing

extension Integration {
  @Suite("vm attach: the way to a machine of somebody else's") struct VMAttachTests {
    private static func names(_ namespace: NetworkNamespace) throws -> [String] {
      try Interface.list(in: namespace).map(\.name).sorted()
    }

    @Test("prints arguments with the server's MACs, a speed and the boot ROM, and detach takes all away again")
    func forward() throws {
      let lab = try Lab()
      let namespace = lab.namespace("v")
      try lab.toprack("server", "create", "v", "--netns=\(namespace.name)")
      let ports = try #require(try lab.toprack.json("port", "show", "v").array)
      // What was there before, again: there is no harm in it.
      for _ in 1...2 {
        let attached = try lab.toprack.attempt(["vm", "attach", "v"])
        #expect(attached.status == 0, "\(attached.errors)")
        #expect(
          attached.errors == "toprack: the NICs are in netns \(namespace.name): start QEMU by 'ip netns exec "
            + "\(namespace.name)'\n")
        let lines = attached.text.split(separator: "\n")
        #expect(lines.count == 6 && !attached.text.contains("romfile"), "\(attached.text)")
        for port in ports where port["name"].string != "bond0" {
          #expect(attached.text.contains("mac=\(port["mac"].string ?? "?"),speed=10000,duplex=full\n"))
        }
        #expect(lines.last == "-serial chardev:console")
        #expect(try Self.names(namespace).count == 4)
      }
      #expect(try lab.toprack("vm", "attach", "v", "--no-rom").contains("romfile=\n"))
      let answer = try lab.toprack.json("vm", "attach", "v", "--print")
      #expect(answer["qemu"].array?.count == 12)
      #expect(answer["nics"].array?.map { $0["how"].string } == ["forward", "forward"])
      #expect(try lab.toprack("vm", "status", "v").contains("attached"))
      #expect(try lab.toprack("vm", "list").contains("attached"))
      #expect(try lab.toprack("vm", "detach", "v") == "v: nothing is attached any more\n")
      #expect(try Self.names(namespace) == ["eth0", "eth1"])
    }

    @Test("--tap takes interfaces that are there, and leaves them there; one that is not is made, and goes")
    func ownTAPs() throws {
      let lab = try Lab()
      let namespace = lab.namespace("v")
      try lab.toprack("server", "create", "v", "--netns=\(namespace.name)")
      for tap in ["mine0", "mine1"] { try namespace.run("ip", "tuntap", "add", "dev", tap, "mode", "tap", "vnet_hdr") }
      let text = try lab.toprack("vm", "attach", "v", "--tap", "mine0,mine1")
      #expect(text.contains("ifname=mine0,") && text.contains("ifname=mine1,"), "\(text)")
      try lab.toprack("vm", "detach", "v")
      #expect(try Self.names(namespace) == ["eth0", "eth1", "mine0", "mine1"])
      #expect(try lab.toprack("vm", "attach", "v", "--tap", "made0").contains("ifname=made0,"))
      #expect(try Self.names(namespace).contains("made0"))
      try lab.toprack("vm", "detach", "v")
      #expect(try Self.names(namespace) == ["eth0", "eth1", "mine0", "mine1"])
    }

    @Test("--macvtap: QEMU gets a descriptor by NIC, and which files they are is said")
    func macvtap() throws {
      let lab = try Lab()
      let namespace = lab.namespace("v")
      try lab.toprack("server", "create", "v", "--netns=\(namespace.name)")
      let attached = try lab.toprack.attempt(["vm", "attach", "v", "--macvtap"])
      #expect(attached.status == 0, "\(attached.errors)")
      #expect(attached.text.contains("tap,id=nic0,fd=10,") && attached.text.contains("tap,id=nic1,fd=11,"))
      let files = try #require(try lab.toprack.json("vm", "attach", "v", "--macvtap")["descriptors"].object)
      #expect(files.keys.sorted() == ["10", "11"])
      for (number, file) in files {
        let path = file.string ?? "?"
        #expect(attached.errors.contains("\(number)<>\(path)"), "\(attached.errors)")
        #expect(FileManager.default.fileExists(atPath: path), "\(path)")
      }
      #expect(try Self.names(namespace).count == 4)
      try lab.toprack("vm", "detach", "v")
      #expect(try Self.names(namespace) == ["eth0", "eth1"])
    }

    @Test(
      "what is printed for libvirt is what libvirt's own schema takes",
      .enabled(if: Guest.image != nil, "TOPRACK_GUEST is not set: libvirt's schema is there with --vm"),
      arguments: [[], ["--macvtap"]])
    func libvirt(_ options: [String]) throws {
      let lab = try Lab(withHost: true)
      try lab.toprack("server", "create", "v")
      func validate(_ text: String, _ name: String) throws {
        let file = "\(lab.daemon.directory)/\(name).xml"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let schema = "/usr/share/libvirt/schemas/domain.rng"
        let finished = try run(["xmllint", "--noout", "--relaxng", schema, file])
        #expect(finished.status == 0, "\(finished.errors)\n\(text)")
      }
      let whole = try lab.toprack.attempt(["vm", "attach", "v", "--libvirt"] + options)
      #expect(whole.status == 0 && whole.errors.isEmpty, "\(whole.errors)")
      try validate(whole.text, "whole")
      let fragment = try lab.toprack.attempt(["vm", "attach", "v", "--libvirt=fragment"] + options).text
      let parts = fragment.split(separator: "<!--").map { part in
        String(part[(part.range(of: "-->")?.upperBound ?? part.startIndex)...])
      }
      try #require(parts.count == 2)
      try validate(
        """
        <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
        <name>mine</name><memory>1</memory><os><type>hvm</type></os>
        <devices>\(parts[0])</devices>\(parts[1])</domain>
        """, "fragment")
    }

    @Test("what cannot be attached is refused in a line")
    func refusals() throws {
      let lab = try Lab()
      for (arguments, says) in [
        (["vm", "attach", "nobody"], "nobody"), (["vm", "status", "nobody"], "nobody"),
        (
          [
            "vm", "run", "nobody",
            "--disk", "/none",
          ], "nobody"
        ),
      ] {
        let refused = try lab.toprack.attempt(arguments)
        #expect(refused.status == 1 && refused.errors.contains(says), "\(refused.errors)")
        #expect(refused.errors.split(separator: "\n").count == 1 && refused.text.isEmpty)
      }
      #expect(try lab.toprack("vm", "list").hasPrefix("no virtual machines; "))
    }
  }
}
