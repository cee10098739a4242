// `port`: its commands, and what ports are. What `show` shows comes from the switch; the assignments, and all that
// changes, go by the Metal API.

import ArgumentParser

struct PortCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "port", abstract: "Ports of a server: bond0, eth0 and eth1.",
    subcommands: [Show.self, Assignments.self, Attach.self, Detach.self, Native.self, Batch.self, Reopen.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension PortCommand {
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what the ports of a server do: VLANs, counters, drops by reason.",
      discussion: """
        Counters are those of the switch: rx is what came from the server, tx what went to it. bond0 sums its members, and names those that \
        carry frames now; 'toprack lacp show' says why one does not. Below the table are the reasons of the drops, by port. A \
        port that the loop guard has shut says why, and until when.

        Examples:
          toprack port show web1
          toprack port show web1 eth1
          toprack port show web1 --watch
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Argument(help: "bond0, eth0 or eth1, or as the server calls it; all of them when left out.", completion: .ports)
    var port: String?
    @OptionGroup var watch: WatchOption
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      try await watch.run(global) { asLine in try await shown(client, asLine) }
    }

    private func shown(_ client: Client, _ asLine: Bool) async throws -> String {
      let answer = try await client.get("/toprack/devices/\(Client.segment(server))/ports")
      let ports: [WirePort] = try answer.decoded()
      guard let port else {
        return try global.output.shown(json: try answer.value(), asLine: asLine) { PortText.table(ports) }
      }
      let index = ports.firstIndex { $0.name == port } ?? ports.firstIndex { $0.interface == port }
      guard let index else {
        let valid = ports.map(\.label).joined(separator: ", ")
        throw Failure.refused("\(ports.first?.server ?? server) has no port \"\(port)\"; valid are \(valid)")
      }
      let objects = try answer.value() as? [Any] ?? []
      return try global.output.shown(json: objects[index], asLine: asLine) { PortText.facts(ports[index]) }
    }
  }

  struct Assignments: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the virtual networks of a port, and since when they are there.",
      discussion: "Example: toprack port assignments web1 eth1")

    @OptionGroup var target: PortTarget
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let (device, port) = try await target.find(client)
      let answer = try await client.get("/ports/\(port.id)/vlan-assignments", ["per_page": "1000"])
      try global.output.print(json: try answer.value("vlan_assignments")) {
        var table = Table("VXLAN", "NATIVE", "STATE", "SINCE", "ID")
        for assignment in try answer.decoded(as: VLANAssignmentList.self).vlanAssignments {
          table.add(
            "\(assignment.vlan)", assignment.native ? "yes" : "no", assignment.state, assignment.createdAt,
            assignment.id)
        }
        return table.isEmpty
          ? "no virtual network is on \(device.label(of: port.name)) of \(device.hostname)" : table.text
      }
    }
  }
}

extension PortCommand {
  struct Reopen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Open a port that the loop guard has shut, before its time.",
      discussion: """
        What the switch sends into a server and gets back is a loop, and the port that brings it is shut: for 10 seconds \
        at first, for 5 minutes at most. If it still loops when it is opened, it is shut again, for longer.

        Example: toprack port reopen web1 eth1
        """)

    @OptionGroup var target: PortTarget
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let path = "/toprack/devices/\(Client.segment(target.server))/ports/\(Client.segment(target.port))/reopen"
      let answer = try await global.client.post(path, [:])
      try global.output.print(json: try answer.value()) {
        let port: WirePort = try answer.decoded()
        return "\(port.server) \(port.label): open"
      }
    }
  }
}

/// The port that a command changes.
struct PortTarget: ParsableArguments {
  @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
  @Argument(help: "bond0, eth0 or eth1, or as the server calls it.", completion: .ports) var port: String

  func find(_ client: Client) async throws -> (device: Device, port: Device.Port) {
    let device = try await client.device(server)
    return (device, try device.port(port))
  }

  /// Posts `body` to the port's `operation`, or deletes that when there is none, and prints the port.
  func change(_ operation: String, _ body: [String: Any]?, _ global: GlobalOptions) async throws {
    let client = try global.client
    let (device, port) = try await find(client)
    let path = "/ports/\(port.id)/\(operation)"
    let answer = if let body { try await client.post(path, body) } else { try await client.delete(path) }
    try global.output.print(json: try answer.value()) {
      PortText.vlans(of: try answer.decoded(), of: device)
    }
  }
}
