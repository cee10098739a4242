// `cleanup`: for the day when a daemon is gone for good and its interfaces are still there. It asks nobody but the
// kernel: interfaces say by their alias which rack they belong to, and a TAP that can be attached has no daemon. QEMUs say
// it by their words, and by the file with their number that they were told to write.

import ArgumentParser
import Foundation
import Glibc
import Host
import MachineHost
import Ports
import Rack
import Store

struct CleanupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cleanup",
    abstract: "Remove the virtual machines, interfaces, namespaces and nftables tables that a daemon left behind.",
    discussion: """
      Works when no daemon runs, on the host and in all namespaces of /run/netns; needs root. Nothing of a rack whose \
      daemon is alive is touched, and nothing that Toprack did not make. The daemon's state is not touched either: when it \
      starts again, it makes its interfaces anew.

      Virtual machines of such a rack are ended as by pulling the plug.

      Examples:
        toprack cleanup --dry-run
        toprack cleanup
        toprack cleanup --rack /var/lib/toprack
      """)

  @Option(
    help: ArgumentHelp(
      "Only what this rack left: its state directory, or its UUID, which is in 'toprack status' and in interfaces' aliases.",
      valueName: "directory|UUID"),
    completion: .directory)
  var rack: String?
  @Flag(help: "Only say what would be removed.") var dryRun = false
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws {
    // Every NIC is held open at once.
    _ = try raiseFileLimit()
    guard geteuid() == 0 else {
      throw Failure.refused("cleanup removes interfaces and enters namespaces; run it as root")
    }
    let result = await (try leftovers()).remove(isTrial: dryRun)
    let (removed, ended) = dryRun ? ("would remove", "would end") : ("removed", "ended")
    try global.output.print(
      json: [
        "machines": result.machines.map { ["process": $0.process, "server": $0.server] as [String: Any] },
        "interfaces": result.interfaces.map { interface -> [String: Any] in
          ["name": interface.name, "namespace": interface.namespace ?? NSNull() as Any]
        },
        "namespaces": result.namespaces, "tables": result.tables, "dry_run": dryRun,
      ]
    ) {
      let lines =
        result.machines.map { "\(ended) process \($0.process), the virtual machine of server \($0.server)" }
        + result.interfaces.map { "\(removed) \($0.name)" + ($0.namespace.map { " in netns \($0)" } ?? "") }
        + result.namespaces.map { "\(removed) netns \($0)" } + result.tables.map { "\(removed) nftables table \($0)" }
      if lines.isEmpty { return result.faults.isEmpty ? "nothing to remove" : "" }
      return lines.joined(separator: "\n")
    }
    if !result.faults.isEmpty { throw Failure(kind: .refused, messages: result.faults) }
  }

  private func leftovers() throws -> Leftovers {
    var leftovers = Leftovers.find()
    for machine in MachineLeftover.all() {
      // One whose NICs are gone says by its state whose it is.
      guard let rack = leftovers.rack(of: machine.server) ?? (try? Store.read(machine.state).rack.id) else { continue }
      leftovers.add(machine.belonging(isInUse: Store.isInUse), to: rack)
    }
    for (rack, interfaces) in leftovers.interfaces {
      for belonging in GuestLink.leftovers(beside: interfaces) { leftovers.add(belonging, to: rack) }
    }
    if let rack { leftovers.limit(to: try identifier(of: rack)) }
    return leftovers
  }

  /// In the form that the marks have it. A rack that left nothing is none to complain about.
  private func identifier(of rack: String) throws -> UUID {
    if let id = UUID(uuidString: rack) { return id }
    do {
      return try Store.read(rack).rack.id
    } catch {
      let isFolder = access("\(rack)/rack.sqlite", F_OK) == 0
      throw Failure.refused(
        "--rack '\(rack)' is no UUID" + (isFolder ? ", and: \(error.message)" : " and no state directory of toprackd"))
    }
  }
}
