import Testing

@testable import Switching

@Suite("The flood meter") struct FloodMeterTests {
  /// Readings that are not `passes`, each with its place.
  private func readings(limit: Int, floods: Int, at now: UInt32 = 7) -> [Int: FloodMeter.Reading] {
    var meter = FloodMeter(nics: 4, limit: limit)
    var found: [Int: FloodMeter.Reading] = [:]
    for place in 1...floods {
      let reading = meter.count(NICIndex(1), at: now)
      if reading != .passes { found[place] = reading }
    }
    return found
  }

  @Test("so many floods pass in a second as the limit says, and the first beyond it is told apart")
  func limit() {
    #expect(readings(limit: 3, floods: 5) == [4: .breaksLimit, 5: .isBeyond])
    #expect(readings(limit: 3_000, floods: 3_002) == [2_000: .isLoud, 3_001: .breaksLimit, 3_002: .isBeyond])
  }

  @Test("limit 0 lets everything pass, and still says who is loud")
  func unlimited() { #expect(readings(limit: 0, floods: 100_000) == [2_000: .isLoud]) }

  @Test("each second and each NIC has a count of its own")
  func seconds() {
    var meter = FloodMeter(nics: 4, limit: 1)
    let readings = [(1, 5), (1, 5), (2, 5), (1, 6)].map { meter.count(NICIndex($0), at: UInt32($1)) }
    #expect(readings == [.passes, .breaksLimit, .passes, .passes])
  }
}
