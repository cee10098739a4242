// `cleanup`: for the day when a daemon is gone for good and its interfaces are still there. It asks nobody but the
// kernel: interfaces say by their alias which rack they belong to, and a TAP that can be attached has no daemon.

import ArgumentParser
import Foundation
import Glibc
import Host
import Ports
import Rack
import Store

struct CleanupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cleanup",
    abstract: "Remove the interfaces, namespaces and nftables tables that a daemon left behind.",
    discussion: """
      Works when no daemon runs, on the host and in all namespaces of /run/netns; needs root. Nothing of a rack whose \
      daemon is alive is touched, and nothing that Toprack did not make. The daemon's state is not touched either: when it \
      starts again, it makes its interfaces anew.

      Examples:
        toprack cleanup
        toprack cleanup --rack /var/lib/toprack
      """)

  @Option(
    help: ArgumentHelp(
      "Only what this rack left: its state directory, or its UUID, which is in 'toprack status' and in interfaces' aliases.",
      valueName: "directory|UUID"),
    completion: .directory)
  var rack: String?
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws {
    // Every NIC is held open at once.
    _ = try raiseFileLimit()
    guard geteuid() == 0 else {
      throw Failure.refused("cleanup removes interfaces and enters namespaces; run it as root")
    }
    var leftovers = Leftovers.find()
    if let rack { leftovers.limit(to: try identifier(of: rack)) }
    let result = await leftovers.remove()
    try global.output.print(
      json: [
        "interfaces": result.interfaces.map { interface -> [String: Any] in
          ["name": interface.name, "namespace": interface.namespace ?? NSNull() as Any]
        },
        "namespaces": result.namespaces, "tables": result.tables,
      ]
    ) {
      let lines =
        result.interfaces.map { "removed \($0.name)" + ($0.namespace.map { " in netns \($0)" } ?? "") }
        + result.namespaces.map { "removed netns \($0)" } + result.tables.map { "removed nftables table \($0)" }
      if lines.isEmpty { return result.faults.isEmpty ? "nothing to remove" : "" }
      return lines.joined(separator: "\n")
    }
    if !result.faults.isEmpty { throw Failure(kind: .refused, messages: result.faults) }
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
