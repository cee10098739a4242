import Glibc
import Ports

/// A thread that runs one body from its start to its end, and says when it is ready.
///
/// The body makes everything that it owns: the ring of io_uring belongs to the thread that made it.
final class ForwardingThread {
  private let name: String
  private let body: (_ ready: () -> Void) -> Void
  private var ready = sem_t()

  /// `body` calls `ready` once, and returns when the thread is to end.
  init(_ name: String, _ body: @escaping (_ ready: () -> Void) -> Void) {
    self.name = name
    self.body = body
    unsafe sem_init(&ready, 0, 0)
  }

  deinit { unsafe sem_destroy(&ready) }

  /// Starts the thread and waits until it is ready.
  func launch() throws(PortsFault) -> pthread_t {
    var thread = pthread_t()
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe Unmanaged<ForwardingThread>.fromOpaque(argument!).takeRetainedValue().work()
        return nil
      }, argument)
    guard result == 0 else {
      unsafe Unmanaged<ForwardingThread>.fromOpaque(argument).release()
      throw PortsFault(errno: result, message: "starting thread \(name)")
    }
    while unsafe sem_wait(&ready) != 0 {}
    return thread
  }

  private func work() {
    nameThread(name)
    body { unsafe sem_post(&ready) }
  }
}

/// Hands a value that cannot be copied to a thread, once.
final class Handover<Value: ~Copyable> {
  private(set) var value: Value?
  init(_ value: consuming Value) { self.value = consume value }

  func take() -> Value {
    guard let value = value.take() else { preconditionFailure("handed over twice") }
    return value
  }
}
