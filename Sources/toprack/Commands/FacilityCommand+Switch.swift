// `facility fail` and `heal`: one of the two top-of-rack switches of a facility dies, and works again.

import ArgumentParser

extension FacilityCommand {
  /// eth0 of each server is on `a`, eth1 on `b`.
  enum RackSwitchName: String, ExpressibleByArgument, CaseIterable { case a, b }

  struct Fail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "One of the two switches of a facility fails.",
      discussion: """
        All eth0 of the facility (switch a), or all eth1 (switch b), lose their carrier, as when a top-of-rack switch \
        dies; so do those of servers that are made meanwhile. Below is what each bond made of it, and after how many \
        milliseconds. Links that are set down by themselves are another matter: 'toprack link set'.

        Example: toprack facility fail ewr1 --switch a
        """)

    @Argument(help: "Code or UUID.", completion: .facilities) var facility: String
    @Option(name: .customLong("switch"), help: "a, with all eth0, or b, with all eth1.") var rackSwitch: RackSwitchName
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await FacilityCommand.change(facility, "fail", rackSwitch, global)
    }
  }

  struct Heal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Switches of a facility that have failed work again.",
      discussion: """
        All of them, or the one that is given.

        Examples:
          toprack facility heal ewr1
          toprack facility heal ewr1 --switch a
        """)

    @Argument(help: "Code or UUID.", completion: .facilities) var facility: String
    @Option(name: .customLong("switch"), help: "a, with all eth0, or b, with all eth1; both when left out.")
    var rackSwitch: RackSwitchName?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await FacilityCommand.change(facility, "heal", rackSwitch, global)
    }
  }

  private static func change(
    _ facility: String, _ operation: String, _ rackSwitch: RackSwitchName?, _ global: GlobalOptions
  ) async throws {
    var body: [String: Any] = [:]
    if let rackSwitch { body["switch"] = rackSwitch.rawValue }
    let answer = try await global.client.post("/toprack/facilities/\(Client.segment(facility))/\(operation)", body)
    try global.output.print(json: try answer.value()) { text(try answer.decoded()) }
  }

  static func text(_ change: SwitchChange) -> String {
    let failed = change.switches.filter(\.failed)
    let state =
      failed.isEmpty
      ? "both switches work"
      : failed.map { "switch \($0.name) has failed, with \($0.nic) of each server" }.joined(separator: "; ")
    let count = "\(change.servers) server\(change.servers == 1 ? "" : "s")"
    let first = "\(change.code), \(count): \(state)" + (change.changed ? "" : "; it was so already")
    return ([first] + change.bonds.map(\.text)).joined(separator: "\n")
  }
}
