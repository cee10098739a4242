import Labs
import Net
import Rack
import Testing

@Suite("Hostile lab files") struct LabHostileTests {
  @Test("nine lines that would be a billion values cost no more than nine lines, as values and as keys")
  func laughs() {
    var text = "lab: a\nx0: &x0 [lol]\n"
    for level in 1...12 {
      text += "x\(level): &x\(level) [" + Array(repeating: "*x\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    #expect(LabReading.faults(text).contains { $0.contains("has more than 100000 values here") })
    let keys = text + "? *x12\n: 1\nnetworks: {? [*x12, *x11] : 1, ? {*x10 : *x9} : 2}\n"
    #expect(!LabReading.faults(keys).isEmpty)
    var merges = "lab: a\nx0: &x0 {k: v}\n"
    for level in 1...16 {
      merges +=
        "x\(level): &x\(level) {<<: [" + Array(repeating: "*x\(level - 1)", count: 8).joined(separator: ", ") + "]}\n"
    }
    #expect(!LabReading.faults(merges).isEmpty)
  }

  @Test("depth is bounded", arguments: ["[", "{a: ", "{", "? ", "- ", "[{a: ", "{? "])
  func depth(_ opening: String) {
    for count in [65, 300, 900, 5000, 50_000] {
      #expect(!LabReading.faults("lab: a\nnetworks: " + String(repeating: opening, count: count)).isEmpty)
      #expect(!LabReading.faults(String(repeating: opening, count: count)).isEmpty)
    }
    let closed = String(repeating: "{a: ", count: 900) + "1" + String(repeating: "}", count: 900)
    #expect(LabReading.faults("lab: a\nnetworks: \(closed)").contains { $0.contains("64 levels") })
  }

  @Test("a long word below many keys that are maps is read in bounded time")
  func nestedKeys() {
    let word = String(repeating: "ä", count: 100_000)
    let text = "lab: a\nnetworks: " + String(repeating: "{", count: 500) + word + String(repeating: "}", count: 500)
    #expect(LabReading.faults(text).contains { $0.contains("a key is a word, and this one is none") })
  }

  @Test("keys that stand twice 10 000 times")
  func duplicates() {
    let same = "lab: a\nservers:\n" + String(repeating: "  web1: {}\n", count: 10_000)
    #expect(LabReading.faults(same).count == 1)
    let pairs = "lab: a\nservers:\n" + (0..<20_000).map { "  web\($0 % 10_000): {}\n" }.joined()
    #expect(
      LabReading.faults(pairs) == [
        #"3:3: keys "web0", "web1", "web10" and 9997 more stand here more than once; a key stands once"#
      ])
  }

  @Test(
    "large texts of one kind",
    arguments: ["x", "\"", "a: ", "ä", "&a ", "*a ", "[]", "{},", "%", "- a\n", "a:\n", "\u{301}"])
  func large(_ piece: String) {
    let count = 60_000 / piece.utf8.count
    _ = LabReading.faults("lab: a\nproject: " + String(repeating: piece, count: count))
    _ = LabReading.faults(String(repeating: piece, count: count))
    #expect(!LabReading.faults(String(repeating: piece, count: (2 << 20) / piece.utf8.count)).isEmpty)
  }

  @Test("5000 servers are read, with their places")
  func servers() throws {
    let ranges = "abcde".map { "  \($0)[1-1000]: {mode: hybrid, ports: {eth1: [n]}}\n" }.joined()
    let (file, positions) = try LabReader.read("lab: a\nnetworks: {n: }\nservers:\n\(ranges)").get()
    #expect(file.servers.count == 5000)
    #expect(positions[["servers", "e1000", "mode"]]?.line == 8)
  }

  /// Pieces that mean something somewhere.
  private static let pieces = [
    ":", " ", "\n", "  ", "- ", "[", "]", "{", "}", ",", "&a ", "*a", "<<: *a", "'", "\"", "|\n", ">", "#", "!!str ",
    "? ",
    "\t", "\\", "web[1-3]", "web2", "eth1", "null", "012", "0x10", "no", "---\n", "...", "%YAML 1.2\n", "ä",
    "\u{1F469}",
    "\r\n", "\u{85}", "4095", "mode", "ports", "\0",
  ]

  @Test("a damaged example gives a file or faults with places, and never more than that", arguments: 1...8)
  func damage(_ seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    for round in 0..<150 {
      var text = Array(LabReading.example.unicodeScalars)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let start = Int.random(in: 0..<text.count, using: &random)
        let end = min(text.count, start + Int.random(in: 0...8, using: &random))
        switch Int.random(in: 0..<3, using: &random) {
        case 0: text.removeSubrange(start..<end)
        case 1:
          text.insert(
            contentsOf: Array(Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)].unicodeScalars),
            at: start)
        default: text.insert(contentsOf: text[start..<end], at: Int.random(in: 0..<text.count, using: &random))
        }
        if text.isEmpty { text = ["x"] }
      }
      let damaged = String(String.UnicodeScalarView(text))
      let lines = damaged.split(omittingEmptySubsequences: false) { $0.isNewline }.count
      switch LabReader.read(damaged, baseDirectory: "/labs") {
      case .success(let (file, _)):
        let again = LabReading.faults(LabWriter.yaml(file))
        #expect(again == [], "seed \(seed), round \(round): \(damaged)")
      case .failure(let faults):
        #expect(!faults.faults.isEmpty)
        #expect(
          faults.faults.allSatisfy { (1...lines + 1).contains($0.line) && $0.column >= 1 },
          "seed \(seed), round \(round): \(faults) in \(damaged)")
      }
    }
  }
}
