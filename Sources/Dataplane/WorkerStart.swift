import Glibc
import Ports
import Switching

/// Starts a worker's thread and waits until it runs. The ring of io_uring belongs to the thread that makes it, so the thread
/// makes everything it owns.
final class WorkerStart {
  private let configuration: Dataplane.Configuration
  private var poller: Poller?
  private let mailbox: Mailbox
  private let counters: CounterTable
  private var driver = ""
  private var ready = sem_t()

  init(configuration: Dataplane.Configuration, poller: consuming Poller, mailbox: Mailbox, counters: CounterTable) {
    self.configuration = configuration
    self.poller = consume poller
    self.mailbox = mailbox
    self.counters = counters
    unsafe sem_init(&ready, 0, 0)
  }

  deinit { unsafe sem_destroy(&ready) }

  /// The thread, and the name of its driver.
  func launch() throws(PortsFault) -> (pthread_t, String) {
    var thread = pthread_t()
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe Unmanaged<WorkerStart>.fromOpaque(argument!).takeRetainedValue().work()
        return nil
      }, argument)
    guard result == 0 else {
      unsafe Unmanaged<WorkerStart>.fromOpaque(argument).release()
      throw PortsFault(errno: result, message: "starting the forwarding thread")
    }
    while unsafe sem_wait(&ready) != 0 {}
    return (thread, driver)
  }

  private func work() {
    nameThread("toprack-fwd")
    var random = SystemRandomNumberGenerator()
    let stations = StationTable(
      limit: configuration.stationLimit, limitPerPort: configuration.stationLimitPerPort,
      aging: UInt32(clamping: configuration.agingSeconds), secret: (random.next(), random.next()))
    let driver = TAPDriver(nicLimit: configuration.limits.nics, mode: configuration.mode)
    self.driver = driver.name
    guard let poller = poller.take() else { preconditionFailure("a worker is started once") }
    var worker = Worker(
      plane: Switch(limits: configuration.limits, stations: stations), driver: driver, poller: poller,
      mailbox: mailbox, counters: counters)
    unsafe sem_post(&ready)
    worker.run()
  }
}
