import CPort
import Glibc

/// An operating-system call that failed, with what it was about.
public struct PortsFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// Positive `errno`.
  public let errno: Int32
  /// Names the interface and the namespace, what was tried, and the system's reason.
  public let message: String
  public var description: String { message }

  /// Of a negative `errno`, as the functions of cport and chost return it.
  package init(_ result: Int, _ what: String) {
    errno = Int32(-result)
    message = "\(what): \(unsafe String(cString: strerror(errno)))"
  }

  public init(errno: Int32, message: String) {
    self.errno = errno
    self.message = message
  }

  /// Passes a result >= 0 through; throws a `-errno` as a fault about `what`.
  @discardableResult
  package static func check(_ result: some BinaryInteger, _ what: @autoclosure () -> String) throws(PortsFault) -> Int {
    guard result >= 0 else { throw PortsFault(Int(result), what()) }
    return Int(result)
  }
}

/// "interface eth0 in namespace web1" or "interface web1-eth0".
package func interfaceWords(_ name: String, _ namespace: String?) -> String {
  "interface \(name.asInterfaceName)" + (namespace.map { " in namespace \($0)" } ?? "")
}

/// Allows as many open files as the system lets this process have: a NIC is one descriptor. Returns the limit.
public func raiseFileLimit() throws(PortsFault) -> Int {
  try PortsFault.check(cport_raise_file_limit(), "raising the limit of open files")
}
