// `port show | attach | detach | native`. What is shown comes from the switch, what is changed goes by the Metal API.

import ArgumentParser

struct PortCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "port", abstract: "Ports of a server: bond0, eth0 and eth1.",
    subcommands: [Show.self, Attach.self, Detach.self, Native.self])

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    throw ValidationError("give a command of 'toprack port': show, attach, detach or native")
  }
}

extension PortCommand {
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what the ports of a server do: VLANs, counters, drops by reason.",
      discussion: """
        Counters are those of the switch: rx is what came from the server, tx what went to it. bond0 sums its members, and names those that \
        carry frames now; 'toprack lacp show' says why one does not.

        Examples:
          toprack port show web1
          toprack port show web1 eth1
        """)

    @Argument(help: "Name or UUID.") var server: String
    @Argument(help: "bond0, eth0 or eth1; all of them when left out.") var port: String?
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/devices/\(Client.segment(server))/ports")
      let ports: [WirePort] = try answer.decoded()
      guard let port else {
        return try global.output.print(json: try answer.value()) { PortText.table(ports) }
      }
      guard let index = ports.firstIndex(where: { $0.name == port }) else {
        let valid = ports.map(\.name).joined(separator: ", ")
        throw Failure.refused("\(ports.first?.server ?? server) has no port \"\(port)\"; valid are \(valid)")
      }
      let objects = try answer.value() as? [Any] ?? []
      try global.output.print(json: objects[index]) { PortText.facts(ports[index]) }
    }
  }

  struct Attach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Attach a virtual network to a port.",
      discussion: """
        The only network of a port is untagged; with two or more all are tagged, but the native one. A number means the \
        network of the server's facility and project.

        Example: toprack port attach web1 eth1 1001
        """)

    @OptionGroup var target: PortTarget
    @Argument(help: ArgumentHelp("Number or UUID.", valueName: "N|UUID")) var network: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      try await target.change("assign", ["vnid": network], global)
    }
  }

  struct Detach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Detach a virtual network from a port.",
      discussion: "Its native VLAN, if that is the one, is unset.\n\nExample: toprack port detach web1 eth1 1001")

    @OptionGroup var target: PortTarget
    @Argument(help: ArgumentHelp("Number or UUID.", valueName: "N|UUID")) var network: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      try await target.change("unassign", ["vnid": network], global)
    }
  }

  struct Native: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Choose which of a port's networks stays untagged.",
      discussion: """
        It must be attached already, beside at least one other.

        Examples:
          toprack port native web1 eth1 1001
          toprack port native web1 eth1 none
        """)

    @OptionGroup var target: PortTarget
    @Argument(help: ArgumentHelp("Number, UUID, or none.", valueName: "N|UUID|none")) var network: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      try await target.change("native-vlan", network == "none" ? nil : ["vnid": network], global)
    }
  }
}

/// The port that a command changes.
struct PortTarget: ParsableArguments {
  @Argument(help: "Name or UUID.") var server: String
  @Argument(help: "bond0, eth0 or eth1.") var port: String

  /// Posts `body` to the port's `operation`, or deletes that when there is none, and prints the port.
  func change(_ operation: String, _ body: [String: Any]?, _ global: GlobalOptions) async throws {
    let client = global.client
    let device = try await client.device(server)
    let path = "/ports/\(try device.port(port).id)/\(operation)"
    let answer = if let body { try await client.post(path, body) } else { try await client.delete(path) }
    try global.output.print(json: try answer.value()) {
      PortText.vlans(of: try answer.decoded(), of: device.hostname)
    }
  }
}
