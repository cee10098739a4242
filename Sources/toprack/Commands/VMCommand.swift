// `vm`: virtual machines on servers' NICs. `run` and `attach` have files of their own.

import ArgumentParser
import NIOCore

struct VMCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vm", abstract: "Virtual machines on a server's NICs: run one, or join your own.",
    discussion: """
      Examples:
        toprack vm run web1 --disk debian.qcow2 --cloud-init
        toprack vm status web1
        toprack vm stop web1
        toprack vm attach web2
      """,
    subcommands: [Run.self, Stop.self, Status.self, List.self, Attach.self, Detach.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension VMCommand {
  /// Of the machine on the server that is named.
  static func path(_ server: String, _ what: String = "vm") -> String {
    "/toprack/devices/\(Client.segment(server))/\(what)"
  }

  struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Stop a server's machine.",
      discussion: """
        The machine's power button is pressed; one that does not switch itself off in time is switched off. --force \
        does not ask. The server stays as it is.

        Examples:
          toprack vm stop web1
          toprack vm stop web1 --force
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .machines) var server: String
    @Flag(help: "Switch it off at once, as pulling the plug does.") var force = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client(timeout: .minutes(5))
        .delete(VMCommand.path(server), ["force": force ? "true" : nil])
      try global.output.print(json: try answer.value()) { VMText.line(try answer.decoded()) }
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a server's machine: its state, and what its NICs have been heard to say.",
      discussion: """
        state     starting, running, stopping, stopped, failed; attached: somebody else runs it
        HOW       forward: netfilter moves frames between the NIC and the TAP; macvtap: on the NIC itself
        HEARD     MAC addresses that the switch has heard from the machine
        LACP      whether the machine's bond has been heard

        What is missing is said below the table, with what to do.

        Examples:
          toprack vm status web1
          toprack vm status web1 --json | jq -r .state
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .machines) var server: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get(VMCommand.path(server))
      try global.output.print(json: try answer.value()) { VMText.facts(try answer.decoded()) }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List virtual machines.", discussion: "Example: toprack vm list", aliases: ["ls"])

    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/vms")
      try global.output.print(json: try answer.value("vms")) {
        VMText.table(try answer.decoded(as: VMList.self).vms)
      }
    }
  }

  struct Detach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take away what 'vm attach' has made.",
      discussion: """
        TAPs that Toprack made go; those that were there before stay.

        Example: toprack vm detach web1
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .machines) var server: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await global.client.delete(VMCommand.path(server, "attachment"))
      try global.output.print(json: ["detached": server]) { "\(server): nothing is attached any more" }
    }
  }
}
