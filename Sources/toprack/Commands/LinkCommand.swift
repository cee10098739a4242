// `link`: what is wrong with the links between NICs and the switch, on purpose.

import ArgumentParser
import Foundation
import NIOHTTP1

struct LinkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link", abstract: "Links of NICs: loss, delay, rate, and cables that are pulled.",
    subcommands: [Set.self, Show.self])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() async throws { throw Failure.missingCommand(of: Self.self) }
}

/// `web1:eth1`; the server may be PROJECT/NAME.
struct LinkTarget: Equatable {
  let server: String
  let nic: String

  /// `nil`: there is no NIC in it.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex, text.index(after: colon) != text.endIndex
    else { return nil }
    (server, nic) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
  }

  var path: String { "/toprack/links/\(Client.segment(server))/\(Client.segment(nic))" }
}

extension LinkCommand {
  struct Set: AsyncParsableCommand {
    enum Direction: EnumerableFlag {
      case toServer, fromServer

      static func help(for value: Direction) -> ArgumentHelp? {
        value == .toServer ? "Only frames to the server." : "Only frames from the server."
      }
      var member: String { self == .toServer ? "to_server" : "from_server" }
    }

    enum Cable: EnumerableFlag {
      case down, up

      static func help(for value: Cable) -> ArgumentHelp? {
        value == .down ? "Pull the cable: the NIC has no carrier." : "Plug the cable."
      }
    }

    static let configuration = CommandConfiguration(
      abstract: "Make a link worse, or well again.",
      discussion: """
        Each value is set by itself and keeps the others; 0% or 0 takes one away. Without a direction both get it. \
        Jitter may change the order of frames, a delay alone does not; reorder without a delay holds a frame back by one \
        to three places. A rate has a queue of 50 ms; what would wait longer is dropped. Frames that are lost count as \
        impaired at the NIC.

        The same seed and the same frames give the same losses, from when the seed is set.

        Examples:
          toprack link set web1:eth0 --loss 1% --delay 20ms --jitter 5ms
          toprack link set web1:eth1 --to-server --rate 100mbit
          toprack link set web1:eth0 --loss 0%
          toprack link set web1:eth0 --down
          toprack link set web1:eth0 --clear
        """)

    @Argument(
      help: ArgumentHelp(
        "SERVER:NIC, as web1:eth0; the server by name, PROJECT/NAME or UUID.", valueName: "server:nic"),
      completion: .servers)
    var link: String
    @Flag(exclusivity: .exclusive) var direction: Direction?
    @Option(help: ArgumentHelp("Of all frames, those that are lost.", valueName: "percent")) var loss: String?
    @Option(help: ArgumentHelp("How long each frame takes.", valueName: "time")) var delay: String?
    @Option(help: ArgumentHelp("Up to so much more or less.", valueName: "time")) var jitter: String?
    @Option(help: ArgumentHelp("Frames that leave out of order.", valueName: "percent")) var reorder: String?
    @Option(help: ArgumentHelp("Frames that come twice.", valueName: "percent")) var duplicate: String?
    @Option(help: ArgumentHelp("Frames of which a byte is changed.", valueName: "percent")) var corrupt: String?
    @Option(help: ArgumentHelp("Bits a second.", valueName: "rate")) var rate: String?
    @Option(help: ArgumentHelp("How long a frame waits for the rate at most.", valueName: "time")) var queue: String?
    @Option(help: ArgumentHelp("Begin the sequence of losses that this number gives.", valueName: "number"))
    var seed: String?
    @Flag(exclusivity: .exclusive) var cable: Cable?
    @Flag(help: "Take everything away that was set; first, when more is given.") var clear = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    private var values: [String: String] {
      [
        "loss": loss, "delay": delay, "jitter": jitter, "reorder": reorder, "duplicate": duplicate, "corrupt": corrupt,
        "rate": rate, "queue": queue, "seed": seed,
      ].compactMapValues(\.self)
    }

    func validate() throws {
      guard LinkTarget(link) != nil else {
        throw ValidationError("\"\(link)\" names no NIC; valid is SERVER:NIC, as web1:eth0")
      }
      if cable != nil, direction != nil {
        throw ValidationError("--up and --down are of the whole link; leave --to-server and --from-server out")
      }
      if direction != nil, values.isEmpty, !clear {
        throw ValidationError("a direction alone sets nothing: give a value such as --loss, or --clear")
      }
      if values.isEmpty, cable == nil, !clear {
        throw ValidationError("nothing to set: give a value such as --loss or --delay, or --down, --up or --clear")
      }
    }

    func run() async throws {
      guard let target = LinkTarget(link) else { return }
      var body: [String: Any] = [:]
      if let cable { body["down"] = cable == .down }
      if clear, direction == nil { body["clear"] = true }
      var values: [String: Any] = values
      if clear, direction != nil { values["clear"] = true }
      if !values.isEmpty {
        for one in direction.map({ [$0] }) ?? Direction.allCases { body[one.member] = values }
      }
      let client = try global.client
      let answer = try await client.send(
        .PATCH, target.path, body: JSONSerialization.data(withJSONObject: body))
      // Both print what `show` does as JSON.
      let lines =
        global.output.json
        ? try await client.get("/toprack/links", ["server": target.server, "nic": target.nic]).value() : []
      try global.output.print(json: lines) {
        let link: Link = try answer.decoded()
        return LinkText.sentence(link)
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what is set of links: of a server, of one NIC, or all that are not as usual.",
      discussion: """
        A line is one direction. STATE is down where the link is set down or its switch of the facility has failed.

        Examples:
          toprack link show
          toprack link show web1
          toprack link show web1:eth0 --json
        """)

    @Argument(
      help: ArgumentHelp("SERVER or SERVER:NIC; all links that something is set of when left out.", valueName: "link"),
      completion: .servers)
    var link: String?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let target = link.flatMap(LinkTarget.init)
      let answer = try await global.client.get(
        "/toprack/links", ["server": target?.server ?? link, "nic": target?.nic])
      try global.output.print(json: try answer.value()) { LinkText.table(try answer.decoded()) }
    }
  }
}

/// Links for people.
enum LinkText {
  static func sentence(_ link: Link) -> String {
    "\(link.server) \(link.nic): \(link.text.isEmpty ? "as usual" : link.text)"
  }

  static func table(_ lines: [LinkDirectionState]) -> String {
    guard !lines.isEmpty else { return "all links are as usual" }
    var table = Table(
      "SERVER", "NIC", "DIRECTION", "STATE", "LOSS", "DELAY", "JITTER", "REORDER", "DUPLICATE", "CORRUPT", "RATE",
      "SEED")
    for line in lines {
      table.add(
        line.server, line.nic, line.direction, line.state, share(line.loss), time(line.delayMs), time(line.jitterMs),
        share(line.reorder), share(line.duplicate), share(line.corrupt), line.rateBps.map(rate) ?? "-",
        line.seed.map { "\($0)" } ?? "-")
    }
    return table.text
  }

  private static func plain(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : "\(value)"
  }

  private static func share(_ value: Double) -> String {
    value == 0 ? "-" : "\(plain((value * 1_000_000).rounded() / 10_000))%"
  }

  private static func time(_ milliseconds: Double) -> String {
    milliseconds == 0 ? "-" : "\(plain(milliseconds))ms"
  }

  private static func rate(_ bits: Int) -> String {
    let units = [("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000)]
    guard let unit = units.first(where: { bits.isMultiple(of: $0.1) }) else { return "\(bits)bit" }
    return "\(bits / unit.1)\(unit.0)"
  }
}
