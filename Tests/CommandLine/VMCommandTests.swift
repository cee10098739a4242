import ArgumentParser
import Machines
import Testing

@testable import toprack

@Suite("vm: what is typed") struct VMCommandTests {
  @Test("sizes have a unit, which may be written in several ways")
  func sizes() {
    for (text, bytes) in [
      ("512M", 512 << 20), ("2G", 2 << 30), ("2g", 2 << 30), ("1500K", 1_500 << 10), ("1GiB", 1 << 30),
      ("64MB", 64 << 20),
    ] {
      #expect(ByteSize(text)?.bytes == bytes, "\(text)")
    }
    for text in ["", "512", "M", "0M", "-1G", "1.5G", "1 G", "1X", "1MM", "9999999999T", "99999999999999999999M", "１G"]
    {
      #expect(ByteSize(text) == nil, "\(text)")
    }
    #expect([512 << 20, 2 << 30, 1_500 << 10, 1].map(ByteSize.text) == ["512M", "2G", "1500K", "1 bytes"])
  }

  @Test("--libvirt may have a value, and takes no word behind it for one")
  func libvirt() {
    #expect(
      CommandLineForms.standard(["vm", "attach", "--libvirt=fragment", "web1"])
        == ["vm", "attach", "--\(CommandLineForms.libvirtForm)=fragment", "web1"])
    #expect(CommandLineForms.standard(["--libvirt", "web1"]) == ["--libvirt", "web1"])
  }

  @Test(
    "what cannot be meant is refused before anybody is asked",
    arguments: [
      (["web1"], "--disk IMAGE or --kernel FILE"),
      (["web1", "--kernel", "k", "--snapshot"], "--snapshot is for a --disk"),
      (["web1", "--disk", "d", "--initrd", "i"], "--initrd is for a --kernel"),
      (["web1", "--disk", "d", "--append", "a"], "--append is for a --kernel"),
      (["web1", "--disk", "d", "--memory", "512"], "--memory '512' is no size; valid are a whole number and a unit"),
      (["web1", "--disk", "d", "--cpus", "0"], "--cpus 0 is out of range; valid are 1 to 256"),
      (["web1", "--disk", "d", "--restart", "always"], "no"),
    ])
  func run(_ arguments: [String], _ says: String) async {
    await expect(VMCommand.Run.self, arguments, says)
  }

  @Test(
    "interfaces have names of interfaces",
    arguments: [
      (["web1", "--tap", "a,b,c"], "names 3 interfaces; a server has two NICs"),
      (["web1", "--tap", "a,"], "'' is no name"),
      (["web1", "--tap", "a/b"], "'a/b' is no name"), (["web1", "--tap", "sixteencharacter"], "1 to 15 characters"),
      (["web1", "--tap", "a,a"], "names an interface twice"),
      (["web1", "--tap", "a", "--macvtap"], "--tap and --macvtap exclude each other"),
      (["web1", "--libvirt-form=half"], "valid are --libvirt and --libvirt=fragment"),
      (["web1", "--libvirt", "--no-rom"], "--no-rom is for QEMU's arguments"),
    ])
  func attach(_ arguments: [String], _ says: String) async {
    await expect(VMCommand.Attach.self, arguments, says)
  }

  @Test("networks of a new server are numbers, with a port or without")
  func wiring() throws {
    for text in ["1001", "eth1:2", "bond0:3999"] {
      #expect((try? WiringOptions.parse(["--vlan", text])) != nil, "\(text)")
    }
    for text in ["", "1", "4000", "x", "eth0:", "eth0:x", "a:b:3", "eth0:1001:"] {
      #expect(throws: (any Error).self, "\(text)") { try WiringOptions.parse(["--vlan", text]) }
    }
  }

  private func expect(_ command: any AsyncParsableCommand.Type, _ arguments: [String], _ says: String) async {
    do {
      _ = try await command.asyncParse(arguments)
      Issue.record("taken: \(arguments)")
    } catch {
      #expect(command.message(for: error).contains(says), "\(command.message(for: error))")
    }
  }

  @Test("a macvtap is handed to QEMU open, by a number that a shell leaves alone")
  func descriptors() {
    func nic(_ name: String, device: String?) -> VMAttachment.NIC {
      VMAttachment.NIC(
        nic: name, how: "macvtap", interface: "web1-\(name)", tap: "mv-\(name)", mac: "02:00:00:00:00:01", netns: nil,
        device: device)
    }
    let nics = [nic("eth0", device: "/dev/tap7"), nic("eth1", device: "/dev/tap8")]
    let attachment = VMAttachment(nics: nics, console: nil, accelerator: nil)
    #expect(attachment.descriptors == ["10": "/dev/tap7", "11": "/dev/tap8"])
    #expect(
      attachment.virtualNICs.map(\.back) == [
        .macvtap(descriptor: 10, interface: "mv-eth0"), .macvtap(descriptor: 11, interface: "mv-eth1"),
      ])
    let forward = VMAttachment(nics: [nic("eth0", device: nil)], console: nil, accelerator: nil)
    #expect(forward.descriptors.isEmpty && forward.virtualNICs.map(\.back) == [.tap("mv-eth0")])
  }

  @Test("a machine's facts: what was heard by NIC, and what to do below")
  func facts() {
    func nic(_ name: String, _ heard: [String], _ lacp: Bool?, _ advice: String?) -> VMStatus.NIC {
      VMStatus.NIC(
        nic: name, how: "forward", interface: name, tap: "vm3", mac: "02:00:00:00:00:01", netns: "web1",
        macsHeard: heard, lacp: lacp, advice: advice)
    }
    let machine = VMStatus(
      server: "web1", name: "web1", state: "failed", reason: "QEMU has ended", pid: nil, accelerator: "tcg",
      nics: [nic("eth0", ["02:00:00:00:00:01", "02:00:00:00:00:09"], true, nil), nic("eth1", [], false, "no LACPDU")],
      console: nil)
    #expect(
      VMText.facts(machine) == """
        server       web1
        state        failed: QEMU has ended
        accelerator  tcg
        NIC   HOW      INTERFACE           TAP  MAC                HEARD                         LACP
        eth0  forward  eth0 in netns web1  vm3  02:00:00:00:00:01  02:00:00:00:00:01 and 1 more  yes
        eth1  forward  eth1 in netns web1  vm3  02:00:00:00:00:01  -                             no
        web1 eth1: no LACPDU
        """)
    #expect(VMText.line(machine) == "the machine of web1 is failed: QEMU has ended")
  }
}
