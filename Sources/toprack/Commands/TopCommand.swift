// `top`: which NICs have most to do.

import ArgumentParser
import Foundation
import Rack

struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "Show the rates of all NICs, the busiest first, as they change.",
    discussion: """
      RX is what the server sends, TX what it is sent, as the switch counts it. P/S are frames a second both ways, DROPS/S \
      those that were dropped at the NIC; 'toprack port show' says why.

      q or Ctrl-C ends it. In a pipe each look is a table below the one before, and with --json a line.

      Examples:
        toprack top
        toprack top --sort drops
        toprack top --once --json | jq '.nics[0]'
      """)

  @Option(help: ArgumentHelp("By \(TopRow.Order.words).", valueName: "column")) var sort = TopRow.Order.traffic
  @Option(help: ArgumentHelp("Time between two looks: 1s, 500ms, or seconds.", valueName: "time")) var interval = "1s"
  @Option(help: ArgumentHelp("End after so many looks.", valueName: "N")) var count: Int?
  @Flag(help: "The same as --count 1.") var once = false
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  private static let intervals = 100...3_600_000

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count \(count) is not valid; valid are 1 and more") }
    if once, count != nil { throw ValidationError("--once and --count exclude each other") }
    guard let time = TimeSpan.milliseconds(interval), Self.intervals.contains(time) else {
      throw ValidationError("--interval \(interval) is no time from 100ms to 60m; \(TimeSpan.rule)")
    }
  }

  func run() async throws {
    let client = try global.client
    let pause = Duration.milliseconds(TimeSpan.milliseconds(interval) ?? 1_000)
    var last = try await client.get("/toprack/traffic").decoded(as: Traffic.self)
    let view = LiveView(interval: pause, count: once ? 1 : count, isJSON: global.json)
    // The first rates are those of a time, too.
    try await Task.sleep(for: pause)
    try await view.run { size in
      let traffic = try await client.get("/toprack/traffic").decoded(as: Traffic.self)
      let rows = TopRow.rows(from: last, to: traffic).sorted(by: sort)
      defer { last = traffic }
      if global.json { return try TopText.json(rows, traffic, since: last) }
      return TopText.text(rows, columns: size?.columns, isBold: size != nil)
    }
  }
}

/// The counters of all NICs at one moment.
struct Traffic: Decodable, Sendable {
  struct NIC: Decodable, Sendable {
    let server: String, serverId: String, project: String, facility: String, nic: String, linkUp: Bool
    let rxPackets: Int, rxBytes: Int, txPackets: Int, txBytes: Int, dropped: Int
  }

  /// Since the daemon's start.
  let uptimeUs: Int
  let nics: [NIC]
}

/// A NIC between two moments.
struct TopRow: Equatable, Sendable {
  let server: String, serverID: String, project: String, facility: String, nic: String, linkUp: Bool
  /// A second.
  var rxBits = 0.0, txBits = 0.0, rxPackets = 0.0, txPackets = 0.0, drops = 0.0

  enum Order: String, CaseIterable, ExpressibleByArgument, Sendable {
    case traffic, rx, tx, packets, drops, server

    static let words =
      allCases.dropLast().map(\.rawValue).joined(separator: ", ") + " or \(allCases.last?.rawValue ?? "")"
  }

  /// One for each NIC that there is at the end. What was counted anew in between, because the NIC or the daemon is
  /// another one, counts from 0.
  static func rows(from old: Traffic, to new: Traffic) -> [TopRow] {
    let isSame = new.uptimeUs > old.uptimeUs
    let seconds = Double(isSame ? new.uptimeUs - old.uptimeUs : max(1, new.uptimeUs)) / 1e6
    let before = Dictionary(
      (isSame ? old.nics : []).map { (Key(server: $0.serverId, nic: $0.nic), $0) }, uniquingKeysWith: { $1 })
    return new.nics.map { nic in
      let past = before[Key(server: nic.serverId, nic: nic.nic)]
      func rate(_ counter: KeyPath<Traffic.NIC, Int>) -> Double {
        let (now, then) = (nic[keyPath: counter], past?[keyPath: counter] ?? 0)
        return Double(now >= then ? now - then : now) / seconds
      }
      return TopRow(
        server: nic.server, serverID: nic.serverId, project: nic.project, facility: nic.facility, nic: nic.nic,
        linkUp: nic.linkUp, rxBits: 8 * rate(\.rxBytes), txBits: 8 * rate(\.txBytes), rxPackets: rate(\.rxPackets),
        txPackets: rate(\.txPackets), drops: rate(\.dropped))
    }
  }

  private struct Key: Hashable { let server: String, nic: String }

  fileprivate func value(of order: Order) -> Double {
    switch order {
    case .traffic: rxBits + txBits
    case .rx: rxBits
    case .tx: txBits
    case .packets: rxPackets + txPackets
    case .drops: drops
    case .server: 0
    }
  }
}

extension [TopRow] {
  /// The most first; those with as much by name.
  func sorted(by order: TopRow.Order) -> [TopRow] {
    sorted { one, other in
      let (first, second) = (one.value(of: order), other.value(of: order))
      if first != second { return first > second }
      return (one.server, one.project, one.nic) < (other.server, other.project, other.nic)
    }
  }
}
