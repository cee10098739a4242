import Glibc
package import Ports

extension TAP {
  /// Opens an interface that a process before us may hold for a moment yet: the kernel lets go of what io_uring held a
  /// little after the process is gone. Throws EBUSY when somebody still holds it at the deadline.
  package static func open(
    _ device: String, in namespace: String?, carrier: Bool = true, until deadline: ContinuousClock.Instant,
    isolation: isolated (any Actor)? = #isolation
  ) async throws -> TAP {
    try await open(
      device, in: NetworkNamespaces.handle(of: namespace), named: namespace, carrier: carrier, until: deadline)
  }

  /// The same inside `space`, which faults call `namespace`.
  package static func open(
    _ device: String, in space: NamespaceHandle, named namespace: String?, carrier: Bool = true,
    until deadline: ContinuousClock.Instant, isolation: isolated (any Actor)? = #isolation
  ) async throws -> TAP {
    while true {
      do {
        return try TAP.open(device, in: space, carrier: carrier)
      } catch {
        guard error.errno == EBUSY, ContinuousClock.now < deadline else {
          throw PortsFault(
            errno: error.errno,
            message: "opening \(place(device, namespace)): \(unsafe String(cString: strerror(error.errno)))")
        }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
  }
}
