import CHost
public import Net
public import Ports

/// A network interface, as rtnetlink reports it.
public struct Link: Hashable, Sendable {
  public let index: Int
  public let name: String
  /// Text that somebody gave it (`ip link set … alias`): our mark of ownership.
  public let alias: String?
  /// A second name, up to 127 bytes.
  public let alternativeName: String?
  public let mac: MACAddress
  public let mtu: Int
  /// Frames that its own system queues for the switch.
  public let queueLength: Int
  /// Administratively up.
  public let isUp: Bool
  public let isTAP: Bool
  /// A TAP that outlives whoever opened it.
  public let isPersistent: Bool
  /// The cable is plugged, whether the interface is up or down.
  public let hasCarrier: Bool
  /// It is in a bond or a bridge of its own system, which may have given it another MAC address.
  public let hasMaster: Bool
}

/// Interfaces of a network namespace, over rtnetlink. `namespace` nil is the process's own.
public enum Links {
  /// Bytes that an interface name may have: IFNAMSIZ − 1.
  public static let nameLimit = 15

  public static func list(in namespace: String?) throws(PortsFault) -> [Link] {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) -> [Link] in
      try list(descriptor: descriptor, "listing interfaces" + (namespace.map { " of namespace \($0)" } ?? ""))
    }
  }

  static func list(
    descriptor: Int32, _ what: @autoclosure () -> String = "listing interfaces"
  ) throws(PortsFault) -> [Link] {
    var raw = [chost_link](repeating: chost_link(), count: 64)
    while true {
      let capacity = Int32(raw.count)
      let found = try PortsFault.check(unsafe chost_link_list(descriptor, &raw, capacity), what())
      if found <= raw.count { return raw[..<found].map(Link.init) }
      raw = [chost_link](repeating: chost_link(), count: found + 64)
    }
  }

  /// Sets what is given; the rest stays. `mac`: 48 bits. `alias`: at most 255 bytes. `alternativeName`: at most 127.
  public static func configure(
    _ name: String, in namespace: String?, mac: MACAddress? = nil, mtu: Int? = nil, queueLength: Int? = nil,
    alias: String? = nil, alternativeName: String? = nil
  ) throws(PortsFault) {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) in
      try configure(
        name, descriptor: descriptor, namespace, mac: mac, mtu: mtu, queueLength: queueLength, alias: alias,
        alternativeName: alternativeName)
    }
  }

  /// Sets the interface up or down.
  public static func setUp(_ name: String, _ up: Bool, in namespace: String?) throws(PortsFault) {
    try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) in
      try setUp(name, up, descriptor: descriptor, namespace)
    }
  }

  static func configure(
    _ name: String, descriptor: Int32, _ namespace: String? = nil, mac: MACAddress? = nil, mtu: Int? = nil,
    queueLength: Int? = nil, alias: String? = nil, alternativeName: String? = nil
  ) throws(PortsFault) {
    let octets = mac?.octets
    let result = unsafe withOptional(octets) { octets in
      unsafe withOptional(alias) { alias in
        unsafe withOptional(alternativeName) { alternative in
          unsafe chost_link_set(
            descriptor, name, octets, UInt32(mtu ?? 0), UInt32(queueLength ?? 0), alias, alternative)
        }
      }
    }
    try PortsFault.check(result, "configuring \(interfaceWords(name, namespace))")
  }

  static func setUp(
    _ name: String, _ up: Bool, descriptor: Int32, _ namespace: String? = nil
  ) throws(PortsFault) {
    try PortsFault.check(
      unsafe chost_link_set_up(descriptor, name, up ? 1 : 0),
      "setting \(interfaceWords(name, namespace)) \(up ? "up" : "down")")
  }

  @unsafe private static func withOptional<R>(_ bytes: [UInt8]?, _ body: (UnsafePointer<UInt8>?) -> R) -> R {
    guard let bytes else { return body(nil) }
    return unsafe bytes.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
  }

  @unsafe private static func withOptional<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    guard let text else { return body(nil) }
    return unsafe text.withCString { unsafe body($0) }
  }
}

extension Link {
  init(_ raw: chost_link) {
    index = Int(raw.index)
    mtu = Int(raw.mtu)
    queueLength = Int(raw.queue_length)
    isUp = raw.is_up != 0
    isTAP = raw.is_tap != 0
    isPersistent = raw.is_persistent != 0
    hasCarrier = raw.has_carrier != 0
    hasMaster = raw.has_master != 0
    let octets = raw.mac
    mac = MACAddress(
      [octets.0, octets.1, octets.2, octets.3, octets.4, octets.5].reduce(0) { $0 << 8 | UInt64($1) })
    name = unsafe Self.text(raw.name)
    let alias = unsafe Self.text(raw.alias)
    self.alias = alias.isEmpty ? nil : alias
    let alternative = unsafe Self.text(raw.altname)
    alternativeName = alternative.isEmpty ? nil : alternative
  }

  /// A NUL-terminated C array, which Swift sees as a tuple.
  @unsafe private static func text<Tuple>(_ tuple: Tuple) -> String {
    unsafe withUnsafeBytes(of: tuple) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
