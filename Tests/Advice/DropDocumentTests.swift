import Foundation
import Switching
import Testing

@Suite("docs/drops.md") struct DropDocumentTests {
  @Test("names each reason once, in the order of its tables, and no other")
  func reasons() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/drops.md")
    let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").compactMap { line in
      line.firstMatch(of: /^\| `([a-z-]+)` \| (in|out|in, out) \| [^|]+ \| [^|]+ \|$/).map { String($0.output.1) }
    }
    #expect(rows.sorted() == DropReason.allCases.map(\.name).sorted())
  }
}
