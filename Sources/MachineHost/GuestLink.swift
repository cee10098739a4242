// The way between a server's NIC and the interface of a virtual machine.

import Glibc
import Host
import Machines
import Ports

/// An interface for a machine beside a NIC, or on it.
///
/// ## How it works
/// The descriptor side of a NIC's TAP is the switch's, so a machine needs an interface of its own. `forward`: another
/// TAP, and two netfilter rules that move every frame between the two, both ways, before any protocol of the host sees
/// it: LACP, LLDP, tags, jumbo frames and unfinished checksums cross as they are. `macvtap`: one in passthru mode on
/// the NIC, which hears all multicast, or the guest would hear no LACP.
///
/// Rules hold on to an interface, not to its name: `make` is called again whenever the NIC is another. It makes what is
/// missing and leaves what is right, so it can be called at any time. What it has made says so by its alias, and by the
/// name of its nftables table.
///
/// Blocks. Any thread, one at a time for one NIC.
public struct GuestLink: Hashable, Codable, Sendable {
  public enum How: String, Codable, CaseIterable, Sendable { case forward, macvtap }

  public var how: How
  /// The NIC's interface.
  public var interface: String
  /// Where both are; `nil`: the daemon's own.
  public var namespace: String?
  /// The machine's interface.
  public var tap: String

  /// What an interface of a machine says by its alias, with the NIC's behind it.
  static let mark = "toprack-vm "

  private var alias: String { Self.mark + interface }
  private var placeWords: String { namespace.map { " in namespace \($0)" } ?? "" }
  private var table: String {
    "toprack_vm_"
      + String(interface.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  /// Brings it to where frames cross. Returns the index of the machine's interface.
  @discardableResult
  func make() throws(MachineFault) -> Int {
    let links = try list()
    guard links.contains(where: { $0.name == interface }) else {
      throw MachineFault(.unavailable, "there is no interface \(interface)\(placeWords)")
    }
    let old = links.first { $0.name == tap }
    if let old, !isUsable(old) {
      throw MachineFault(
        .refused, "interface \(tap)\(placeWords) is no TAP for a machine: choose another")
    }
    do throws(PortsFault) {
      switch how {
      case .forward:
        if old == nil { try makeTAP() }
        try prepare()
        try run("nft", package: "nftables", ["-f", "-"], rules)
      case .macvtap:
        if old == nil {
          try run(
            "ip", package: "iproute2",
            ["link", "add", "link", interface, "name", tap, "type", "macvtap", "mode", "passthru"])
          try Links.configure(tap, in: namespace, alias: alias)
        }
        try run("ip", package: "iproute2", ["link", "set", tap, "allmulticast", "on"])
        try prepare()
      }
    } catch {
      throw MachineFault(.unavailable, error.message)
    }
    guard let made = try list().first(where: { $0.name == tap }) else {
      throw MachineFault(.unavailable, "interface \(tap)\(placeWords) is gone as soon as it was made")
    }
    return made.index
  }

  /// Ours, or a TAP that somebody has made for the machine; never a NIC.
  private func isUsable(_ link: Link) -> Bool {
    if link.alias?.hasPrefix(Self.mark) == true { return true }
    return how == .forward && link.isTAP && link.name != interface && link.alias?.hasPrefix("toprack ") != true
  }

  /// Takes it away, as far as it is there and ours.
  func remove() {
    cut()
    guard let link = try? list().first(where: { $0.name == tap }), link.alias?.hasPrefix(Self.mark) == true else {
      return
    }
    if how == .forward {
      // Without a program, where nobody holds it.
      do throws(PortsFault) {
        try TAP.open(tap, in: namespace).remove()
        return
      } catch {}
    }
    try? run("ip", package: "iproute2", ["link", "delete", tap])
  }

  /// Takes the way away, and leaves the machine's interface.
  func cut() {
    guard how == .forward else { return }
    try? run("nft", package: "nftables", ["-f", "-"], "add table netdev \(table)\ndelete table netdev \(table)\n")
  }

  private func list() throws(MachineFault) -> [Link] {
    do { return try Links.list(in: namespace) } catch { throw MachineFault(.unavailable, error.message) }
  }

  /// One that outlives us: whoever runs the machine opens it by its name.
  private func makeTAP() throws(PortsFault) {
    let new = try TAP.open(tap, in: namespace)
    try Links.configure(tap, in: namespace, alias: alias)
    try new.setPersistent(true)
  }

  /// Both up, and the host's own protocols off both: it is the guest that lives here.
  private func prepare() throws(PortsFault) {
    for name in [tap, interface] {
      // Where /proc/sys is closed to us the host's stack says a few words that nobody hears.
      try? NetworkSysctl.set(.ipv6, name, "disable_ipv6", "1", in: namespace)
      try Links.setUp(name, true, in: namespace)
    }
  }

  /// Replaced as a whole, so that no frame meets half of it.
  private var rules: String {
    """
    add table netdev \(table)
    delete table netdev \(table)
    add table netdev \(table)
    add chain netdev \(table) to_guest { type filter hook ingress device "\(interface)" priority 0; }
    add chain netdev \(table) from_guest { type filter hook ingress device "\(tap)" priority 0; }
    add rule netdev \(table) to_guest fwd to "\(tap)"
    add rule netdev \(table) from_guest fwd to "\(interface)"

    """
  }

  private func run(
    _ name: String, package: String, _ arguments: [String], _ input: String = ""
  ) throws(PortsFault) {
    guard let program = SystemProgram(named: name) else {
      throw PortsFault(errno: ENOENT, message: "\(name) is not installed: apt-get install \(package)")
    }
    let result = try program.run(arguments, input: input, in: namespace)
    guard result.status != 0 else { return }
    let reason = result.output.split(whereSeparator: \.isNewline).first.map(String.init) ?? "no reason given"
    throw PortsFault(errno: EIO, message: "\(name) failed with status \(result.status): \(reason)")
  }
}
