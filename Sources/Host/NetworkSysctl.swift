import CHost
public import Ports

/// Kernel settings below /proc/sys/net. Written are those of one interface alone, one of ours: FAMILY/conf/NAME/KEY.
///
/// Which namespace /proc/sys/net shows is decided by the thread that opens it, so a call enters the namespace for that.
public enum NetworkSysctl {
  public enum Family: String, Sendable { case ipv4, ipv6 }

  /// Throws EROFS or EACCES where /proc/sys is closed to this process (ProtectKernelTunables= of systemd), ENOENT for a
  /// family that the kernel does not have.
  public static func set(
    _ family: Family, _ interface: String, _ key: String, _ value: String, in namespace: String?
  ) throws(PortsFault) {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) in
      try set(family, interface, key, value, descriptor: descriptor)
    }
  }

  static func set(
    _ family: Family, _ interface: String, _ key: String, _ value: String, descriptor: Int32
  ) throws(PortsFault) {
    try PortsFault.check(
      unsafe chost_sysctl_interface(descriptor, family.rawValue, interface, key, value),
      "setting net.\(family.rawValue).conf.\(interface).\(key) to \(value)")
  }

  /// The setting net/`path`, of the namespace as a whole, without its line end; `nil` when there is none.
  public static func read(_ path: String, in namespace: String?) -> String? {
    try? NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) -> String in
      var text = [CChar](repeating: 0, count: 64)
      try PortsFault.check(unsafe chost_sysctl_read(descriptor, path, &text, text.count), "reading net/\(path)")
      return String(decoding: text.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}
