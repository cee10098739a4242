import ArgumentParser
import Foundation
import Testing

@testable import toprack

@Suite("toprack top") struct TopTests {
  private func traffic(_ seconds: Int, _ counts: [(String, Int)]) -> Traffic {
    Traffic(
      uptimeUs: seconds * 1_000_000,
      nics: counts.map { name, count in
        Traffic.NIC(
          server: name, serverId: "id-\(name)", project: "default", facility: "ewr1", nic: "eth0", linkUp: true,
          rxPackets: count, rxBytes: 1000 * count, txPackets: 0, txBytes: 0, dropped: count / 10)
      })
  }

  @Test("rates are by the daemon's clock; what was counted anew counts from 0")
  func rates() throws {
    let rows = TopRow.rows(
      from: traffic(10, [("a", 100), ("b", 500), ("gone", 1)]), to: traffic(12, [("a", 300), ("b", 40), ("new", 20)]))
    #expect(rows.map(\.server) == ["a", "b", "new"])
    #expect(rows.map(\.rxPackets) == [100, 20, 10])
    #expect(rows.map(\.rxBits) == [800_000, 160_000, 80_000])
    #expect(rows.map(\.drops) == [10, 2, 1])
  }

  @Test("a daemon that was started in between begins anew")
  func restart() {
    let rows = TopRow.rows(from: traffic(100, [("a", 1000)]), to: traffic(4, [("a", 2000)]))
    #expect(rows.map(\.rxPackets) == [500])
  }

  @Test("the most is first, and what has as much is by name", arguments: TopRow.Order.allCases)
  func order(_ order: TopRow.Order) {
    let rows = TopRow.rows(
      from: traffic(0, []), to: traffic(1, [("d", 10), ("b", 10), ("a", 0), ("c", 90)])
    ).sorted(by: order)
    switch order {
    case .server, .tx: #expect(rows.map(\.server) == ["a", "b", "c", "d"])
    case .traffic, .rx, .packets, .drops: #expect(rows.map(\.server) == ["c", "b", "d", "a"])
    }
  }

  @Test(
    "numbers have three digits that count",
    arguments: [
      (0, "0"), (0.04, "0"), (0.5, "0.5"), (1, "1"), (9.94, "9.9"), (9.96, "10"), (999, "999"), (999.5, "1.00k"),
      (1234, "1.23k"), (45_600_000, "45.6M"), (99_960, "100k"), (999_400_000_000, "999G"), (1e18, "1000P"),
    ] as [(Double, String)])
  func numbers(_ value: Double, _ want: String) {
    #expect(TopText.number(value) == want)
  }

  @Test("what a terminal shows fits it, whatever its size, and keeps the NIC's name as long as it can")
  func sizes() {
    let names = ["a-very-long-hostname-of-a-server.example.com", "b"]
    let rows = TopRow.rows(from: traffic(0, []), to: traffic(1, names.map { ($0, 123_456_789) }))
    let whole = TopText.text(rows, columns: nil, isBold: false).split(separator: "\n")
    #expect(whole[1].split(separator: " ").first == "SERVER" && whole[1].contains("DROPS/S"))
    #expect(whole[2].contains(names[0]))
    for columns in 1...140 {
      let text = TopText.text(rows, columns: columns, isBold: true)
      if columns >= 14 {
        let lines = text.split(separator: "\n").dropFirst()
        #expect(lines.allSatisfy { visibleCount($0) <= columns }, "\(columns)\n\(text)")
        #expect(text.contains("eth0"))
      }
      for height in [1, 2, 3, 24] {
        let picture = Screen.picture(text, "q ends", rows: height, columns: columns)
        let lines = picture.replacing("\u{1B}[H", with: "").replacing("\u{1B}[J", with: "").split(
          separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.count <= height)
        #expect(lines.allSatisfy { visibleCount($0.replacing("\u{1B}[K", with: "")) <= columns }, "\(columns)")
      }
    }
  }

  private func visibleCount(_ line: some StringProtocol) -> Int {
    String(line).replacing(Table.bold, with: "").replacing(Table.plain, with: "").count
  }

  @Test("--watch is a flag, and --watch=SECONDS an option; what follows it is an argument")
  func watch() throws {
    #expect(
      CommandLineForms.standard(["port", "show", "--watch=5", "web1"]) == ["port", "show", "--watch-every=5", "web1"])
    #expect(CommandLineForms.standard(["port", "show", "--watch", "5"]) == ["port", "show", "--watch", "5"])
    for (words, isValid) in [
      (["--watch"], true), (["--watch-every", "500ms"], true), (["--watch-every", "10ms"], false),
      (["--watch-every", "x"], false), (["--watch-every", "61m"], false),
    ] {
      #expect(((try? WatchOption.parse(words)) != nil) == isValid, "\(words)")
    }
  }
}
