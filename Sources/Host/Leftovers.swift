// What racks left on this machine, found by their marks.
//
// Every interface and namespace that a rack made carries its mark (`OwnershipMarks`), and a rack that masquerades has
// an nftables table where its uplink is (`Masquerade`). What was made to fit a server's mode in a namespace goes with
// the NICs; what does not, a bond in a container's namespace, is removed after them.
//
// Whether a rack's daemon lives is asked of the kernel: attaching to a TAP that somebody holds fails with EBUSY. All
// NICs of a rack are held before the first of them is removed, so that a rack is cleaned whole or not at all.
//
// Others may know of more that a rack left (`Belonging`): virtual machines and their interfaces. It goes when the rack is
// known to have no daemon, and before the NICs.
//
// Root in a server's namespace can write any rack's mark on its lo. So a namespace in which somebody holds a TAP, or
// that has an interface of another rack, stays.

package import FoundationEssentials
import Glibc
import Ports
package import Rack

/// The interfaces, namespaces and tables of racks, for `toprack cleanup`. Needs root.
package struct Leftovers {
  package struct Interface: Hashable {
    package let name: String
    /// `nil`: the host's own.
    package let namespace: String?

    package init(name: String, namespace: String?) { (self.name, self.namespace) = (name, namespace) }
  }

  /// What somebody else knows how to take away.
  package struct Belonging {
    package enum Kind: Hashable {
      case machine(process: Int, server: String)
      case interface(Interface)
    }
    package let kind: Kind
    /// Returns why it stays; `nil`: it is gone. Blocks.
    package let remove: () -> String?

    package init(_ kind: Kind, remove: @escaping () -> String?) { (self.kind, self.remove) = (kind, remove) }
  }

  package struct Result {
    package var machines: [(process: Int, server: String)] = []
    package var interfaces: [Interface] = []
    package var namespaces: [String] = []
    package var tables: [String] = []
    /// Lines about what stays.
    package var faults: [String] = []
  }

  private struct RackLeftovers {
    var interfaces: [Interface] = []
    /// Whose NICs they are.
    var servers: Set<ServerID> = []
    var belongings: [Belonging] = []
    /// Made for a mode.
    var made: [Interface] = []
    var namespaces: [String] = []
  }

  private var racks: [UUID: RackLeftovers] = [:]
  private var tables: [String] = []

  /// Looks at the host and at every namespace of /run/netns.
  package static func find() -> Leftovers {
    var found = Leftovers()
    for namespace in [nil] + NetworkNamespaces.list().map(Optional.some) {
      if let namespace, let mark = NetworkNamespaces.abandonedMark(of: namespace) {
        if case (let rack, .namespace)? = OwnershipMarks.read(mark) {
          found.racks[rack, default: RackLeftovers()].namespaces.append(namespace)
        }
        continue
      }
      // A namespace may go away at any moment, and not every file in /run/netns is one.
      guard let links = try? Links.list(in: namespace) else { continue }
      for link in links {
        guard let (rack, owned) = OwnershipMarks.read(link.alias) else { continue }
        let interface = Interface(name: link.name, namespace: namespace)
        switch owned {
        case .namespace:
          if let namespace { found.racks[rack, default: RackLeftovers()].namespaces.append(namespace) }
        case .configuration: found.racks[rack, default: RackLeftovers()].made.append(interface)
        case .nic(let server, _):
          guard link.isTAP else { continue }
          found.racks[rack, default: RackLeftovers()].interfaces.append(interface)
          found.racks[rack, default: RackLeftovers()].servers.insert(server)
        case .uplink:
          if link.isTAP { found.racks[rack, default: RackLeftovers()].interfaces.append(interface) }
        }
      }
    }
    found.tables = Masquerade.tables()
    return found
  }

  /// Forgets all but one rack.
  package mutating func limit(to rack: UUID) {
    racks = racks.filter { $0.key == rack }
    tables = tables.filter { $0 == Masquerade.table(of: rack) }
  }

  /// Whose NIC is here.
  package func rack(of server: ServerID) -> UUID? { racks.first { $0.value.servers.contains(server) }?.key }

  package var interfaces: [UUID: [Interface]] { racks.mapValues(\.interfaces) }

  /// Adds something to what a rack left, in the order in which it has to go.
  package mutating func add(_ belonging: Belonging, to rack: UUID) {
    racks[rack, default: RackLeftovers()].belongings.append(belonging)
  }

  /// Removes everything of every rack found that has no daemon. `isTrial`: only says what it would remove.
  package func remove(isTrial: Bool = false) async -> Result {
    var result = Result()
    var tables = tables
    for (rack, leftovers) in racks.sorted(by: { $0.key.uuidString < $1.key.uuidString }) {
      do {
        try await remove(leftovers, of: rack, isTrial, into: &result)
      } catch {
        tables.removeAll { $0 == Masquerade.table(of: rack) }
        let name = rack.uuidString.lowercased()
        let isHeld = (error as? PortsFault)?.errno == EBUSY
        result.faults.append(
          isHeld
            ? "a daemon holds the interfaces of rack \(name) (\(error)); stop it first: nothing of that rack was removed"
            : "rack \(name): \(error)")
      }
    }
    // A rack that masquerades has an uplink, so one without any interface has no daemon.
    for table in tables {
      if let fault = isTrial ? nil : Masquerade.remove(table) {
        result.faults.append(fault)
      } else {
        result.tables.append(table)
      }
    }
    return result
  }

  private func remove(
    _ leftovers: RackLeftovers, of rack: UUID, _ isTrial: Bool, into result: inout Result
  ) async throws {
    var held: [Held] = []
    let deadline = ContinuousClock.now + NICs.patience
    for interface in leftovers.interfaces {
      held.append(Held(try await TAP.open(interface.name, in: interface.namespace, until: deadline)))
    }
    for belonging in leftovers.belongings {
      if let fault = isTrial ? nil : belonging.remove() {
        result.faults.append(fault)
        continue
      }
      switch belonging.kind {
      case .machine(let process, let server): result.machines.append((process, server))
      case .interface(let interface): result.interfaces.append(interface)
      }
    }
    for (interface, tap) in zip(leftovers.interfaces, held) {
      if !isTrial { try tap.remove() }
      result.interfaces.append(interface)
    }
    for interface in leftovers.made {
      if isTrial { result.interfaces.append(interface) } else { Self.remove(made: interface, &result) }
    }
    for namespace in leftovers.namespaces {
      // What is held now may be by what goes first.
      if let use = Self.use(of: namespace, unlike: rack, asksHolders: !isTrial) {
        result.faults.append(
          "netns \(namespace) has the mark of rack \(rack.uuidString.lowercased()) on its lo, and \(use): it was left alone"
        )
        continue
      }
      if !isTrial { try NetworkNamespaces.remove(namespace) }
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
      result.faults.append("\(place(interface.name, interface.namespace)) cannot be removed")
    }
  }

  /// Who else a namespace serves; `nil`: nobody.
  private static func use(of namespace: String, unlike rack: UUID, asksHolders: Bool) -> String? {
    // What is no namespace any more has no interfaces.
    for link in (try? Links.list(in: namespace)) ?? [] where link.name != "lo" {
      if let (other, _) = OwnershipMarks.read(link.alias), other != rack {
        return "\(link.name) in it is of rack \(other.uuidString.lowercased())"
      }
      guard asksHolders, link.isTAP else { continue }
      do throws(PortsFault) {
        _ = try TAP.open(link.name, in: namespace)
      } catch {
        if error.errno == EBUSY { return "\(link.name) in it is held" }
      }
    }
    return nil
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
