import Net
import Switching
import Testing

@testable import Dataplane

/// NICs that have frames all the time or now and then, each with what a frame of its costs, and a clock that goes on by
/// what is read.
private struct VirtualWorker: ~Copyable {
  var budget: TurnBudget
  var now: UInt64 = 1_000_000_000
  /// Nanoseconds that a frame takes.
  var costs: [Int: UInt64] = [:]
  var spent: [Int: UInt64] = [:]
  /// NICs that have frames without end.
  var flooders: Set<Int> = []
  /// When the frame that waits came, of NICs that have one.
  var waiting: [Int: UInt64] = [:]
  /// How long those frames have waited.
  var waits: [UInt64] = []
  var dice: SeededGenerator

  init(seed: UInt64) {
    budget = TurnBudget(nics: 256)
    dice = SeededGenerator(seed: seed)
  }

  mutating func turn(arriving: (UInt64) -> [Int] = { _ in [] }) {
    for nic in arriving(now) where waiting[nic] == nil { waiting[nic] = now }
    var ready = Array(flooders) + waiting.keys
    ready.shuffle(using: &dice)
    guard !ready.isEmpty else {
      now += 50_000
      return
    }
    budget.begin(at: now)
    for nic in ready.prefix(TurnBudget.readyLimit) { budget.note(NICIndex(nic)) }
    var served = 0
    while let nic = budget.next() {
      served += 1
      let frames = waiting[nic.value] == nil ? budget.frames(of: nic) : 1
      precondition((1...TurnBudget.batchLimit).contains(frames))
      let cost = costs[nic.value, default: 1_000] * UInt64(frames)
      now += cost
      spent[nic.value, default: 0] += cost
      if let came = waiting.removeValue(forKey: nic.value) { waits.append(now - came) }
      // Copies make it dear, or bytes: what explains it.
      budget.charge(nic, frames: frames, writes: Int(cost / TurnBudget.perWrite) + 1, at: now)
    }
    #expect(served > 0, "a turn serves somebody")
  }
}

@Suite("Shares of a worker's time") struct TurnBudgetTests {
  @Test(
    "whoever floods, and however dear: who sends now and then waits a turn and a batch", arguments: [UInt64(1), 2, 3])
  func sparse(seed: UInt64) {
    var worker = VirtualWorker(seed: seed)
    // Unicast, a broadcast into 80 ports, a receiver with thousands of rules, super-frames to many.
    for (nic, cost) in [1: 1_200, 2: 100_000, 3: 110_000, 4: 300_000] as [Int: UInt64] {
      worker.flooders.insert(nic)
      worker.costs[nic] = cost
    }
    for _ in 0..<50 { worker.turn() }
    var next: UInt64 = 0
    for _ in 0..<20_000 {
      worker.turn { now in
        guard now >= next else { return [] }
        next = now + 700_000
        return [100 + Int(now / 1_000 % 20)]
      }
    }
    #expect(worker.waits.count > 1_000)
    #expect(worker.waits.max()! <= TurnBudget.turn + 2 * 300_000, "seed \(seed): \(worker.waits.max()!) ns")
  }

  @Test(
    "floods whose batches fill a slice have equal shares of the time", arguments: [UInt64(1), 2, 3])
  func shares(seed: UInt64) {
    var worker = VirtualWorker(seed: seed)
    for (nic, cost) in [1: 3_200, 2: 5_000, 3: 20_000, 4: 90_000, 5: 180_000] as [Int: UInt64] {
      worker.flooders.insert(nic)
      worker.costs[nic] = cost
    }
    for _ in 0..<20_000 { worker.turn() }
    let sum = worker.spent.values.reduce(0, +)
    for (nic, spent) in worker.spent {
      let share = Double(spent) / Double(sum) * 5
      #expect(abs(share - 1) < 0.05, "seed \(seed), NIC \(nic): \(share)")
    }
  }

  @Test("200 that flood at once all have their turn")
  func many() {
    var worker = VirtualWorker(seed: 7)
    worker.flooders = Set(0..<200)
    for nic in 0..<200 { worker.costs[nic] = nic % 2 == 0 ? 1_000 : 100_000 }
    for _ in 0..<20_000 { worker.turn() }
    #expect(worker.spent.count == 200)
    let mean = worker.spent.values.reduce(0, +) / 200
    #expect(worker.spent.values.allSatisfy { $0 > mean / 2 })
  }

  @Test("a batch is what fits in a slice by what a frame cost lately; dear at once, cheap slowly, late once is nothing")
  func batches() {
    var budget = TurnBudget(nics: 4)
    let nic = NICIndex(1)
    var now: UInt64 = 5
    func serve(_ budget: inout TurnBudget, frames: Int, each: UInt64, isExplained: Bool = true) {
      budget.begin(at: now)
      budget.note(nic)
      #expect(budget.next() == nic)
      now += UInt64(frames) * each
      let writes = isExplained ? frames * Int(min(each, 1_000_000_000) / TurnBudget.perWrite + 1) : frames
      budget.charge(nic, frames: frames, writes: writes, at: now)
      #expect(budget.next() == nil)
    }
    #expect(budget.frames(of: nic) == 64)
    serve(&budget, frames: 64, each: 1_000)
    #expect(budget.frames(of: nic) == 64)
    serve(&budget, frames: 64, each: 100_000)
    #expect(budget.frames(of: nic) == 2)
    serve(&budget, frames: 1, each: 3_000_000)
    #expect(budget.frames(of: nic) == 1)
    serve(&budget, frames: 1, each: 9_000_000_000)
    serve(&budget, frames: 0, each: 0)
    var batches = 0
    while budget.frames(of: nic) < 64, batches < 200 {
      serve(&budget, frames: budget.frames(of: nic), each: 1_000)
      batches += 1
    }
    #expect((20...100).contains(batches), "\(batches)")
    budget.forget(nic)
    #expect(budget.frames(of: nic) == 64)

    // The core was taken away: no frame costs that. What takes as long again costs it, copies or not.
    serve(&budget, frames: 10, each: 100_000, isExplained: false)
    #expect(budget.frames(of: nic) == 64)
    serve(&budget, frames: 10, each: 100_000, isExplained: false)
    #expect(budget.frames(of: nic) == 2)
  }

  @Test("an idle NIC has saved nothing up: when it begins to flood it is ahead by a first batch and a turn at most")
  func nothingSaved() {
    var worker = VirtualWorker(seed: 3)
    worker.flooders = [1]
    worker.costs = [1: 50_000, 2: 50_000]
    for _ in 0..<10_000 { worker.turn() }
    worker.flooders.insert(2)
    worker.spent = [:]
    for _ in 0..<20 { worker.turn() }
    let (old, new) = (Double(worker.spent[1]!), Double(worker.spent[2]!))
    // Nobody knows yet what a frame of it costs.
    #expect(new < old + 64 * 50_000 + Double(TurnBudget.turn))
  }
}
