// `server power | reboot`.

import ArgumentParser

extension ServerCommand {
  struct Power: AsyncParsableCommand {
    enum Wanted: String, ExpressibleByArgument, CaseIterable { case on, off }

    static let configuration = CommandConfiguration(
      abstract: "Switch a server on or off.",
      discussion: """
        A server that is off has no carrier on its NICs: its operating system sees the links go down, and so does the switch. \
        Modes, VLANs and addresses stay.

        Example: toprack server power web1 off
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Argument(help: "on or off.") var power: Wanted
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await ServerCommand.act("power_\(power)", on: server, global) { "\($0.hostname) is \(power)" }
    }
  }

  struct Reboot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a server's links down and up again, as a reboot does.",
      discussion: "Example: toprack server reboot web1")

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await ServerCommand.act("reboot", on: server, global) { "\($0.hostname) rebooted" }
    }
  }

  /// Posts an action, whose answer is empty, and prints the server as it is then.
  private static func act(
    _ type: String, on server: String, _ global: GlobalOptions, text: (Device) -> String
  ) async throws {
    let client = try global.client
    let device = try await client.device(server)
    _ = try await client.post("/devices/\(device.id)/actions", ["type": type])
    let answer = try await client.get("/devices/\(device.id)")
    try global.output.print(json: try answer.value()) { try text(answer.decoded()) }
  }
}
