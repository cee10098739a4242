import Foundation
import Testing

/// A machine with nothing on a disk, on the NICs of a server that was made with an iPXE script: QEMU's own boot ROM
/// asks by DHCP, gets the script's address, and the script's host has the kernel. Run by `scripts/test --vm`.
extension Integration {
  @Suite("A machine that boots from the network", .enabled(if: Guest.image != nil, "TOPRACK_GUEST is not set"))
  struct PXEBootTests {
    @Test("what vm attach SERVER prints boots a Linux: DHCP, the server's iPXE script by HTTP, kernel and initrd")
    func boots() throws {
      let image = try #require(Guest.image)
      let lab = try Lab()
      let web = try Tenant(in: lab, "web")
      try web.configure()
      let address = try web.addresses().public.host
      let folder = "\(lab.daemon.directory)/boot"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for file in ["vmlinuz", "initrd"] {
        let target = "\(image)/\(file)"
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(file)", withDestinationPath: target)
      }
      let script = """
        #!ipxe
        imgfetch http://\(address)/booted?mac=${net0/mac}&ip=${net0/ip}&gateway=${net0/gateway} ||
        kernel vmlinuz initrd=initrd console=ttyS0 quiet mitigations=off panic=-1 random.trust_cpu=on
        initrd initrd
        boot
        """
      try script.write(toFile: "\(folder)/boot.ipxe", atomically: true, encoding: .utf8)
      let files = try ChildProcess([
        "ip", "netns", "exec", web.namespace.name, "python3", "-u", "-m", "http.server", "--bind", address,
        "--directory",
        folder, "80",
      ])

      let namespace = lab.namespace("metal")
      let project = try #require(try lab.toprack.json("project", "list").array?.first?["id"].string)
      let request = """
        {"hostname": "metal", "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "custom_ipxe",
         "ipxe_script_url": "http://\(address)/boot.ipxe", "toprack": {"netns": "\(namespace.name)"}}
        """
      let made = try HTTPAnswer("POST", "/projects/\(project)/devices", body: request, socket: lab.daemon.socket)
      try #require(made.status == 201, "\(made.errors ?? [])")
      let nics = try attach("metal", in: lab)
      let machine = try ChildProcess(
        [
          "ip", "netns", "exec", namespace.name, "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512",
          "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot", "-boot", "n",
        ] + nics)
      defer { withExtendedLifetime((files, machine)) {} }

      // The serial line that the arguments have is the server's console.
      func text() -> String {
        let log = "\(lab.daemon.state)/consoles/metal.log"
        return (try? String(contentsOfFile: log, encoding: .isoLatin1)) ?? ""
      }
      func log() -> String { String(decoding: files.standardError, as: UTF8.self) }
      let isUp = try lab.poll(for: .seconds(240)) { text().contains("GUEST-READY") }
      #expect(isUp, "\(text().suffix(2_000))\n\(log())\n\(String(decoding: machine.standardError, as: UTF8.self))")

      // Who asked, and as whom: the first NIC, with the server's public address.
      let server = try lab.toprack.json("server", "show", "metal")
      let own = try #require(server["ip_addresses"].array?.first)
      let ports = try #require(try lab.toprack.json("port", "show", "metal").array)
      let mac = try #require(ports.first { $0["name"].string == "eth0" }?["mac"].string)
      let facts = "booted?mac=\(mac)&ip=\(own["address"].string ?? "?")&gateway=\(own["gateway"].string ?? "?")"
      let asked = log().replacing("%3A", with: ":").replacing("%3a", with: ":")
      #expect(asked.contains("GET /boot.ipxe ") && asked.contains(facts), "\(facts)\n\(log())")
      for line in log().split(separator: "\n") {
        #expect(line.hasPrefix("\(own["address"].string ?? "?") ") || !line.contains("GET "), "\(line)")
      }
    }

    /// QEMU's arguments, as a shell would take them.
    private func attach(_ server: String, in lab: Lab) throws -> [String] {
      try lab.toprack("vm", "attach", server).split(whereSeparator: \.isWhitespace).map(String.init)
    }
  }
}
