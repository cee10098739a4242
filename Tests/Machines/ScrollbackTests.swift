import Net
import Testing

@testable import Machines

@Suite("Scrollback") struct ScrollbackTests {
  @Test("keeps the last bytes, whatever pieces they come in", arguments: [1, 2, 7, 64])
  func keepsTheLast(_ limit: Int) {
    var random = SeededGenerator(seed: UInt64(limit))
    var scrollback = Scrollback(limit: limit)
    var all: [UInt8] = []
    for _ in 0..<2_000 {
      let piece = (0..<Int.random(in: 0...3 * limit, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      all += piece
      scrollback.append(piece)
      #expect(scrollback.bytes == Array(all.suffix(limit)))
      #expect(scrollback.count == min(limit, all.count))
      all = Array(all.suffix(limit))
    }
  }

  @Test("64 KiB are kept, and the byte before them is not")
  func standard() {
    var scrollback = Scrollback()
    scrollback.append([0xFF])
    scrollback.append([UInt8](repeating: 1, count: 65_536))
    #expect(scrollback.bytes == [UInt8](repeating: 1, count: 65_536))
  }
}
