// `set aging | lacp-rate | mtu`.

import ArgumentParser

struct SetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Settings that can change while the daemon runs.",
    subcommands: [Aging.self, LACPRate.self, MTU.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

extension SetCommand {
  struct Aging: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set after how many seconds a silent station is forgotten.",
      discussion: "300 in a new rack.\n\nExample: toprack set aging 60")

    @Argument(help: "Seconds, from 1.") var seconds: Int
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.put("/toprack/settings/aging", ["seconds": seconds])
      try global.output.print(json: try answer.value()) { "stations age after \(seconds) s" }
    }
  }

  struct LACPRate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "lacp-rate", abstract: "Set how often bonds ask their partners for an LACPDU.",
      discussion: """
        slow: each 30 s; a partner that is silent for 90 s is lost.
        fast: each second; a partner that is silent for 3 s is lost.

        For all bonds of the rack, at once. slow in a new rack, unless lacp-rate in the daemon's settings says fast. How \
        often the switch itself speaks is the partner's to say.

        Example: toprack set lacp-rate fast
        """)

    @Argument(help: "slow or fast.", completion: .list(["slow", "fast"])) var rate: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.put("/toprack/settings/lacp-rate", ["rate": rate])
      try global.output.print(json: try answer.value()) { "bonds ask for LACPDUs at the \(rate) rate" }
    }
  }

  struct MTU: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "mtu", abstract: "Set the MTU of a server's NICs and of its routed interface.",
      discussion: """
        1280 to 9216; a new server has 1500. The server's own operating system can set its interfaces as well (ip link set eth0 \
        mtu 9000): what they are set to decides what the server gets. A longer frame is dropped for this receiver, and counted \
        as mtu-exceeded; what is routed to it is fragmented, or its sender told. Bonds and VLAN interfaces in the server have \
        MTUs of their own, see 'toprack server network-config'.

        Example: toprack set mtu web1 9000
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Argument(help: "Bytes, 1280 to 9216.") var mtu: Int
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.put("/toprack/devices/\(Client.segment(server))/mtu", ["mtu": mtu])
      try global.output.print(json: try answer.value()) {
        let device: Device = try answer.decoded()
        return "\(device.hostname) has MTU \(device.toprack.mtu)"
      }
    }
  }
}
