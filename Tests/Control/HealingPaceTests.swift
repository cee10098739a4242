import Testing

@testable import Control

@Suite("The pace of healing") struct HealingPaceTests {
  @Test("at once, then after pauses that double from 1 s to 60 s, and at once again after a quiet time")
  func doubles() {
    var pace = HealingPace()
    var now: UInt64 = 5_000
    #expect(pace.wait(at: now) == 0)
    for pause: UInt64 in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
      #expect(pace.wait(at: now) == pause)
      #expect(pace.wait(at: now + pause - 1) == 1)
      now += pause
      #expect(pace.wait(at: now) == 0)
    }
    now += 60_000 + HealingPace.longest + 1
    #expect(pace.wait(at: now) == 0)
    #expect(pace.wait(at: now) == 1_000)
  }

  @Test("for those who ask it is tried once a second, beside what it is tried for by itself")
  func asked() {
    var pace = HealingPace()
    #expect(pace.mayAsk(at: 5_000) && !pace.mayAsk(at: 5_000) && !pace.mayAsk(at: 5_999))
    #expect(pace.wait(at: 5_500) == 0)
    #expect(pace.mayAsk(at: 6_000) && !pace.mayAsk(at: 6_999) && pace.mayAsk(at: 60_000))
  }

  @Test("a NIC causes ten events at once, then one in ten seconds")
  func events() {
    var pace = EventPace()
    let told = (0..<100_000).filter { pace.allows(at: UInt64($0)) }
    #expect(told.prefix(10) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(told.count == 10 + 9)
  }
}
