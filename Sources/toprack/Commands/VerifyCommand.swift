// `verify`: reads the database, the API and the wire, and says in what they differ. The only command that knows the
// rules of the rack: it computes from the database what the others should say.
//
// Changes go on meanwhile, so a difference may be one of time. It reads again, and reports what is there every time.

import ArgumentParser
import Foundation
import Rack
import Store

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare the database, the API and the wire.",
    discussion: """
      Reads the daemon's database without disturbing it, all that the API shows, the tables by which frames are forwarded, and \
      the interfaces as the kernel has them, and prints each difference in one line. Run it where the daemon runs, as root; \
      the daemon says where its database is.

      Exit status: 0 they agree, 1 they do not.

      Example: toprack verify
      """)

  @Option(
    help: ArgumentHelp("The daemon's state directory, where it is called otherwise here.", valueName: "directory"),
    completion: .directory)
  var state: String?
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  /// Times that a difference has to be seen.
  private static let looks = 4

  func run() async throws {
    try await useCatalogue()
    var look = try await look()
    for _ in 1..<Self.looks where !look.differences.isEmpty {
      let staying = look.differences
      look = try await self.look()
      look.differences.formIntersection(staying)
    }
    let differences = look.differences.sorted()
    let size = "\(look.rack.servers.count) servers, \(look.rack.networks.count) networks, \(look.ports) ports"
    try global.output.print(
      json: [
        "servers": look.rack.servers.count, "networks": look.rack.networks.count, "ports": look.ports,
        "differences": differences.map(\.json),
      ] as [String: Any]
    ) {
      differences.isEmpty
        ? "verify: \(size): database, API and wire agree" : differences.map(\.text).joined(separator: "\n")
    }
    guard differences.isEmpty else {
      let count = differences.count == 1 ? "1 difference" : "\(differences.count) differences"
      throw Failure.refused("verify: \(size): \(count)")
    }
  }

  /// The rules of the rack are about the daemon's plans and facilities, whatever is built in.
  private func useCatalogue() async throws {
    let answer = try await global.client.get("/toprack/catalogue")
    do { Catalogue.use(try JSONDecoder().decode(CatalogueContents.self, from: answer.data)) } catch {
      throw Failure.refused("the daemon's catalogue is not understood: \(error)")
    }
  }

  private struct Look {
    let rack: Rack
    let ports: Int
    var differences: Set<Difference>
  }

  private func look() async throws -> Look {
    let client = try global.client
    let status: Status = try await client.get("/toprack/status").decoded()
    let settings: Settings = try await client.get("/toprack/settings").decoded()
    guard let state = state ?? status.stateDirectory else {
      throw Failure.refused(
        "the daemon says its state directory to callers for the whole rack alone: use its socket, or a token for all "
          + "projects, or give the directory with --state")
    }
    let database = "\(state)/rack.sqlite"
    guard access(database, R_OK) == 0 else {
      throw Failure.refused(
        "\(database) cannot be read: \(String(cString: strerror(errno))); verify runs where the daemon does, as root, and "
          + "--state names its directory")
    }
    let stored: StoredState
    do { stored = try Store.read(state, plan: try settings.plan) } catch { throw Failure.refused("\(error)") }
    let rack = stored.rack
    let identifier = rack.id.uuidString.lowercased()
    guard identifier == status.rackId else {
      throw Failure.refused(
        "\(state) has the database of rack \(identifier), and the daemon at the API is that of rack \(status.rackId): "
          + "give its state directory with --state")
    }
    let names = Names(rack)
    let tables: ForwardingTables = try await client.get("/toprack/forwarding").decoded()
    var differences = Set(
      stored.faults.map { Difference(source: .database, subject: "rack", what: nil, expected: nil, found: $0) })
    differences.formUnion(
      Facts.api(of: rack).differences(from: try await Facts.api(by: client, names: names), source: .api))
    differences.formUnion(Facts.wire(of: rack).differences(from: Facts.wire(tables, names: names), source: .wire))
    differences.formUnion(
      Facts.kernel(of: rack).differences(
        from: try Facts.kernel(tables, rack: identifier, names: names), source: .kernel))
    return Look(rack: rack, ports: tables.ports.count { $0.server != nil }, differences: differences)
  }

  private struct Status: Decodable { let rackId: String, stateDirectory: String? }

  private struct Settings: Decodable {
    /// The ranges of addresses, by the name of their setting.
    let pools: [String: String]

    var plan: AddressPlan {
      get throws {
        var plan = AddressPlan()
        for (name, range) in pools { try plan.set(name, to: range) }
        return plan
      }
    }
  }
}
