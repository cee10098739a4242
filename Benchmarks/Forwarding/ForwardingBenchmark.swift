// forwarding-bench: the forwarding core on frames in memory, without input and output.
//
//     forwarding-bench [--json] [WORDS]  the cases with WORDS in their names; all
//     forwarding-bench --allocations     counts heap allocations of the assembled loop instead; exit status 1 if there
//                                        are any but letters to the loop guard
//
// Each case decodes, decides and edits frames as a worker does, for half a second, five times in turn with the others; the
// median is printed. The last column is the ratio to a yardstick that runs in the same turns, a lookup in a Swift dictionary
// of the same stations, because absolute times drift on a shared machine.

import Glibc

/// No state at top level: a loop over globals is four times slower.
@main struct ForwardingBenchmark {
  static func main() async throws {
    if CommandLine.arguments.contains("--allocations") { return try await allocations() }
    let isJSON = CommandLine.arguments.contains("--json")
    let words = CommandLine.arguments.dropFirst().filter { $0 != "--json" }.joined(separator: " ")
    let cases = Case.all.filter { words.isEmpty || $0.name.contains(words) || $0.name == Case.dictionaryName }
    var times: [String: [Double]] = [:]
    for _ in 0..<5 {
      for test in cases { times[test.name, default: []].append(test.run()) }
    }
    let yardstick = median(times[Case.dictionaryName] ?? [])
    var lines: [String] = []
    for test in cases {
      let nanoseconds = median(times[test.name] ?? [])
      let rate = 1e3 / nanoseconds
      if isJSON {
        lines.append(
          "{\"case\":\"\(test.name)\",\"ns_per_frame\":\(round2(nanoseconds)),\"million_frames_per_s\":\(round2(rate)),"
            + "\"ratio_to_dictionary\":\(round2(nanoseconds / yardstick))}")
      } else {
        let name = test.name + String(repeating: " ", count: max(0, 44 - test.name.count))
        lines.append("\(name) \(pad(nanoseconds)) \(pad(rate)) \(pad(nanoseconds / yardstick))")
      }
    }
    if isJSON {
      print("[" + lines.joined(separator: ",\n") + "]")
    } else {
      print("case" + String(repeating: " ", count: 41) + "  ns/frame   Mframe/s  ×dictionary")
      for line in lines { print(line) }
    }
  }

  /// Prints the allocations of each kind of frame and fails when there are any but for letters.
  static func allocations() async throws {
    var total: UInt64 = 0
    for (name, count) in try await Allocations.measure() {
      print("\(count) allocations in \(Allocations.frames) frames: \(name)")
      total += count
    }
    guard total <= Allocations.letters else { exit(1) }
  }

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
  static func round2(_ value: Double) -> Double { (value * 100).rounded() / 100 }
  static func pad(_ value: Double) -> String {
    let text = "\(round2(value))"
    return String(repeating: " ", count: max(0, 10 - text.count)) + text
  }
}
