// `server create`.

import ArgumentParser

extension ServerCommand {
  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a server and its NICs.",
      discussion: """
        The NICs are the TAP interfaces NAME-eth0 and NAME-eth1 on the host; with --netns they are eth0 and eth1 in a \
        network namespace, which is made when it does not exist, and is then removed with the server. --netns without a \
        name takes the server's, or where that is taken one with its short UUID behind. --nics calls them otherwise \
        there, as in a container that has an eth0 already: the ports of the switch are eth0 and eth1 all the same. With \
        the token of a project they are in a namespace that is made for the server, asked for or not. They are down \
        until you set them up, or --configure does: bond0 where the kernel has bonding, VLANs where it has 8021q, else \
        the plain NIC.

        Examples:
          toprack server create web1
          toprack server create web2 --netns
          toprack server create web3 --netns --configure
          toprack server create n2 --netns=clab-lab-n2 --nics eth1,eth2
          toprack server create web3 --netns --vlan 1001
          toprack server create db1 --netns=lab --plan c3.medium.x86 --facility ams1
          toprack server create ci1 --tag ci --tag spare --userdata cloud-init.yaml
        """)

    @Argument(help: "Hostname, unique in its project: letters, digits, '-' and '.', at most 63.")
    var name: String
    @Option(help: "Server type; see 'toprack plan list'.", completion: .plans) var plan = "c3.small.x86"
    @OptionGroup var place: PlaceOption
    @OptionGroup var project: ProjectOption
    @Option(
      name: .customLong("os"), help: ArgumentHelp("Operating system; see 'toprack os list'.", valueName: "os"),
      completion: .operatingSystems)
    var operatingSystem = "debian_12"
    @Flag(help: "Put the NICs into a network namespace: --netns into one named as the server, --netns=NS into NS.")
    var netns = false
    @Option(name: .customLong(CommandLineForms.namedNamespace), help: .hidden) var namedNamespace: String?
    @Option(
      help: ArgumentHelp(
        "Unix socket or serial device of the machine's console, on the daemon's host, where it is no namespace.",
        valueName: "path"),
      completion: .file())
    var serial: String?
    @OptionGroup var names: NICsOption
    @OptionGroup var wiring: WiringOptions
    @Flag(help: "Set the interfaces in the network namespace up for the mode, again after each change.")
    var configure = false
    @OptionGroup var notes: ServerNotes
    @Flag(help: "Refuse to delete it.") var lock = false
    @Flag(help: "Refuse to change its bond and its mode.") var freezeNetwork = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if netns, namedNamespace != nil { throw ValidationError("--netns is given twice") }
    }

    func run() async throws {
      let client = try global.client
      let project = try await project.project(client)
      var body: [String: Any] = [
        "hostname": name, "plan": plan, place.member.name: place.member.value, "operating_system": operatingSystem,
      ]
      body.merge(try notes.members()) { $1 }
      if lock { body["locked"] = true }
      if freezeNetwork { body["network_frozen"] = true }
      var own: [String: Any] = [:]
      if netns { own["netns"] = true }
      if let namedNamespace { own["netns"] = namedNamespace }
      if let serial { own["serial"] = serial }
      if configure { own["configure"] = true }
      if let names = names.member { own["nics"] = names }
      if !own.isEmpty { body["toprack"] = own }
      var answer = try await client.post("/projects/\(project.id)/devices", body)
      if !wiring.isEmpty { answer = try await wiring.apply(to: answer.decoded(), client) }
      if configure { answer = try await client.configured(answer) }
      try global.output.print(json: try answer.value()) { try ServerText.facts(answer.decoded()) }
    }
  }
}
