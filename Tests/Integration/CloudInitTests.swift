import Foundation
import Testing

/// A Debian as its cloud images are, with cloud-init and an SSH server. Run by `scripts/test --vm`, which builds it.
extension Integration {
  @Suite("A machine with cloud-init", .enabled(if: Guest.cloudImage != nil, "TOPRACK_GUEST_CLOUD is not set"))
  struct CloudInitTests {
    @Test("finds its name, its bond, its addresses and its key, and lets ssh in; what it writes is forgotten")
    func login() throws {
      let image = try #require(Guest.cloudImage)
      let lab = try Lab(settings: "lacp-rate: fast\n")
      let web2 = try Tenant(in: lab, "web2")
      try web2.configure()
      let key = "\(lab.daemon.directory)/key"
      try runSuccessfully(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me \"at\" home: #1", "-f", key])
      try lab.toprack("ssh-key", "add", "me", "\(key).pub")
      let userdata = "\(lab.daemon.directory)/userdata"
      try "#!/bin/sh\necho of the user >/etc/written\n".write(toFile: userdata, atomically: true, encoding: .utf8)
      try lab.toprack(
        "server", "create", "web1", "--netns=\(lab.namespace("web1").name)", "--userdata", userdata)
      let entries = try lab.toprack.json("server", "show", "web1")["ip_addresses"].array ?? []
      let address = try #require(
        entries.first { $0["public"].bool == true && $0["address_family"].int == 4 }?["address"].string)
      let before = try FileManager.default.attributesOfItem(atPath: "\(image)/disk.ext4")[.modificationDate] as? Date

      let began = ContinuousClock.now
      try lab.toprack(
        "vm", "run", "web1", "--disk", "\(image)/disk.ext4", "--snapshot", "--kernel", "\(image)/vmlinuz", "--initrd",
        "\(image)/initrd", "--append", "root=/dev/vda rw console=ttyS0 mitigations=off random.trust_cpu=on",
        "--cloud-init")
      defer { _ = try? lab.toprack.attempt(["vm", "stop", "web1", "--force"]) }
      func ssh(_ command: String) throws -> Finished {
        try run([
          "ip", "netns", "exec", web2.namespace.name, "ssh", "-i", key, "-o", "BatchMode=yes", "-o",
          "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o",
          "ConnectTimeout=5", "root@\(address)", command,
        ])
      }
      var last: Finished?
      let isIn = try lab.poll(for: .seconds(400)) {
        last = try ssh("cloud-init status --wait >/dev/null; hostname; cat /etc/written")
        return last?.status == 0
      }
      let console = "\(lab.daemon.state)/consoles/web1.log"
      let said = ((try? String(contentsOfFile: console, encoding: .isoLatin1)) ?? "").suffix(3_000)
      print("cloud-init let ssh in after \(began.duration(to: .now).milliseconds) ms")
      #expect(isIn && last?.text == "web1\nof the user\n", "\(last.map { $0.text + $0.errors } ?? "")\n\(said)")
      #expect(try lab.aggregated("web1") == ["eth0", "eth1"])
      #expect(try ssh("cat /proc/net/bonding/bond0").text.contains("Slave Interface: eth1"))
      let stranger = try run([
        "ip", "netns", "exec", web2.namespace.name, "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-i", "/dev/null", "root@\(address)", "true",
      ])
      #expect(stranger.status == 255 && stranger.errors.contains("Permission denied"), "\(stranger.errors)")
      let after = try FileManager.default.attributesOfItem(atPath: "\(image)/disk.ext4")[.modificationDate] as? Date
      #expect(before == after, "--snapshot")
    }
  }
}
