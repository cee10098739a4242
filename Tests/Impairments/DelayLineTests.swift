import Impairments
import Net
import Testing

@Suite("The delay line") struct DelayLineTests {
  @Test("is the same as a sorted list, whatever comes and goes", arguments: UInt64(1)...20)
  func model(seed: UInt64) {
    var dice = SeededGenerator(seed: seed)
    var line = DelayLine(capacity: 100, bytes: 5_000)
    var model: [(release: UInt64, order: Int, frame: Int32, owner: Int32, bytes: Int)] = []
    for step in 0..<5_000 {
      switch Int.random(in: 0..<10, using: &dice) {
      case 0..<6:
        let (release, bytes) = (UInt64.random(in: 0..<50, using: &dice), Int.random(in: 1..<200, using: &dice))
        let owner = Int32.random(in: 0..<3, using: &dice)
        let fits = model.count < 100 && model.reduce(bytes) { $0 + $1.bytes } <= 5_000
        #expect(line.put(Int32(step), of: owner, bytes: bytes, release: release) == fits)
        if fits { model.append((release, step, Int32(step), owner, bytes)) }
        model.sort { ($0.release, $0.order) < ($1.release, $1.order) }
      case 6..<9:
        let now = UInt64.random(in: 0..<60, using: &dice)
        let wanted = model.first.flatMap { $0.release <= now ? $0.frame : nil }
        let taken = line.take(at: now)?.frame
        #expect(taken == wanted)
        if wanted != nil { model.removeFirst() }
      default:
        let owner = Int32.random(in: 0..<3, using: &dice)
        let isThere = model.contains { $0.owner == owner }
        let taken = line.take(of: owner)?.frame
        #expect((taken != nil) == isThere)
        model.removeAll { $0.frame == taken }
      }
      let (count, bytes, deadline) = (line.count, line.bytes, line.deadline)
      #expect(count == model.count && bytes == model.reduce(0) { $0 + $1.bytes })
      #expect(deadline == model.first?.release)
    }
  }

  @Test("frames of one time leave in the order in which they came")
  func ties() {
    var line = DelayLine(capacity: 1_000, bytes: .max)
    for frame in 0..<1_000 {
      let isIn = line.put(Int32(frame), bytes: 1, release: 5)
      #expect(isIn)
    }
    var taken: [Int32] = []
    while let entry = line.take(at: 5) { taken.append(entry.frame) }
    #expect(taken == Array(0..<1_000))
  }
}
