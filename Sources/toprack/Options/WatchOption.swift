// `--watch`: what a command shows, again and again.

import ArgumentParser
import Rack

struct WatchOption: ParsableArguments {
  @Flag(help: "Show it again every 2 s until it is ended; --watch=SECONDS: that often.") var watch = false
  @Option(name: .customLong(CommandLineForms.watchEvery), help: .hidden) var every: String?

  private static let standard = 2_000
  private static let valid = 100...3_600_000

  func validate() throws {
    guard let every else { return }
    guard let time = TimeSpan.milliseconds(every), Self.valid.contains(time) else {
      throw ValidationError("--watch=\(every) is no time from 100ms to 60m; \(TimeSpan.rule)")
    }
  }

  /// `look` gives what is printed; it is told whether JSON has to be one line.
  func run(_ global: GlobalOptions, _ look: (_ asLine: Bool) async throws -> String) async throws {
    guard watch || every != nil else {
      let text = try await look(false)
      return global.json ? Output.writeUnchanged(text) : Output.write(text)
    }
    let interval = every.flatMap(TimeSpan.milliseconds) ?? Self.standard
    let view = LiveView(interval: .milliseconds(interval), count: nil, isJSON: global.json)
    try await view.run { _ in try await look(true) }
  }
}
