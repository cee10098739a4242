import Net
import Switching
import Testing
import Wire

@testable import Gateway

@Suite("Token bucket, RFC 4443 2.4 (f)") struct TokenBucketTests {
  @Test("the burst goes at once, then the rate holds")
  func burstAndRate() {
    var bucket = TokenBucket(rate: 50, burst: 20, at: 0)
    let burst = (0..<100).count { _ in bucket.take(at: 0) }
    #expect(burst == 20)
    #expect(bucket.take(at: 19) == false)
    #expect(bucket.take(at: 20) == true)
    #expect(bucket.take(at: 20) == false)
    let second = (21...1_020).count { bucket.take(at: $0) }
    #expect(second == 50)
  }

  @Test("a rest never earns more than the burst, and a clock that stands or jumps does no harm")
  func rest() {
    var bucket = TokenBucket(rate: 1_000, burst: 5, at: 0)
    let afterRest = (0..<10).count { _ in bucket.take(at: 1_000_000) }
    #expect(afterRest == 5)
    #expect(bucket.take(at: 0) == false)
    let afterAll = (0..<10).count { _ in bucket.take(at: .max) }
    #expect(afterAll == 5)
  }

  @Test("to ask for a token takes none")
  func ask() {
    var bucket = TokenBucket(rate: 1, burst: 1, at: 0)
    for _ in 0..<3 { #expect(bucket.hasToken(at: 0) == true) }
    #expect(bucket.take(at: 0) == true)
    #expect(bucket.hasToken(at: 999) == false)
    #expect(bucket.hasToken(at: 1_000) == true)
  }
}

@Suite("Schedule") struct ScheduleTests {
  @Test("agrees with a dictionary", arguments: 0..<4)
  func model(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var schedule = Schedule()
    var model: [PortIndex: UInt64] = [:]
    for step in 0..<20_000 {
      let port = PortIndex(Int.random(in: 1...60, using: &random))
      let due = Int.random(in: 0..<4, using: &random) == 0 ? nil : UInt64.random(in: 0...1_000, using: &random)
      schedule.set(port, due: due)
      model[port] = due
      #expect(schedule.first?.due == model.values.min(), "step \(step)")
      if let first = schedule.first { #expect(model[first.port] == first.due, "step \(step)") }
    }
  }
}

@Suite("Router advertiser, RFC 4861 6.2") struct RouterAdvertiserTests {
  @Test("three at most 16 s apart, then 200 to 600 s apart, 6.2.4", arguments: 0..<10)
  func intervals(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var advertiser = RouterAdvertiser()
    advertiser.start(at: 1_000, &random)
    var times: [UInt64] = []
    while times.count < 20, let due = advertiser.deadline {
      #expect(advertiser.tick(at: due - 1, &random) == false)
      #expect(advertiser.tick(at: due, &random) == true)
      times.append(due)
    }
    let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
    #expect(times[0] <= 1_500)
    #expect(gaps.prefix(2).allSatisfy { $0 <= 16_000 && $0 >= 3_000 })
    #expect(gaps.dropFirst(2).allSatisfy { 200_000...600_000 ~= $0 })
    #expect(Set(gaps.dropFirst(2)).count > 10)
  }

  @Test("a solicitation is answered within half a second, but no two go within three seconds, 6.2.6", arguments: 0..<10)
  func solicited(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var advertiser = RouterAdvertiser()
    advertiser.start(at: 0, &random)
    for _ in 0..<3 { _ = advertiser.deadline.map { advertiser.tick(at: $0, &random) } }
    advertiser.solicited(at: 100_000, &random)
    #expect(advertiser.deadline.map { 100_000...100_500 ~= $0 } ?? false)
    var times: [UInt64] = []
    for now in stride(from: UInt64(100_000), to: 120_000, by: 50) {
      advertiser.solicited(at: now, &random)
      if advertiser.tick(at: now, &random) { times.append(now) }
    }
    #expect(times.count >= 5)
    #expect(zip(times.dropFirst(), times).allSatisfy { $0 - $1 >= 3_000 })
  }

  @Test("one that has stopped is not solicited, and a link that flaps does not make it faster")
  func stopped() {
    var random = SeededGenerator(seed: 1)
    var advertiser = RouterAdvertiser()
    advertiser.solicited(at: 0, &random)
    #expect(advertiser.deadline == nil)
    var sent = 0
    for now in stride(from: UInt64(0), to: 9_000, by: 10) {
      advertiser.start(at: now, &random)
      if advertiser.tick(at: now, &random) { sent += 1 }
      if now % 100 == 90 { advertiser.stop() }
    }
    #expect(sent <= 3)
  }
}
