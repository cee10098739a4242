import Switching
import Testing

@testable import Dataplane

private let millisecond: UInt64 = 1_000_000
private let second: UInt64 = 1_000_000_000

@Suite("Receivers that are slow") struct ReceiverWatchTests {
  private let nic = NICIndex(3)

  @Test("a flush may take what its writes and bytes explain")
  func explained() {
    // The kernel does others' work in our write for two milliseconds at most.
    #expect(!ReceiverWatch.isLong(2_900_000, writes: 1, bytes: 60))
    #expect(ReceiverWatch.isLong(3_100_000, writes: 1, bytes: 60))
    // A batch of super-frames, and a broadcast batch into 80 ports.
    #expect(!ReceiverWatch.isLong(5_000_000, writes: 64, bytes: 64 * 65_000))
    #expect(!ReceiverWatch.isLong(20_000_000, writes: 5_120, bytes: 5_120 * 60))
  }

  @Test("nothing is measured before a batch was long, and ten seconds after it no more")
  func arming() {
    var watch = ReceiverWatch(nics: 8)
    #expect(watch.isArmed == false)
    watch.arm(at: second, reading: 5)
    #expect(watch.isArmed == true)
    watch.expire(at: 10 * second)
    #expect(watch.isArmed == true)
    #expect(watch.read(12) == 7)
    #expect(watch.read(15) == 3)
    watch.expire(at: 11 * second)
    #expect(watch.isArmed == false)
  }

  @Test("a suspicion ends with 256 cheap writes, one long write among them, and not of a NIC that is in debt")
  func proof() {
    var watch = ReceiverWatch(nics: 8)
    watch.suspect(nic, at: second)
    for step in 0..<256 {
      #expect(watch.isWatched(nic) == true)
      _ = watch.charge(nic, spent: 2_000, bytes: 60, at: second)
      if step == 100 { #expect(watch.charge(nic, spent: 1_500_000, bytes: 60, at: second) == nil) }
    }
    #expect(watch.isWatched(nic) == false)

    watch.suspect(nic, at: 5 * second)
    for _ in 0..<3 { _ = watch.charge(nic, spent: 900_000, bytes: 60, at: 5 * second) }
    for _ in 0..<10_000 { _ = watch.charge(nic, spent: 2_000, bytes: 60, at: 5 * second) }
    #expect(watch.isWatched(nic) == true)
  }

  @Test("a NIC that is suspected is watched for a minute, and measuring goes on as long")
  func suspects() {
    var watch = ReceiverWatch(nics: 8)
    watch.suspect(nic, at: second)
    #expect(watch.isWatched(nic) == true)
    #expect(watch.isWatched(NICIndex(2)) == false)
    #expect(watch.isSilent(nic, at: second) == false)
    watch.expire(at: 60 * second)
    #expect(watch.isWatched(nic) == true)
    #expect(watch.isArmed == true)
    watch.expire(at: 61 * second)
    #expect(watch.isWatched(nic) == false)
    #expect(watch.isArmed == false)
  }

  @Test("what a frame usually takes is never charged")
  func cheap() {
    var watch = ReceiverWatch(nics: 8)
    for step in 0..<10_000 {
      let now = second + UInt64(step) * 20_000
      #expect(watch.charge(nic, spent: 20_000, bytes: 65_000, at: now) == nil)
      #expect(watch.isSilent(nic, at: now + 1) == false)
    }
    #expect(watch.isWatched(nic) == false)
  }

  @Test(
    "a receiver of dear frames has a third of the thread, four milliseconds at once", arguments: [300_000, 900_000])
  func share(_ cost: UInt64) {
    var watch = ReceiverWatch(nics: 8)
    var now = second
    var spent: UInt64 = 0
    var run: UInt64 = 0
    var longest: UInt64 = 0
    var told = 0
    while now < 6 * second {
      guard !watch.isSilent(nic, at: now) else {
        now += 50_000
        run = 0
        continue
      }
      now += cost
      spent += cost
      run += cost
      longest = max(longest, run)
      if watch.charge(nic, spent: cost, bytes: 60, at: now) != nil { told += 1 }
    }
    let share = Double(spent) / Double(5 * second)
    #expect(share > 0.25 && share < 0.36, "\(share)")
    // The time that a burst takes pays for a third of it already.
    #expect(longest <= 6 * millisecond + 2 * cost, "\(longest)")
    #expect(told == 1, "people are told once in ten seconds")
  }

  @Test("a second outrageous write makes it silent for fifty times as long, twice that each time, ten minutes at most")
  func outrageous() {
    var watch = ReceiverWatch(nics: 8)
    var now = second
    for offence in 0..<6 {
      now += second
      let silence = watch.charge(nic, spent: second, bytes: 60, at: now)?.silence ?? 0
      if offence == 0 {
        #expect(silence == ReceiverWatch.share * (second - ReceiverWatch.burst))
      } else {
        #expect(silence == min(50 * second << UInt64(offence - 1), ReceiverWatch.longestSilence))
      }
      #expect(watch.isSilent(nic, at: now + silence - 1) == true)
      now += max(silence, ReceiverWatch.news)
      #expect(watch.isSilent(nic, at: now) == false)
      #expect(watch.isWatched(nic) == true, "its next write is timed")
    }
    // Long good, it begins anew.
    now += ReceiverWatch.memory + second
    #expect(watch.charge(nic, spent: second, bytes: 60, at: now)?.silence ?? 0 < 3 * second)
    _ = watch.charge(nic, spent: .max / 4, bytes: 60, at: now)
    #expect(watch.isSilent(nic, at: now + ReceiverWatch.longestSilence) == false)
  }

  @Test("an interrupt that falls into a write is forgiven")
  func interrupts() {
    var watch = ReceiverWatch(nics: 8)
    for step in 1...20 {
      let now = UInt64(step) * second
      #expect(watch.charge(nic, spent: 1_900_000, bytes: 60, at: now) == nil)
      #expect(watch.isSilent(nic, at: now + 1) == false)
    }
  }

  @Test("another interface in its place owes nothing")
  func forgotten() {
    var watch = ReceiverWatch(nics: 8)
    _ = watch.charge(nic, spent: second, bytes: 60, at: second)
    watch.forget(nic)
    #expect(watch.isSilent(nic, at: second) == false)
    #expect(watch.isWatched(nic) == false)
  }
}
