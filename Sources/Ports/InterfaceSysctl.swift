import CPort

/// Kernel settings of one interface: /proc/sys/net/FAMILY/conf/NAME/KEY. For interfaces of ours only.
///
/// Which namespace /proc/sys/net shows is decided by the thread that opens it, so a call enters the namespace for that.
public enum InterfaceSysctl {
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
      unsafe cport_sysctl_interface(descriptor, family.rawValue, interface, key, value),
      "setting net.\(family.rawValue).conf.\(interface).\(key) to \(value)")
  }
}
