// `trace`: what the switch would do with a frame.

import ArgumentParser
import Diagnosis
import Foundation

struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Say step by step what the switch would do with a frame.",
    discussion: """
      The frame is not sent: the tables are asked that frames are forwarded by, and nothing is learned or counted. \
      It is made of the options, or given whole: as hexadecimal digits, or as a file of pcap or pcapng, each of whose \
      frames is traced. With --json one frame gives an object, several give an array.

      SERVER alone, or SERVER:bond0, stands for the member of the bond that carries.

      Examples:
        toprack trace --in web1:eth0 --dst 02:00:00:00:00:02
        toprack trace --in web1:eth1 --vlan 1001 --dst ff:ff:ff:ff:ff:ff
        toprack trace --in web1 --dst 02:00:00:00:00:02 --ip-src 10.0.0.3 --ip-dst 10.0.0.5 --proto tcp --dport 22
        toprack trace --in web1:eth0 --frame dropped.pcap
      """)

  @Option(name: .customLong("in"), help: ArgumentHelp("Where the frame comes in.", valueName: "server:port"))
  var place: String
  @Option(help: ArgumentHelp("Tag it with this VLAN; 0 is a priority tag. (default: untagged)", valueName: "n"))
  var vlan: Int?
  @Option(help: ArgumentHelp("MAC address that it is for.", valueName: "mac")) var dst: String?
  @Option(help: ArgumentHelp("MAC address that it is from. (default: the NIC's own)", valueName: "mac"))
  var src: String?
  @Option(help: ArgumentHelp("IP address that its packet is from.", valueName: "address")) var ipSrc: String?
  @Option(help: ArgumentHelp("IP address that its packet is for.", valueName: "address")) var ipDst: String?
  @Option(help: ArgumentHelp("icmp, tcp, udp or a number. (default: icmp, with ports udp)", valueName: "protocol"))
  var proto: String?
  @Option(help: ArgumentHelp("Port that it is from.", valueName: "n")) var sport: Int?
  @Option(help: ArgumentHelp("Port that it is for.", valueName: "n")) var dport: Int?
  @Option(
    help: ArgumentHelp("The whole frame as hexadecimal digits, or a file of pcap or pcapng.", valueName: "hex|file"),
    completion: .file())
  var frame: String?
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func validate() throws {
    let fields: [(String, Bool)] = [
      ("--dst", dst != nil), ("--src", src != nil), ("--vlan", vlan != nil), ("--ip-src", ipSrc != nil),
      ("--ip-dst", ipDst != nil), ("--proto", proto != nil), ("--sport", sport != nil), ("--dport", dport != nil),
    ]
    if frame != nil, let field = fields.first(where: \.1) {
      throw ValidationError("--frame is the whole frame, and \(field.0) is not for it")
    }
    if frame == nil, dst == nil { throw ValidationError("give the frame: --dst MAC with other options, or --frame") }
    if (ipSrc == nil) != (ipDst == nil) { throw ValidationError("--ip-src and --ip-dst are given both or not at all") }
  }

  func run() async throws {
    let client = try global.client
    guard let frame else {
      let answer = try await client.post("/toprack/trace", fields)
      return try global.output.print(json: try answer.value()) { TraceText.lines(try answer.decoded()) }
    }
    let frames = try Self.frames(frame)
    var answers: [Answer] = []
    for hex in frames { answers.append(try await client.post("/toprack/trace", ["in": place, "frame": hex])) }
    let values = try answers.map { try $0.value() }
    try global.output.print(json: values.count == 1 ? values[0] : values) {
      let traces: [FrameTrace] = try answers.map { try $0.decoded() }
      if traces.count == 1 { return TraceText.lines(traces[0]) }
      return traces.enumerated().map { "frame \($0 + 1)\n\(TraceText.lines($1))" }.joined(separator: "\n\n")
    }
  }

  private var fields: [String: Any] {
    let all: [String: Any?] = [
      "in": place, "vlan": vlan, "dst": dst, "src": src, "ip_src": ipSrc, "ip_dst": ipDst, "proto": proto,
      "sport": sport, "dport": dport,
    ]
    return all.compactMapValues(\.self)
  }

  /// In hexadecimal digits.
  private static func frames(_ text: String) throws -> [String] {
    let isHex = !text.isEmpty && text.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == " " }
    guard FileManager.default.fileExists(atPath: text) else {
      if isHex { return [text] }
      throw Failure.usage("--frame \(text) is no file, and no frame in hexadecimal digits")
    }
    guard let data = FileManager.default.contents(atPath: text) else {
      throw Failure.refused("\(text) cannot be read")
    }
    let bytes = Array(data)
    guard FrameFile.isOne(bytes) else {
      if isHex { return [text] }
      throw Failure.refused("\(text) is neither pcap nor pcapng")
    }
    do throws(FrameFile.Fault) {
      let frames = try FrameFile.frames(in: bytes)
      if frames.isEmpty { throw FrameFile.Fault.none }
      return frames.map { $0.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined() }
    } catch {
      throw Failure.refused("\(text): \(error)")
    }
  }
}

/// A trace as the API tells it.
struct FrameTrace: Decodable {
  struct Step: Decodable { var step: String, text: String }
  struct Egress: Decodable { var server: String?, port: String?, nic: String?, tag: Int? }
  var verdict: String
  var reason: String?
  var steps: [Step]
  var egress: [Egress]
  var advice: String?
}

enum TraceText {
  /// A line a step, the verdict, and what to change.
  static func lines(_ trace: FrameTrace) -> String {
    let width = trace.steps.map(\.step.count).max() ?? 0
    var lines = trace.steps.map { step in
      step.step + String(repeating: " ", count: width - step.step.count) + "  " + step.text
    }
    let reason = trace.reason.map { " (\($0))" } ?? ""
    lines.append("\(trace.verdict)\(reason)")
    if let advice = trace.advice { lines.append(advice) }
    return lines.joined(separator: "\n")
  }
}
