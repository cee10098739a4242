package import FoundationEssentials
package import Net
import Ports
package import Rack

/// Lets servers reach what lies beyond the host: their packets leave the host under its own address.
///
/// ## How it works
/// A table of the rack's own, `inet toprack_` and the first eight digits of the rack's identifier, with one chain that
/// masquerades what comes from the pools and leaves by anything but an uplink. It is replaced as a whole in one
/// transaction of nft(8), so no packet meets half of it, and touches nobody else's rules. It outlives a kill; the next
/// start replaces it.
///
/// Whether the host forwards at all is the host's business: `problems` says when it does not.
///
/// ## Threads
/// An actor on a thread of its own: a program is run and waited for.
package actor Masquerade {
  private let executor = BlockingExecutor(label: "toprack.masquerade")
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  private let table: String
  /// `nil` is the daemon's own; tests have others.
  private let namespace: String?
  private var families: (ipv4: Bool, ipv6: Bool)?

  package init(rack: UUID) { self.init(rack: rack, namespace: nil) }

  init(rack: UUID, namespace: String?) {
    table = Self.table(of: rack)
    self.namespace = namespace
  }

  /// Masquerades what comes from `pools` and leaves by another interface than `uplinks`. Replaces what was applied
  /// before.
  package func apply(pools: [IPPrefix], uplinks: [String]) throws(Unavailable) {
    guard let text = Self.rules(table: table, pools: pools, uplinks: uplinks) else {
      throw Unavailable(
        message: "masquerade: an uplink's name may have letters, digits and . _ - @ only, not "
          + uplinks.joined(separator: ", "))
    }
    guard let nft = SystemProgram(named: "nft") else {
      throw Unavailable(
        message: "masquerade needs nft, which is not in PATH nor in /usr/sbin: install the package nftables, "
          + "or leave masquerade off in the settings")
    }
    try run(nft, ["-f", "-"], text)
    families = (pools.contains { $0.base.isV4 }, pools.contains { !$0.base.isV4 })
  }

  /// Takes the table away. That there is none, or no nft, is no fault.
  package func remove() {
    families = nil
    guard let nft = SystemProgram(named: "nft") else { return }
    try? run(nft, ["-f", "-"], Self.removal(table: table))
  }

  /// Why servers do not get beyond the host although they should: sentences for `status`.
  package func problems() -> [String] {
    guard let families else { return [] }
    var found: [String] = []
    for (family, isWanted, path) in [
      ("IPv4", families.ipv4, "ipv4/ip_forward"), ("IPv6", families.ipv6, "ipv6/conf/all/forwarding"),
    ] where isWanted && NetworkSysctl.read(path, in: namespace) == "0" {
      found.append(
        "servers reach the host but not beyond by \(family), which the host does not forward: "
          + "sysctl -w net.\(path.replacing("/", with: "."))=1")
    }
    if let nft = SystemProgram(named: "nft"), (try? run(nft, ["list", "table", "inet", table], "")) == nil {
      found.append(
        "servers do not reach beyond the host: somebody removed the nftables table inet \(table); restart toprackd, which "
          + "makes it again")
    }
    return found
  }

  private func run(_ nft: SystemProgram, _ arguments: [String], _ input: String) throws(Unavailable) {
    do {
      let result = try nft.run(arguments, input: input, in: namespace)
      guard result.status != 0 else { return }
      let reason = result.output.split(whereSeparator: \.isNewline).first.map(String.init) ?? "no reason given"
      throw Unavailable(message: "masquerade: \(nft.path) failed with status \(result.status): \(reason)")
    } catch let fault as PortsFault {
      throw Unavailable(message: "masquerade: \(fault)")
    } catch let fault as Unavailable {
      throw fault
    } catch {
      throw Unavailable(message: "masquerade: \(error)")
    }
  }

  // MARK: What daemons have left

  /// The tables of all racks; empty also where there is no nft.
  package static func tables() -> [String] {
    guard let result = try? SystemProgram(named: "nft")?.run(["list", "tables", "inet"]), result.status == 0 else {
      return []
    }
    return result.output.split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 3, words[2].hasPrefix("toprack_"), words[2].utf8.count == 16 else { return nil }
      return words[2].dropFirst(8).allSatisfy(\.isHexDigit) ? String(words[2]) : nil
    }
  }

  /// Why a table could not be removed; `nil` when it is gone.
  package static func remove(_ table: String) -> String? {
    do {
      guard let result = try SystemProgram(named: "nft")?.run(["delete", "table", "inet", table]) else { return nil }
      return result.status == 0 ? nil : "nftables table \(table): nft failed with status \(result.status)"
    } catch {
      return "nftables table \(table): \(error.message)"
    }
  }

  // MARK: Rules

  package static func table(of rack: UUID) -> String { "toprack_\(rack.uuidString.lowercased().prefix(8))" }

  /// "delete" alone fails where there is none; "add" makes one or leaves it.
  static func removal(table: String) -> String { "add table inet \(table)\ndelete table inet \(table)\n" }

  /// `nil` when an interface's name would mean something to nft.
  static func rules(table: String, pools: [IPPrefix], uplinks: [String]) -> String? {
    let allowed = uplinks.allSatisfy { name in
      !name.isEmpty && name.utf8.allSatisfy { $0.isLetterOrDigit || "._-@".utf8.contains($0) }
    }
    guard allowed else { return nil }
    let names = uplinks.map { "\"\($0)\"" }.joined(separator: ", ")
    let out = uplinks.isEmpty ? "" : "oifname != { \(names) } "
    let rules = [("ip", true), ("ip6", false)].compactMap { word, isV4 -> String? in
      // nft refuses a set whose blocks overlap.
      let blocks = IPPrefix.minimal(pools.filter { $0.base.isV4 == isV4 }).map(\.description)
      return blocks.isEmpty ? nil : "    \(out)\(word) saddr { \(blocks.joined(separator: ", ")) } masquerade"
    }
    return removal(table: table) + """
      table inet \(table) {
        chain postrouting {
          type nat hook postrouting priority 100; policy accept;
      \(rules.joined(separator: "\n"))
        }
      }

      """
  }
}

extension UInt8 {
  fileprivate var isLetterOrDigit: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
