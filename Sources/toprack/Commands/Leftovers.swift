// What racks left on this machine, found by their marks.
//
// Every NIC of a rack has the alias "toprack RACK SERVER NIC"; a namespace that a rack made has "toprack RACK netns" on
// its lo, and an uplink has "toprack RACK uplink". RACK is the rack's UUID, so that two racks on one machine are told
// apart.
//
// A rack that masquerades has an nftables table, toprack_ and the first eight digits of RACK, where its uplink is.
//
// What was made to fit a server's mode in a namespace (`--configure`) has "toprack RACK SERVER config". It goes with
// the NICs; what does not, a bond in a container's namespace, is removed after them.
//
// Whether a rack's daemon lives is asked of the kernel: attaching to a TAP that somebody holds fails with EBUSY. All
// NICs of a rack are held before the first of them is removed, so that a rack is cleaned whole or not at all.
//
// Root in a server's namespace can write any rack's mark on its lo. So a namespace in which somebody holds a TAP, or
// that has an interface of another rack, stays.

import Foundation
import Ports

struct Leftovers {
  struct Interface: Hashable {
    let name: String
    let namespace: String?

    var text: String { name + (namespace.map { " in netns \($0)" } ?? "") }
  }

  struct Result {
    var interfaces: [Interface] = []
    var namespaces: [String] = []
    var tables: [String] = []
    /// Lines about what stays.
    var faults: [String] = []
  }

  private struct RackLeftovers {
    var interfaces: [Interface] = []
    /// Made for a mode.
    var made: [Interface] = []
    var namespaces: [String] = []
  }

  private var racks: [String: RackLeftovers] = [:]
  private var tables: [String] = []

  /// Forgets all but one rack, by its identifier.
  mutating func limit(to rack: String) {
    racks = racks.filter { $0.key == rack }
    tables = tables.filter { $0 == MasqueradeTables.name(of: rack) }
  }

  static func find() throws -> Leftovers {
    guard geteuid() == 0 else {
      throw Failure.refused("cleanup removes interfaces and enters namespaces; run it as root")
    }
    var found = Leftovers()
    for namespace in [nil] + NetworkNamespaces.list().map(Optional.some) {
      if let namespace, let mark = NetworkNamespaces.abandonedMark(of: namespace) {
        let words = mark.split(separator: " ").map(String.init)
        if words.count == 3, words[0] == "toprack", words[2] == "netns", UUID(uuidString: words[1]) != nil {
          found.racks[words[1], default: RackLeftovers()].namespaces.append(namespace)
        }
        continue
      }
      // A namespace may go away at any moment, and not every file in /run/netns is one.
      guard let links = try? Links.list(in: namespace) else { continue }
      for link in links {
        let words = (link.alias ?? "").split(separator: " ").map(String.init)
        guard words.count >= 3, words[0] == "toprack", UUID(uuidString: words[1]) != nil else { continue }
        if words[2] == "netns", let namespace {
          found.racks[words[1], default: RackLeftovers()].namespaces.append(namespace)
        } else if words.count == 4, words[3] == "config" {
          found.racks[words[1], default: RackLeftovers()].made.append(Interface(name: link.name, namespace: namespace))
        } else if words.count == 4 || words[2...] == ["uplink"], link.isTAP {
          found.racks[words[1], default: RackLeftovers()].interfaces.append(
            Interface(name: link.name, namespace: namespace))
        }
      }
    }
    found.tables = MasqueradeTables.list()
    return found
  }

  /// Removes everything of every rack found that has no daemon.
  func remove() throws -> Result {
    var result = Result()
    var tables = tables
    for (rack, leftovers) in racks.sorted(by: { $0.key < $1.key }) {
      do {
        try remove(leftovers, of: rack, into: &result)
      } catch {
        tables.removeAll { $0 == MasqueradeTables.name(of: rack) }
        result.faults.append(
          error.errno == EBUSY
            ? "a daemon holds the interfaces of rack \(rack) (\(error.message)); stop it first: nothing of that rack "
              + "was removed"
            : "rack \(rack): \(error.message)")
      }
    }
    // A rack that masquerades has an uplink, so one without any interface has no daemon.
    for table in tables {
      if let fault = MasqueradeTables.remove(table) { result.faults.append(fault) } else { result.tables.append(table) }
    }
    return result
  }

