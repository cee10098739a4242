// `backup FILE`: the rack's database as one file, out of a daemon that works.

import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import Rack
import Store

struct BackupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy the rack's state into a file, while the daemon works.",
    discussion: """
      The file has everything: servers, networks, addresses, events, and the digests of all tokens, so it is for its owner's eyes \
      alone (mode 0600). 'toprack restore' puts it back. It has its name only when it is whole and has been read once.

      Example: toprack backup rack-$(date +%F).sqlite
      """)

  @Argument(help: ArgumentHelp("Where the backup goes; must not be there yet.", valueName: "file"), completion: .file())
  var file: String
  @Flag(help: "Take the place of a file that is there.") var force = false
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws {
    var status = stat()
    if lstat(file, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else { throw Failure.refused("\(file) is there and is not a file") }
      guard force else { throw Failure.refused("\(file) is there already: choose another name, or give --force") }
    }
    let new = "\(file).\(getpid()).new"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.fault(file) }
    defer {
      close(descriptor)
      unlink(new)
    }
    let size = try await global.client.download("/toprack/backup") { bytes in
      var done = 0
      while done < bytes.count {
        let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw Self.fault(new) }
        done += count
      }
    }
    guard fsync(descriptor) == 0 else { throw Self.fault(new) }
    let rack: Rack
    do { rack = try Store.check(backup: new) } catch {
      throw Failure.refused("what came is no backup: \(error.message.replacing(new, with: "it"))")
    }
    // Without --force not over one that has come meanwhile either.
    guard (force ? rename(new, file) : link(new, file)) == 0 else { throw Self.fault(file) }
    let id = rack.id.uuidString.lowercased()
    try global.output.print(
      json: ["file": file, "bytes": size, "rack": id, "servers": rack.servers.count] as [String: Any]
    ) {
      "\(file): rack \(id), \(rack.servers.count) servers, \(rack.networks.count) networks, \(size) bytes"
    }
  }

  private static func fault(_ file: String) -> Failure {
    Failure.refused("\(file) cannot be written: \(String(cString: strerror(errno)))")
  }
}
