// What the API costs on a large rack: latency of changes and reads, changes of many clients at once, start and memory.
//
// A private daemon gets `--servers` servers and four times as many networks, through the API like everybody. All is measured
// from outside, over the Unix socket: from the request's first byte to the answer's last. An answer to a change comes when the change is on
// disk and every worker forwards by it. The yardstick beside it is a flush of the same disk, in the same seconds: a change
// cannot cost less than one.
//
// The daemon runs in a network namespace of its own, so that thousands of interfaces do not come to the host.

import ArgumentParser
import Foundation

@main struct APIBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "api-bench", abstract: "Measure a toprackd with a large rack from outside. Needs root.")

  @Option(help: "Servers to make; four times as many networks come with them.")
  var servers = 1000
  @Option(help: "Repetitions of each single-client case.")
  var repetitions = 500
  @Option(help: "Clients of the concurrent case.")
  var clients = 32
  @Option(help: "Seconds of the concurrent case.")
  var seconds = 5
  @Flag(help: "Exit with 1 when a figure misses its goal.")
  var check = false

  func run() async throws {
    let bench = try await Bench(servers: servers)
    defer { bench.end() }
    try await bench.fill()
    var report = Report()

    let disk = try bench.flushes(repetitions)
    report.add("flush of the disk (yardstick)", disk)
    report.add("conversion", try await bench.conversions(repetitions), median: 10, p99: 50)
    report.add("attach or detach", try await bench.attachments(repetitions), median: 10, p99: 50)
    report.add("GET of a server", try await bench.get(repetitions), median: 2)
    report.add("list of \(servers) servers", try await bench.list(20), median: 200)
    report.add("metrics of \(servers) servers", try await bench.metrics(20), median: 200)
    report.add("list of \(servers * 4) networks", try await bench.networks(20))

    let rate = try await bench.concurrent(clients: clients, seconds: seconds)
    report.add("\(clients) clients, changes a second", rate, atLeast: 500)
    report.add("the same, flushes of the disk a second, one after another", 1000 / disk.median)
    report.add("memory of the daemon, MB", try bench.residentMegabytes(), atMost: 300)
    report.add("start with all of it, NICs adopted, s", try await bench.restart(), atMost: 3)
    print(report.text)
    if check, !report.misses.isEmpty { throw ExitCode(1) }
  }
}