  private func remove(_ leftovers: RackLeftovers, of rack: String, into result: inout Result) throws(PortsFault) {
    var held: [Held] = []
    let deadline = ContinuousClock.now + Self.patience
    for interface in leftovers.interfaces { held.append(Held(try Self.open(interface, until: deadline))) }
    for (interface, tap) in zip(leftovers.interfaces, held) {
      try tap.remove()
      result.interfaces.append(interface)
    }
    for interface in leftovers.made { Self.remove(made: interface, &result) }
    for namespace in leftovers.namespaces {
      if let use = Self.use(of: namespace, unlike: rack) {
        result.faults.append("netns \(namespace) has the mark of rack \(rack) on its lo, and \(use): it was left alone")
        continue
      }
      try NetworkNamespaces.remove(namespace)
      result.namespaces.append(namespace)
    }
  }

  /// A VLAN has gone with its NIC or its bond.
  private static func remove(made interface: Interface, _ result: inout Result) {
    let isThere = (try? Links.list(in: interface.namespace))?.contains { $0.name == interface.name } ?? false
    guard isThere, let ip = SystemProgram(named: "ip") else { return }
    let answer = try? ip.run(["link", "delete", "dev", interface.name], in: interface.namespace)
    if answer?.status == 0 {
      result.interfaces.append(interface)
    } else {
      result.faults.append("\(interface.text) cannot be removed")
    }
  }

  /// Who else a namespace serves; `nil`: nobody.
  private static func use(of namespace: String, unlike rack: String) -> String? {
    // What is no namespace any more has no interfaces.
    for link in (try? Links.list(in: namespace)) ?? [] where link.name != "lo" {
      let words = (link.alias ?? "").split(separator: " ").map(String.init)
      if words.count >= 3, words[0] == "toprack", UUID(uuidString: words[1]) != nil, words[1] != rack {
        return "\(link.name) in it is of rack \(words[1])"
      }
      guard link.isTAP else { continue }
      do throws(PortsFault) {
        _ = try TAP.open(link.name, in: namespace)
      } catch {
        if error.errno == EBUSY { return "\(link.name) in it is held" }
      }
    }
    return nil
  }

  /// The kernel lets go of a killed daemon's TAPs a moment after the daemon is gone (io_uring ends by itself).
  private static let patience = Duration.seconds(3)

  /// Attaches to `interface`. Throws EBUSY when somebody still holds it at the deadline.
  private static func open(
    _ interface: Interface, until deadline: ContinuousClock.Instant
  ) throws(PortsFault) -> TAP {
    while true {
      do throws(PortsFault) {
        return try TAP.open(interface.name, in: interface.namespace)
      } catch {
        guard error.errno == EBUSY, ContinuousClock.now < deadline else { throw error }
        usleep(10_000)
      }
    }
  }
}

/// A TAP in a list: arrays hold no noncopyable values yet.
private final class Held {
  private var tap: TAP?

  init(_ tap: consuming TAP) { self.tap = consume tap }

  func remove() throws(PortsFault) {
    guard let tap = tap.take() else { return }
    try tap.remove()
  }
}

/// The nftables tables of racks, as `Masquerade` of the daemon makes them.
private enum MasqueradeTables {
  static func name(of rack: String) -> String { "toprack_\(rack.prefix(8))" }

  /// Empty also where there is no nft.
  static func list() -> [String] {
    guard let result = try? SystemProgram(named: "nft")?.run(["list", "tables", "inet"]), result.status == 0 else {
      return []
    }
    return result.output.split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 3, words[2].hasPrefix("toprack_"), words[2].utf8.count == 16 else { return nil }
      return words[2].dropFirst(8).allSatisfy(\.isHexDigit) ? String(words[2]) : nil
    }
  }

  /// Why it could not be removed; `nil` when it is gone.
  static func remove(_ table: String) -> String? {
    do {
      guard let result = try SystemProgram(named: "nft")?.run(["delete", "table", "inet", table]) else { return nil }
      return result.status == 0 ? nil : "nftables table \(table): nft failed with status \(result.status)"
    } catch {
      return "nftables table \(table): \(error.message)"
    }
  }
}
