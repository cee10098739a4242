// `server mode | network-config`: how a server is connected, and what its operating system has to be told then.

import ArgumentParser

extension ServerCommand {
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

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Argument(help: "layer3, hybrid, layer2-bonded or layer2-individual.", completion: .modes) var mode: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

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
        ip          commands of iproute2 for sh; can be repeated
        netplan     a file for netplan
        ifupdown    a file for ifupdown, with ifenslave and vlan
        networkd    commands for sh that write files for systemd-networkd
        cloud-init  network-config of cloud-init, version 2

        Bond, addresses, routes and VLANs, as they are now. Addresses inside VLANs are yours to choose.

        Examples:
          toprack server network-config web1 | ip netns exec web1 sh
          toprack server network-config web1 --format netplan
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Option(
      help: ArgumentHelp("ip, netplan, ifupdown, networkd or cloud-init.", valueName: "format"),
      completion: .networkConfigFormats)
    var format = "ip"
    @Flag(help: "For a kernel without bonds: one NIC does what bond0 would; the switch carries by it alone.")
    var noBond = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get(
        "/toprack/devices/\(Client.segment(server))/network-config",
        ["format": format, "bond": noBond ? "false" : nil])
      try global.output.print(json: try answer.value()) { try answer.decoded(as: NetworkConfig.self).text }
    }
  }
}
