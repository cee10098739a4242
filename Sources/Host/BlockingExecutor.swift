import Dispatch
import Synchronization

/// Runs an actor on a dispatch queue of its own, so that its system calls, which block, hold up nobody else, and nobody
/// else's work holds up the actor: Swift's shared pool has only as many threads as the machine has cores, and an answer
/// that is being rendered keeps one.
package final class BlockingExecutor: SerialExecutor {
  private let queue: DispatchQueue

  /// A serial queue has a thread whenever it has work; one that is not serial would wait for the pool's.
  package init(label: String) { queue = DispatchQueue(label: label) }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}

/// Runs what belongs to no actor on a few threads of its own: what a change asks of the store and of the forwarding
/// plane between two steps of `Control`, which the shared pool would make wait.
///
/// ## Threads
/// Safe to share. A job gets the queue that has fewest, so that two that block are done at once.
package final class OwnThreads: TaskExecutor {
  private let queues: [DispatchQueue]
  /// Jobs that each queue has.
  private let counts: Mutex<[Int]>

  package init(label: String, count: Int) {
    queues = (0..<count).map { DispatchQueue(label: "\(label).\($0)") }
    counts = Mutex(Array(repeating: 0, count: count))
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let index = counts.withLock { counts in
      let index = counts.indices.min { counts[$0] < counts[$1] } ?? 0
      counts[index] += 1
      return index
    }
    queues[index].async {
      unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
      self.counts.withLock { $0[index] -= 1 }
    }
  }
}
