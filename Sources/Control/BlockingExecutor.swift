import Dispatch

/// Runs an actor on a dispatch queue of its own, so that its system calls, which block, hold up nobody else: Swift's
/// shared pool has only as many threads as the machine has cores.
final class BlockingExecutor: SerialExecutor {
  private let queue: DispatchQueue

  init(label: String) { queue = DispatchQueue(label: label) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
