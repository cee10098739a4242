import Net
import Switching
import Wire

/// One measured case.
struct Case: Sendable {
  let name: String
  /// Nanoseconds a frame.
  let run: @Sendable () -> Double

  static let dictionaryName = "yardstick: Swift dictionary, 100 000 stations"

  static let all: [Case] = [
    Case(name: "unicast hit, 10 stations") { unicast(stations: 10, tagged: false) },
    Case(name: "unicast hit, 100 000 stations") { unicast(stations: 100_000, tagged: false) },
    Case(name: "unicast hit, tag pushed, 100 000 stations") { unicast(stations: 100_000, tagged: true) },
    Case(name: "unicast hit, tag popped, 100 000 stations") { unicastPopped(stations: 100_000) },
    Case(name: "learn: every frame a new station") { learn() },
    Case(name: "flood to 8 ports, a frame") { flood() },
    Case(name: "tag push and pop") { pushPop() },
    Case(name: "routed, 10 servers") { RoutedBench(servers: 10).measure() },
    Case(name: "routed, 4 000 servers") { RoutedBench(servers: 4_000).measure() },
    Case(name: dictionaryName) { dictionary(stations: 100_000) },
  ]

  // MARK: Cases

  private static func unicast(stations: Int, tagged: Bool) -> Double {
    var bench = Bench(stations: stations, egressTagged: tagged, ingressTagged: false)
    return bench.measure()
  }

  private static func unicastPopped(stations: Int) -> Double {
    var bench = Bench(stations: stations, egressTagged: false, ingressTagged: true)
    return bench.measure()
  }

  private static func learn() -> Double {
    var bench = Bench(stations: 10, egressTagged: false, ingressTagged: false)
    return bench.measureLearning()
  }

  private static func flood() -> Double {
    var bench = Bench(stations: 10, egressTagged: false, ingressTagged: false, ports: 9)
    return bench.measureFlood()
  }

  private static func pushPop() -> Double {
    let bench = Bench(stations: 10, egressTagged: false, ingressTagged: false)
    return bench.measurePushPop()
  }

  private static func dictionary(stations: Int) -> Double {
    var table: [UInt64: UInt16] = [:]
    for number in 0..<stations { table[Bench.address(number)] = 2 }
    var random = SeededGenerator(seed: 7)
    let keys = (0..<Bench.frames).map { _ in Bench.address(Int(random.next() % UInt64(stations))) }
    var sum = 0
    let time = Bench.time { for key in keys { sum &+= Int(table[key] ?? 0) } }
    precondition(sum > 0)
    return time
  }
}
