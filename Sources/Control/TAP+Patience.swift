import Glibc
import Ports

extension TAP {
  /// Opens an interface that a process before us may hold for a moment yet: the kernel lets go of what io_uring held a
  /// little after the process is gone. Throws EBUSY when somebody still holds it at the deadline.
  static func open(
    _ device: String, in namespace: String?, carrier: Bool = true, until deadline: ContinuousClock.Instant,
    isolation: isolated (any Actor)? = #isolation
  ) async throws -> TAP {
    while true {
      do {
        return try TAP.open(device, in: namespace, carrier: carrier)
      } catch {
        guard error.errno == EBUSY, ContinuousClock.now < deadline else { throw error }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
  }
}
