import ArgumentParser

struct SetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Settings that can change while the daemon runs.",
    subcommands: [Aging.self, MTU.self])

  @OptionGroup var global: GlobalOptions

  func run() async throws { throw ValidationError("give a command of 'toprack set': aging or mtu") }
}

extension SetCommand {
  struct Aging: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set after how many seconds a silent station is forgotten.",
      discussion: "300 in a new rack.\n\nExample: toprack set aging 60")

    @Argument(help: "Seconds, from 1.") var seconds: Int
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.put("/toprack/settings/aging", ["seconds": seconds])
      try global.output.print(json: try answer.value()) { "stations age after \(seconds) s" }
    }
  }

  struct MTU: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "mtu", abstract: "Set the MTU of a server's NICs.",
      discussion: """
        The switch drops what is longer, and counts it as mtu-exceeded.

        Example: toprack set mtu web1 1500
        """)

    @Argument(help: "Name or UUID.") var server: String
    @Argument(help: "Bytes.") var mtu: Int
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.put("/toprack/devices/\(Client.segment(server))/mtu", ["mtu": mtu])
      try global.output.print(json: try answer.value()) {
        let device: Device = try answer.decoded()
        return "\(device.hostname) has MTU \(device.toprack.mtu)"
      }
    }
  }
}
