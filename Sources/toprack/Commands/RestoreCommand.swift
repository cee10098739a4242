// `restore FILE --state DIR`: a backup in the place of a database. It asks nobody but the files: no daemon may be at
// work there.

import ArgumentParser
import Foundation
import Rack
import Store

struct RestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Put a backup into a state directory.",
    discussion: """
      Stop the daemon first; run it where the directory is, as root or as the directory's owner. The database that is there is kept \
      under another name. The next start brings the host's interfaces to what the backup says: NICs of servers that were made \
      since are removed.

      Example: toprack restore rack-2026-11-26.sqlite --state /var/lib/toprack
      """)

  @Argument(
    help: ArgumentHelp("A file that 'toprack backup' has made, or a copy of rack.sqlite.", valueName: "file"),
    completion: .file())
  var file: String
  @Option(help: ArgumentHelp("The state directory.", valueName: "directory"), completion: .directory)
  var state: String
  @Flag(help: "Also when the directory is that of another rack, whose NICs 'toprack cleanup' removes.")
  var otherRack = false
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws {
    let restored: Store.Restored
    do { restored = try Store.restoreForOwner(file, to: state, allowingOtherRack: otherRack) } catch {
      throw Failure.refused(error.message)
    }
    let id = restored.rack.id.uuidString.lowercased()
    try global.output.print(
      json: [
        "state": state, "rack": id, "servers": restored.rack.servers.count, "kept": restored.kept,
      ] as [String: Any]
    ) {
      let kept = restored.kept.isEmpty ? "" : "; what was there is kept as \(restored.kept.joined(separator: ", "))"
      return
        "\(state): rack \(id), \(restored.rack.servers.count) servers, \(restored.rack.networks.count) networks\(kept)"
    }
  }
}
