// `server create | list | show | delete | mode | network-config`.

import ArgumentParser

struct ServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server", abstract: "Servers: two NICs each, on the host or in a network namespace.",
    subcommands: [Create.self, List.self, Show.self, Delete.self, Mode.self, NetworkConfiguration.self])

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    throw ValidationError("give a command of 'toprack server': create, list, show, delete, mode or network-config")
  }
}

extension ServerCommand {
  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a server and its NICs.",
      discussion: """
        The NICs are the TAP interfaces NAME-eth0 and NAME-eth1 on the host; with --netns they are eth0 and eth1 in a \
        network namespace, which is made when it does not exist, and is then removed with the server. They are down until \
        you set them up.

        Examples:
          toprack server create web1
          toprack server create web2 --netns
          toprack server create db1 --netns=lab --plan c3.medium.x86 --facility ams1
        """)

    @Argument(help: "Hostname, unique in the rack: letters, digits, '-' and '.', at most 63.")
    var name: String
    @Option(help: "Server type; see 'toprack plan list'.") var plan = "c3.small.x86"
    @Option(help: "Facility; see 'toprack facility list'.") var facility = "ewr1"
    @Option(help: "Project, by name or UUID.") var project = "default"
    @Option(
      help: ArgumentHelp(
        "Put the NICs into a network namespace: --netns into one named as the server, --netns=NS into NS.",
        valueName: "NS"))
    var netns: String?
    @Flag(name: .customLong(CommandLineForms.namespaceOfServer), help: .hidden) var isNamedAsServer = false
    @OptionGroup var global: GlobalOptions

    func validate() throws {
      if isNamedAsServer, netns != nil { throw ValidationError("--netns is given twice") }
    }

    func run() async throws {
      let client = global.client
      let project = try await client.project(project)
      var body: [String: Any] = [
        "hostname": name, "plan": plan, "facility": facility, "operating_system": "debian_12",
      ]
      if let netns { body["toprack"] = ["netns": netns] }
      if isNamedAsServer { body["toprack"] = ["netns": true] }
      let answer = try await client.post("/projects/\(Client.segment(project.id))/devices", body)
      try global.output.print(json: try answer.value()) { try ServerText.facts(answer.decoded()) }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the servers.", discussion: "Example: toprack server list --json")

    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/devices")
      try global.output.print(json: try answer.value("devices")) {
        var table = Table("SERVER", "MODE", "PLAN", "FACILITY", "PROJECT", "NICS")
        for device in try answer.decoded(as: DeviceList.self).devices {
          table.add(
            device.hostname, device.toprack.mode, device.plan.slug, device.facility.code, device.project.name,
            device.place)
        }
        return table.isEmpty ? "no servers; 'toprack server create NAME' makes one" : table.text
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a server: mode, addresses, ports.", discussion: "Example: toprack server show web1")

    @Argument(help: "Name or UUID.") var server: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/devices/\(Client.segment(server))")
      try global.output.print(json: try answer.value()) { try ServerText.facts(answer.decoded()) }
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a server and its NICs.",
      discussion: """
        Its virtual networks are detached and its addresses freed. A namespace that was made for it goes too; one that \
        existed before stays.

        Example: toprack server delete web1
        """)

    @Argument(help: "Name or UUID.") var server: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let client = global.client
      let device = try await client.device(server)
      try await client.delete("/devices/\(device.id)")
      try global.output.print(json: ["deleted": ["id": device.id, "hostname": device.hostname]]) {
        "\(device.hostname) deleted"
      }
    }
  }

  struct Mode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change a server's network mode.",
      discussion: """
        layer3             bond0 of eth0 and eth1, routed; no VLANs
        hybrid             eth0 in bond0, routed; VLANs on eth1
        layer2-bonded      bond0 of eth0 and eth1; VLANs on bond0
        layer2-individual  no bond; VLANs on eth0 and on eth1
        hybrid-bonded      what layer3 becomes when a VLAN is attached to bond0, tagged; where the daemon is set to offer it

        The change happens at once or not at all. Virtual networks that the new mode cannot carry must be detached first. \
        Leaving layer 3 gives the server's addresses back for good and unassigns its elastic blocks; coming back, it gets new \
        addresses. 'toprack server network-config' prints what the server's operating system has to be told.

        Example: toprack server mode web1 layer2-bonded
        """)

    @Argument(help: "Name or UUID.") var server: String
    @Argument(help: "layer3, hybrid, layer2-bonded or layer2-individual.") var mode: String
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.put("/toprack/devices/\(Client.segment(server))/mode", ["mode": mode])
      try global.output.print(json: try answer.value()) {
        try ServerText.change(answer.decoded(as: ModeChange.self).change, of: answer.decoded())
      }
    }
  }

  struct NetworkConfiguration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "network-config", abstract: "Print what a server's operating system has to be told for its mode.",
      discussion: """
        ip        commands of iproute2 for sh; can be repeated
        netplan   a file for netplan
        ifupdown  a file for ifupdown, with ifenslave and vlan
        networkd  commands for sh that write files for systemd-networkd

        Bond, addresses, routes and VLANs, as they are now. Addresses inside VLANs are yours to choose.

        Examples:
          toprack server network-config web1 | ip netns exec web1 sh
          toprack server network-config web1 --format netplan
        """)

    @Argument(help: "Name or UUID.") var server: String
    @Option(help: ArgumentHelp("ip, netplan, ifupdown or networkd.", valueName: "format")) var format = "ip"
    @Flag(help: "For a kernel without bonds: one NIC does what bond0 would; the switch carries by it alone.")
    var noBond = false
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get(
        "/toprack/devices/\(Client.segment(server))/network-config",
        ["format": format, "bond": noBond ? "false" : nil])
      try global.output.print(json: try answer.value()) { try answer.decoded(as: NetworkConfig.self).text }
    }
  }
}
