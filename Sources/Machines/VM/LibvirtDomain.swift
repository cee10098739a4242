/// A server as a domain of libvirt: what `virsh define` takes, with the server's NICs, its serial line, and what
/// libvirt has no element for, said to QEMU.
///
/// Interfaces are there already, so libvirt only opens them (`managed='no'`): a TAP beside the NIC, or a macvtap on it.
/// Speed and duplex go to QEMU by `qemu:override` (libvirt 8.2), which finds a NIC by an alias of ours, whatever other
/// interfaces the domain has.
public struct LibvirtDomain: Hashable, Sendable {
  public var name: String
  /// The server's; `nil`: libvirt makes one.
  public var uuid: String?
  public var nics: [VirtualNIC]
  /// Path of the serial line's socket.
  public var console: String?
  /// In MiB.
  public var memory = 512
  public var cpus = 1
  public var accelerator: QEMUArguments.Accelerator

  private static let namespace = "http://libvirt.org/schemas/domain/qemu/1.0"

  public init(
    name: String, uuid: String? = nil, nics: [VirtualNIC], console: String?,
    accelerator: QEMUArguments.Accelerator = .tcg
  ) {
    (self.name, self.uuid, self.nics, self.console, self.accelerator) = (name, uuid, nics, console, accelerator)
  }

  /// A whole domain. It starts as it is, and boots from the network; a disk is yours to add.
  public var document: String {
    let type = accelerator == .kvm ? "kvm" : "qemu"
    let processor = accelerator == .kvm ? "host-passthrough" : "maximum"
    var lines = ["<domain type='\(type)' xmlns:qemu='\(Self.namespace)'>", "  <name>\(Self.text(name))</name>"]
    if let uuid { lines.append("  <uuid>\(Self.text(uuid))</uuid>") }
    lines += [
      "  <memory unit='MiB'>\(memory)</memory>", "  <vcpu>\(cpus)</vcpu>", "  <os>",
      "    <type arch='x86_64' machine='pc'>hvm</type>", "    <boot dev='hd'/>", "    <boot dev='network'/>", "  </os>",
      "  <features>", "    <acpi/>", "    <apic/>", "  </features>", "  <cpu mode='\(processor)'/>", "  <devices>",
    ]
    lines += devices.map { "    \($0)" } + ["  </devices>"] + override.map { "  \($0)" } + ["</domain>"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// The parts that are the server's alone, for a domain that is there.
  public var fragment: String {
    let lines =
      ["<!-- into <devices> -->"] + devices
      + ["<!-- into <domain>, which has to have xmlns:qemu='\(Self.namespace)' -->"] + override
    return lines.joined(separator: "\n") + "\n"
  }

  private var devices: [String] {
    var lines: [String] = []
    for nic in nics {
      lines += [
        "<interface type='ethernet'>", "  <mac address='\(nic.mac)'/>",
        "  <target dev='\(Self.text(nic.interface))' managed='no'/>", "  <model type='virtio'/>",
        "  <alias name='\(Self.alias(of: nic))'/>", "</interface>",
      ]
    }
    guard let console else { return lines }
    for (element, target) in [("serial", "<target port='0'/>"), ("console", "<target type='serial' port='0'/>")] {
      lines += [
        "<\(element) type='unix'>", "  <source mode='bind' path='\(Self.text(console))'/>", "  \(target)",
        "</\(element)>",
      ]
    }
    return lines
  }

  private var override: [String] {
    guard !nics.isEmpty else { return [] }
    let properties = [
      "<qemu:property name='speed' type='signed' value='\(VirtualNIC.speed)'/>",
      "<qemu:property name='duplex' type='string' value='\(VirtualNIC.duplex)'/>",
    ]
    return ["<qemu:override>"]
      + nics.flatMap { nic in
        ["  <qemu:device alias='\(Self.alias(of: nic))'>", "    <qemu:frontend>"] + properties.map { "      \($0)" } + [
          "    </qemu:frontend>", "  </qemu:device>",
        ]
      } + ["</qemu:override>"]
  }

  /// libvirt leaves aliases alone that begin so.
  private static func alias(of nic: VirtualNIC) -> String { "ua-\(text(nic.name))" }

  /// Text of XML, also within quotes.
  private static func text(_ text: String) -> String {
    text.reduce(into: "") { escaped, character in
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "'": escaped += "&apos;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
  }
}
