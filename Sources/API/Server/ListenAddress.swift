// Where the API listens over TCP, as an operator writes it.

import FoundationEssentials
import Glibc
import NIOCore

/// An IP address and a port, checked.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// As text, without brackets; `nil`: every address of the machine, of both families.
  public let host: String?
  /// 0: one that is free.
  public let port: Int

  /// What cannot be listened at.
  public struct Fault: Error, Hashable, Sendable {
    public let message: String

    public static func twice(_ address: ListenAddress) -> Fault { Fault(message: "\(address) is there twice") }
  }

  public static let rule =
    "valid are an IP address and a port, 127.0.0.1:8443 or [::1]:8443, and :8443 for all addresses of the machine"

  /// Reads `127.0.0.1:8443`, `[::1]:8443`, `:8443`. Names are not looked up: they can change their meaning.
  public init(_ text: String) throws(Fault) {
    guard let colon = text.lastIndex(of: ":"), let port = Arguments.digits(String(text[text.index(after: colon)...])),
      (0...65_535).contains(port)
    else { throw Fault(message: "\(Self.shown(text)) has no port from 0 to 65535; \(Self.rule)") }
    let host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    let address = isBracketed ? String(host.dropFirst().dropLast()) : String(host)
    self.port = port
    if host.isEmpty {
      self.host = nil
      return
    }
    guard let known = try? SocketAddress(ipAddress: address, port: port), (known.protocol == .inet6) == isBracketed
    else { throw Fault(message: "\(Self.shown(text)) has no IP address; \(Self.rule)") }
    self.host = address
  }

  private init(host: String?, port: Int) { (self.host, self.port) = (host, port) }

  /// Whether only the machine itself gets there.
  public var isLoopback: Bool { host.map { $0 == "::1" || $0.hasPrefix("127.") } ?? false }

  public var description: String {
    guard let host else { return ":\(port)" }
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  private static func shown(_ text: String) -> String { Arguments.shown(.string(text)) }

  /// A socket that is bound to the address and does not listen yet, so that nobody is let in: who connects is refused.
  ///
  /// - Returns: the descriptor, which the caller owns, and the address with its real port.
  public func bind() throws(Fault) -> (descriptor: Int32, address: ListenAddress) {
    guard let host else {
      // One socket of IPv6 hears both families, where the machine has IPv6.
      if let bound = try bind("::", both: true) { return bound }
      if let bound = try bind("0.0.0.0", both: false) { return bound }
      throw Fault(message: "\(self) cannot be listened at: the machine has no IP")
    }
    guard let bound = try bind(host, both: false) else {
      throw Fault(message: "\(self) cannot be listened at: the machine has no IPv6")
    }
    return bound
  }

  /// `nil`: the machine does not have the family.
  private func bind(_ host: String, both: Bool) throws(Fault) -> (descriptor: Int32, address: ListenAddress)? {
    guard let address = try? SocketAddress(ipAddress: host, port: port) else {
      throw Fault(message: "\(Self.shown(host)) is no IP address")
    }
    let isIPv6 = address.protocol == .inet6
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, kind, 0)
    guard descriptor >= 0 else {
      if errno == EAFNOSUPPORT { return nil }
      throw fault()
    }
    var (yes, only) = (Int32(1), Int32(both ? 0 : 1))
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
    if isIPv6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, size) }
    guard address.withSockAddr({ Glibc.bind(descriptor, $0, socklen_t($1)) }) == 0 else {
      let fault = fault()
      close(descriptor)
      throw fault
    }
    return (descriptor, ListenAddress(host: self.host, port: Self.port(of: descriptor) ?? port))
  }

  private func fault() -> Fault {
    let reason =
      switch errno {
      case EADDRINUSE: "another program listens there"
      case EADDRNOTAVAIL: "the machine does not have the address"
      case EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE"
      default: String(cString: strerror(errno))
      }
    return Fault(message: "\(self) cannot be listened at: \(reason)")
  }

  private static func port(of descriptor: Int32) -> Int? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int? in
        guard getsockname(descriptor, address, &length) == 0 else { return nil }
        // Both families have the port, in network order, behind theirs.
        return Int(UInt16(bigEndian: UnsafeRawPointer(address).loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
      }
    }
  }
}
