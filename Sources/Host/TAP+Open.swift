import CHost
public import Ports

/// Making TAP interfaces, and attaching to those that are there.
extension TAP {
  /// Creates the TAP `name`, or attaches to the persistent one of that name, inside `namespace` (nil: the process's
  /// own).
  ///
  /// A new one is not persistent yet: it is marked as ours first, so that a crash in between leaves nothing that nobody
  /// owns. `carrier`: whether its cable is plugged from now on.
  /// Throws EBUSY when another process holds it, EINVAL when an interface of that name exists and is no TAP of ours,
  /// ENAMETOOLONG over 15 bytes, EPERM without CAP_NET_ADMIN.
  public static func open(_ name: String, in namespace: String?, carrier: Bool = true) throws(PortsFault) -> TAP {
    try NetworkNamespaces.with(namespace) { (file) throws(PortsFault) -> Opened in
      try Opened(name, descriptor: file, namespace, carrier: carrier)
    }.tap(name, namespace)
  }

  /// The same inside a namespace that has no name.
  static func open(_ name: String, descriptor: Int32, carrier: Bool = true) throws(PortsFault) -> TAP {
    try Opened(name, descriptor: descriptor, nil, carrier: carrier).tap(name, nil)
  }

  /// What the kernel gives; generic code carries no noncopyable value.
  private struct Opened {
    let descriptor: Int32
    let offloads: UInt32

    init(_ name: String, descriptor file: Int32, _ namespace: String?, carrier: Bool) throws(PortsFault) {
      var offloads: UInt32 = 0
      descriptor = Int32(
        try PortsFault.check(
          unsafe chost_tap_open(file, name, carrier ? 1 : 0, &offloads), "opening \(interfaceWords(name, namespace))"))
      self.offloads = offloads
    }

    func tap(_ name: String, _ namespace: String?) -> TAP {
      TAP(descriptor: descriptor, name: name, namespace: namespace, offloads: Offloads(rawValue: offloads))
    }
  }
}
