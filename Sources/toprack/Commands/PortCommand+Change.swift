// `port attach | detach | native | batch`.

import ArgumentParser

extension PortCommand {
  struct Attach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Attach a virtual network to a port.",
      discussion: """
        The only network of a port is untagged; with two or more all are tagged, but the native one. A number means the \
        network of the server's project, in its facility or, when there is none of that number, in its metro.

        Example: toprack port attach web1 eth1 1001
        """)

    @OptionGroup var target: PortTarget
    @Argument(help: ArgumentHelp("Number or UUID.", valueName: "N|UUID"), completion: .attachable)
    var network: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await target.change("assign", ["vnid": network], global)
    }
  }

  struct Detach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Detach a virtual network from a port.",
      discussion: "Its native VLAN, if that is the one, is unset.\n\nExample: toprack port detach web1 eth1 1001")

    @OptionGroup var target: PortTarget
    @Argument(help: ArgumentHelp("Number or UUID.", valueName: "N|UUID"), completion: .attached)
    var network: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

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
    @Argument(help: ArgumentHelp("Number, UUID, or none.", valueName: "N|UUID|none"), completion: .attachedOrNone)
    var network: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await target.change("native-vlan", network == "none" ? nil : ["vnid": network], global)
    }
  }

  struct Batch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change several virtual networks of a port at once.",
      discussion: """
        All of it, or nothing. On the wire there is no state between: networks leave, others come and the native one is chosen \
        in one step. What is attached or detached already stays so and is no error.

        Examples:
          toprack port batch web1 eth1 --attach 1001 --attach 1002 --native 1001
          toprack port batch web1 eth1 --detach 1001 --attach 1003 --no-native
        """)

    @OptionGroup var target: PortTarget
    @Option(
      help: ArgumentHelp("A network to attach, by number or UUID; give one --attach for each.", valueName: "N|UUID"),
      completion: .attachable)
    var attach: [String] = []
    @Option(
      help: ArgumentHelp("A network to detach, by number or UUID; give one --detach for each.", valueName: "N|UUID"),
      completion: .attached)
    var detach: [String] = []
    @Option(
      help: ArgumentHelp("The network that is untagged then; it is attached, or on the port.", valueName: "N|UUID"),
      completion: .attached)
    var native: String?
    @Flag(help: "No network is native then.") var noNative = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if native != nil, noNative { throw ValidationError("--native and --no-native exclude each other") }
      if attach.isEmpty, detach.isEmpty, native == nil, !noNative {
        throw ValidationError("nothing to change: give --attach, --detach, --native or --no-native")
      }
    }

    func run() async throws {
      let client = try global.client
      let (device, port) = try await target.find(client)
      let answer = try await client.post(
        "/ports/\(port.id)/vlan-assignments/batches", ["vlan_assignments": entries(for: port)])
      let batch: AssignmentBatch = try answer.decoded()
      guard batch.state != "failed" else {
        throw Failure(kind: .refused, messages: batch.errorMessages ?? ["the batch failed; nothing has changed"])
      }
      let after = try await client.get("/ports/\(port.id)", ["include": "virtual_networks,native_virtual_network"])
      try global.output.print(json: try answer.value()) {
        PortText.vlans(of: try after.decoded(), of: device)
      }
    }

    /// A network is in a batch once, with all that is to be so of it.
    private func entries(for port: Device.Port) -> [[String: Any]] {
      var entries: [[String: Any]] = attach.map { ["vlan": $0, "state": "assigned"] }
      entries += detach.map { ["vlan": $0, "state": "unassigned"] }
      if let native {
        if let index = attach.firstIndex(of: native) {
          entries[index]["native"] = true
        } else {
          entries.append(["vlan": native, "state": "assigned", "native": true])
        }
      }
      if noNative, let old = port.nativeVirtualNetwork {
        let names = [old.id, "\(old.vxlan)"]
        if let index = attach.firstIndex(where: { names.contains($0.lowercased()) }) {
          entries[index]["native"] = false
        } else if !detach.contains(where: { names.contains($0.lowercased()) }) {
          entries.append(["vlan": old.id, "state": "assigned", "native": false])
        }
      }
      return entries
    }
  }
}
