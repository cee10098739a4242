// What the daemon can offer for the next word of a command line.

import ArgumentParser
import Foundation
import NIOCore

struct Candidates: Sendable {
  private let client: Client
  /// The words before the one that is completed.
  private let words: [String]

  /// Somebody waits with a finger on the key.
  private static let patience = TimeAmount.seconds(2)

  /// `words` are those of the line as the shell has them, quotes and all. The connection is the one that the command
  /// itself would have, by the options on the line and the environment.
  init(words: [String], before index: Int) throws {
    let line = words.map(ShellWords.unquoted)
    self.words = Array(line.prefix(max(0, index)))
    client = try GlobalOptions.parse(ShellWords.connection(in: line)).client(timeout: Self.patience)
  }

  func servers() async throws -> [String] { ServerNames(try await devices()).all }

  /// Servers that have a virtual machine, run or attached.
  func machines() async throws -> [String] {
    let machines = try await client.get("/toprack/vms").decoded(as: VMList.self).vms
    return try await servers().filter { name in machines.contains { $0.server == name } }
  }

  func ports() async throws -> [String] { try await server()?.portNames ?? [] }

  func attachableNetworks() async throws -> [String] {
    guard let server = try await server() else { return try await networks() }
    let all: NetworkList = try await client.get("/toprack/virtual-networks").decoded()
    let present = port(of: server)?.virtualNetworks.map(\.id) ?? []
    let fitting = all.virtualNetworks.filter { network in
      network.assignedTo.id == server.project.id && !present.contains(network.id)
        && (network.facilityCode.map { $0 == server.facility.code } ?? (network.metroCode == server.metro?.code))
    }
    return Self.numbers(fitting.map(\.vxlan))
  }

  func attachedNetworks() async throws -> [String] {
    guard let server = try await server() else { return [] }
    return Self.numbers(port(of: server)?.virtualNetworks.map(\.vxlan) ?? [])
  }

  func networks() async throws -> [String] {
    let all: NetworkList = try await client.get("/toprack/virtual-networks").decoded()
    return Self.numbers(all.virtualNetworks.map(\.vxlan))
  }

  /// Names, and UUIDs where a name means several or is no plain word.
  func projects() async throws -> [String] {
    let projects = try await client.projects()
    let bearers = Dictionary(grouping: projects, by: \.name)
    return projects.map { bearers[$0.name]?.count == 1 && ShellWords.isPlain($0.name) ? $0.name : $0.id }
  }

  /// Names, and UUIDs where a name means several.
  func sshKeys() async throws -> [String] {
    let keys = try await client.get("/toprack/ssh-keys").decoded(as: SSHKeyList.self).sshKeys
    let bearers = Dictionary(grouping: keys, by: \.label)
    return keys.map { bearers[$0.label]?.count == 1 && ShellWords.isPlain($0.label) ? $0.label : $0.id }
  }

  /// Names, with the project where a name means several.
  func labs() async throws -> [String] {
    let labs = try await client.get("/toprack/labs").decoded(as: LabList.self).labs
    let bearers = Dictionary(grouping: labs, by: \.name)
    return labs.map { bearers[$0.name]?.count == 1 ? $0.name : "\($0.project.name)/\($0.name)" }
  }

  func mirrors() async throws -> [String] {
    try await client.get("/toprack/mirrors").decoded(as: MirrorList.self).mirrors.map {
      ShellWords.isPlain($0.name) ? $0.name : $0.id
    }
  }

  func tokens() async throws -> [String] {
    try await client.get("/toprack/tokens").decoded(as: TokenList.self).tokens.map {
      ShellWords.isPlain($0.name) ? $0.name : $0.id
    }
  }

  func plans() async throws -> [String] {
    try await client.get("/plans").decoded(as: PlanList.self).plans.map(\.slug)
  }

  func facilities() async throws -> [String] {
    try await client.get("/facilities").decoded(as: FacilityList.self).facilities.map(\.code)
  }

  func metros() async throws -> [String] {
    try await client.get("/locations/metros").decoded(as: MetroList.self).metros.map(\.code)
  }

  func operatingSystems() async throws -> [String] {
    try await client.get("/operating-systems").decoded(as: OperatingSystemList.self).operatingSystems.map(\.slug)
  }

  func reservedBlocks() async throws -> [String] {
    try await client.get("/toprack/ips").decoded(as: AddressList.self).ipReservations.map(\.text)
  }

  func assignedBlocks() async throws -> [String] {
    let list: AddressList = try await client.get("/toprack/ips").decoded()
    return list.ipAddresses.filter { !$0.management }.map(\.text)
  }

  // MARK: The line

  private func devices() async throws -> [Device] {
    try await client.get("/toprack/devices").decoded(as: DeviceList.self).devices
  }

  /// The server that the line names; the last one, when a word before has the name of another.
  private func server() async throws -> Device? {
    let devices = try await devices()
    let names = ServerNames(devices)
    return words.reversed().lazy.compactMap(names.device).first
  }

  private func port(of server: Device) -> Device.Port? {
    words.reversed().lazy.compactMap { try? server.port($0) }.first
  }

  private static func numbers(_ numbers: [Int]) -> [String] { Set(numbers).sorted().map(String.init) }
}
