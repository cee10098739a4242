// `capture`: frames as they cross the switch, as lines or as a file.

import ArgumentParser
import Foundation
import Rack

struct CaptureCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture", abstract: "Show or save frames as they cross the switch, and why some go no further.",
    discussion: """
      Frames are taken in the switch: of all ports at once, in both directions, with their tags as on the wire. \
      Direction 'in' is from the server into the switch. Without -w each frame is a line, in tcpdump's words:

        TIME SERVER/NIC in|out|drop(REASON) ...

      With -w it is a pcapng file with an interface for each NIC; Ctrl-C leaves it whole. Of what was dropped a plain \
      capture shows what came in; --dropped says why, and shows what did not leave by a NIC.

      Examples:
        toprack capture web1:eth0 web2 --filter 'icmp or arp'
        toprack capture --dropped
        toprack capture --vxlan 1001 -w lab.pcapng --duration 30s
        ssh host toprack capture -w - | wireshark -k -i -
      """)

  @Argument(
    help: ArgumentHelp(
      "Servers by name, PROJECT/NAME or UUID; with :PORT one port of it, bond0 for both NICs. (default: all)",
      valueName: "server[:port]"),
    completion: .servers)
  var places: [String] = []
  @Option(help: ArgumentHelp("Frames of this virtual network alone: its number or UUID.", valueName: "network"))
  var vxlan: String?
  @Option(help: ArgumentHelp("Which frames, in tcpdump's language: pcap-filter(7).", valueName: "expression"))
  var filter: String?
  @Option(
    help: ArgumentHelp("in: from the server into the switch, or out. (default: both)", valueName: "in|out"),
    completion: .list(["in", "out"]))
  var direction: String?
  @Flag(help: "Say why frames were dropped, and show those that could not leave.") var dropped = false
  @Option(help: ArgumentHelp("Bytes of a frame that are kept. (default: all)", valueName: "bytes")) var snaplen: Int?
  @Option(name: [.long, .customShort("c")], help: ArgumentHelp("End after so many frames.", valueName: "N"))
  var count: Int?
  @Option(help: ArgumentHelp("End after a time: seconds, or 500ms, 10s, 2m.", valueName: "time")) var duration: String?
  @Flag(help: "Leave super-frames in one piece instead of cutting them into segments.") var whole = false
  @Flag(help: "Leave checksums and super-frames as the switch has them, half done.") var rawOffload = false
  @Option(
    name: .customShort("w"), help: ArgumentHelp("Write a pcapng file; - is standard output.", valueName: "file"),
    completion: .file())
  var file: String?
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count \(count) is not valid; valid are numbers from 1 on") }
    if let direction, !["in", "out"].contains(direction) {
      throw ValidationError("--direction \(direction) is not valid; valid are in and out")
    }
    if let duration, TimeSpan.milliseconds(duration).map({ $0 < 1 }) ?? true {
      throw ValidationError("--duration \(duration) is not valid; \(TimeSpan.rule)")
    }
    if file != nil, global.json { throw ValidationError("-w writes pcapng, and --json lines: give one of them") }
    if places.contains(where: { $0.contains(",") || $0.isEmpty }) {
      throw ValidationError("a server's name is empty or has a comma in it; give its UUID")
    }
  }

  func run() async throws {
    let client = try global.client
    let path = CaptureQuery(
      places: places, network: vxlan, filter: filter, direction: direction, isDropped: dropped, snapLength: snaplen,
      count: count, duration: duration, isWhole: whole, isRaw: rawOffload, isFile: file != nil
    ).path(client)
    guard let file else { return try await printLines(path, client) }
    let sink = try CaptureSink(file)
    let cutter = BlockCutter()
    try await CaptureSession.run {
      try await client.follow(path) { bytes in try cutter.take(bytes) { try sink.write($0) } }
    }
    if file != "-" { Failure.note("\(file): \(cutter.frames) frame\(cutter.frames == 1 ? "" : "s")") }
  }

  private func printLines(_ path: String, _ client: Client) async throws {
    let lines = LineCutter()
    let isJSON = global.json
    try await CaptureSession.run {
      try await client.follow(path) { bytes in
        try lines.take(bytes) { line in
          if isJSON { return Output.writeUnchanged(String(decoding: line, as: UTF8.self)) }
          Output.write(try CaptureText.line(line))
        }
      }
    }
  }
}

/// The question to the daemon.
struct CaptureQuery {
  var places: [String] = []
  var network: String?
  var filter: String?
  var direction: String?
  var isDropped = false
  var snapLength: Int?
  var count: Int?
  var duration: String?
  var isWhole = false
  var isRaw = false
  /// pcapng; otherwise lines of JSON.
  var isFile = true

  func path(_ client: Client) -> String {
    client.target(
      "/toprack/capture",
      [
        "server": places.isEmpty ? nil : places.joined(separator: ","), "network": network, "filter": filter,
        "direction": direction, "dropped": isDropped ? "true" : nil, "snaplen": snapLength.map(String.init),
        "count": count.map(String.init), "duration": duration, "whole": isWhole ? "true" : nil,
        "raw_offload": isRaw ? "true" : nil, "format": isFile ? nil : "json",
      ])
  }
}

/// A frame as a line, from the daemon's JSON.
enum CaptureText {
  private struct Frame: Decodable {
    let time: String?
    let server: String?
    let nic: String?
    let direction: String?
    let reason: String?
    let summary: String?
    let remark: String?
    let lost: Int?
  }

  static func line(_ json: [UInt8]) throws -> String {
    let frame = try JSONDecoder().decode(Frame.self, from: Data(json))
    if let lost = frame.lost { return "\(lost) frames found no room: the reader was too slow" }
    let what = frame.reason.map { "drop(\($0))" } ?? frame.direction ?? ""
    let remark = frame.remark.map { " [\($0)]" } ?? ""
    return "\(clock(frame.time ?? "")) \(frame.server ?? "")/\(frame.nic ?? "") \(what) \(frame.summary ?? "")\(remark)"
  }

  /// `2026-11-28T03:12:04.123456789Z` as the time of day where we are, in microseconds.
  static func clock(_ text: String, _ zone: TimeZone = .current) -> String {
    let parts = text.dropLast().split(separator: ".")
    guard parts.count == 2, let date = try? Date("\(parts[0])Z", strategy: .iso8601) else { return text }
    let seconds = (Int(date.timeIntervalSince1970) + zone.secondsFromGMT(for: date)) % 86_400
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(two(seconds / 3_600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)).\(parts[1].prefix(6))"
  }
}
