// `vm attach`: the way from a server's NICs to a machine that somebody else runs, and what to tell QEMU or libvirt.

import ArgumentParser
import Foundation
import Machines

extension VMCommand {
  struct Attach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Join a virtual machine of yours to a server's NICs.",
      discussion: """
        Makes a TAP for QEMU beside each NIC, and netfilter rules that move every frame between the two; prints QEMU's \
        arguments for NICs and serial line, or with --libvirt a domain. The machine's console is then the server's. \
        NICs in a namespace want QEMU there:

          ip netns exec web1 qemu-system-x86_64 -m 1024 disk.img $(toprack vm attach web1)

        --tap names the TAPs: the first is eth0's, the second eth1's. Those that are there are taken. --macvtap puts a \
        macvtap on each NIC instead; QEMU gets it open, by the numbers that are said on standard error.

        They keep QEMU's boot ROM, so that the machine can boot from the network. Doing it again does no harm. \
        'toprack vm status' says what was heard, 'toprack vm detach' takes all away.

        Examples:
          toprack vm attach web1
          toprack vm attach web1 --tap vnet0,vnet1
          toprack vm attach web1 --macvtap
          toprack vm attach web1 --libvirt > web1.xml && virsh define web1.xml
          toprack vm attach web1 --json | jq -r '.qemu[]'
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Option(help: ArgumentHelp("Names of the TAPs; those that are there are taken.", valueName: "eth0[,eth1]"))
    var tap: String?
    @Flag(help: "A macvtap on each NIC, in the place of TAPs and rules.") var macvtap = false
    @Flag(help: "Print a domain for libvirt; --libvirt=fragment prints what goes into one that is there.")
    var libvirt = false
    @Option(name: .customLong(CommandLineForms.libvirtForm), help: .hidden) var libvirtForm: String?
    /// What it does without being told, too; for those who write it down.
    @Flag(name: .customLong("print"), help: .hidden) var prints = false
    @Flag(help: "NICs without a boot ROM, for a machine that never boots from the network.") var noRom = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if tap != nil, macvtap { throw ValidationError("--tap and --macvtap exclude each other") }
      if let libvirtForm, libvirtForm != "fragment" {
        throw ValidationError("--libvirt='\(libvirtForm)' is not known; valid are --libvirt and --libvirt=fragment")
      }
      if isForLibvirt, noRom { throw ValidationError("--no-rom is for QEMU's arguments, not for --libvirt") }
      _ = try tap.map(Self.taps)
    }

    private var isForLibvirt: Bool { libvirt || libvirtForm != nil }

    func run() async throws {
      let client = try global.client
      let device = try await client.device(server)
      var body: [String: Any] = ["how": macvtap ? "macvtap" : "forward"]
      if let tap { body["taps"] = try Self.taps(tap) }
      let answer = try await client.put(VMCommand.path(device.id, "attachment"), body)
      let attachment: VMAttachment = try answer.decoded()
      let nics = attachment.virtualNICs
      let words = QEMUArguments.attachment(of: nics, console: attachment.console, bootROM: !noRom)
      let domain = LibvirtDomain(
        name: device.hostname, uuid: device.id, nics: nics, console: attachment.console,
        accelerator: attachment.accelerator.flatMap(QEMUArguments.Accelerator.init) ?? .tcg)
      let xml = libvirtForm == nil ? domain.document : domain.fragment
      func json() throws -> Any {
        guard var object = try answer.value() as? [String: Any] else { return try answer.value() }
        object["qemu"] = words
        if macvtap { object["descriptors"] = attachment.descriptors }
        if isForLibvirt { object["libvirt"] = xml }
        return object
      }
      try global.output.print(json: json()) { isForLibvirt ? xml : Self.lines(words) }
      if !global.json { for note in notes(on: attachment, of: device) { Failure.note(note) } }
    }

    /// What the arguments do not say.
    private func notes(on attachment: VMAttachment, of device: Device) -> [String] {
      var notes: [String] = []
      let namespace = attachment.nics.lazy.compactMap(\.netns).first
      if isForLibvirt {
        guard let namespace else { return [] }
        return [
          "the NICs of \(device.hostname) are in netns \(namespace), where libvirt does not look: it finds those of "
            + "a server that was made without --netns"
        ]
      }
      if let namespace {
        notes.append("the NICs are in netns \(namespace): start QEMU by 'ip netns exec \(namespace)'")
      }
      let opened = attachment.redirections
      if !opened.isEmpty { notes.append("hand QEMU the macvtaps open: qemu-system-x86_64 … \(opened)") }
      return notes
    }

    /// An option and its value on a line.
    private static func lines(_ words: [String]) -> String {
      stride(from: 0, to: words.count, by: 2).map { words[$0] + " " + words[$0 + 1] }.joined(separator: "\n")
    }

    /// "vnet0,vnet1" → eth0 and eth1.
    private static func taps(_ text: String) throws -> [String: String] {
      let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard names.count <= 2 else {
        throw ValidationError("--tap '\(text)' names \(names.count) interfaces; a server has two NICs, eth0 and eth1")
      }
      for name in names where !isInterfaceName(name) {
        throw ValidationError(
          "--tap '\(text)': '\(name)' is no name of an interface; valid are 1 to 15 characters without '/' and spaces")
      }
      guard Set(names).count == names.count else { throw ValidationError("--tap '\(text)' names an interface twice") }
      return Dictionary(uniqueKeysWithValues: zip(["eth0", "eth1"], names))
    }

    private static func isInterfaceName(_ name: String) -> Bool {
      (1...15).contains(name.utf8.count) && name != "." && name != ".."
        && name.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "/" && $0 != ":" && $0.value != 0x7F }
    }
  }
}

extension VMAttachment {
  /// The first descriptor for a macvtap: shells take numbers of one digit for themselves.
  private static let firstDescriptor = 10

  var virtualNICs: [VirtualNIC] {
    nics.enumerated().map { number, nic in
      let back: VirtualNIC.Back =
        nic.device == nil
        ? .tap(nic.tap) : .macvtap(descriptor: Self.firstDescriptor + number, interface: nic.tap)
      return VirtualNIC(name: nic.nic, mac: nic.mac, back: back)
    }
  }

  /// Number and file of each descriptor that QEMU has to be handed.
  var descriptors: [String: String] {
    nics.enumerated().reduce(into: [:]) { files, entry in
      if let device = entry.element.device { files["\(Self.firstDescriptor + entry.offset)"] = device }
    }
  }

  /// The same for a shell: `10<>/dev/tap5 11<>/dev/tap6`.
  fileprivate var redirections: String {
    descriptors.sorted { $0.key < $1.key }.map { "\($0.key)<>\($0.value)" }.joined(separator: " ")
  }
}
