// Words to the service manager: sd_notify(3), which is one datagram to a Unix socket.

import Foundation

package enum ServiceManager {
  /// Tells the service manager, when there is one, `state`: "READY=1", "STOPPING=1", "STATUS=…". That nobody listens is
  /// no fault.
  package static func notify(_ state: String) {
    guard let path = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"],
      let (address, length) = address(path)
    else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(state.utf8)
    _ = unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
  }

  /// How often the service manager wants to hear `WATCHDOG=1`, sd_watchdog_enabled(3); `nil`: it does not.
  package static var watchdogInterval: Duration? {
    let environment = ProcessInfo.processInfo.environment
    guard let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init), microseconds > 0,
      environment["WATCHDOG_PID"].map({ $0 == "\(getpid())" }) ?? true
    else { return nil }
    return .microseconds(microseconds)
  }

  /// Whether the process was started as a unit of systemd, systemd.exec(5).
  package static var startedUs: Bool { ProcessInfo.processInfo.environment["INVOCATION_ID"] != nil }

  /// A path, or with "@" at its beginning a name of the abstract namespace, unix(7). `nil` when it does not fit.
  private static func address(_ path: String) -> (sockaddr_un, socklen_t)? {
    var bytes = Array(path.utf8)
    guard path.hasPrefix("/") || path.hasPrefix("@"), bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path)
    else { return nil }
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let offset = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
    return (address, socklen_t(offset + bytes.count))
  }
}
