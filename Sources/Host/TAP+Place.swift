import CHost
import Glibc
public import Net
public import Ports

/// Where a TAP is and what it has been set to: what its descriptor says, which nobody else can write. Up, down and
/// carrier are not in it.
public struct TAPPlace: Hashable, Sendable {
  public var namespace: NamespaceIdentity
  /// Its index in the namespace.
  public var index: Int
  public var name: String
  public var alternativeName: String?
  public var alias: String?
  public var mtu: Int

  public init(
    namespace: NamespaceIdentity, index: Int, name: String, alternativeName: String?, alias: String?, mtu: Int
  ) {
    (self.namespace, self.index, self.name) = (namespace, index, name)
    (self.alternativeName, self.alias, self.mtu) = (alternativeName, alias, mtu)
  }

  init(_ link: Link, in namespace: NamespaceIdentity) {
    self.init(
      namespace: namespace, index: link.index, name: link.name, alternativeName: link.alternativeName,
      alias: link.alias, mtu: link.mtu)
  }
}

/// The interface behind the descriptor, wherever it has been moved and whatever it is called.
extension TAP {
  /// Where the interface is now; `nil` when it is gone.
  public borrowing func whereabouts() throws(PortsFault) -> TAPPlace? {
    try inPlace("looking at \(interfaceWords(name, namespace))") { (name, descriptor) throws(PortsFault) in
      try TAPPlace(Links.find(name, descriptor: descriptor), in: NamespaceIdentity(descriptor: descriptor))
    }
  }

  /// Sets what is given, wherever the interface is. False: it is gone.
  @discardableResult
  public borrowing func configure(mtu: Int? = nil, alias: String? = nil) throws(PortsFault) -> Bool {
    try inPlace("configuring \(interfaceWords(name, namespace))") { (name, descriptor) throws(PortsFault) in
      try Links.configure(name, descriptor: descriptor, mtu: mtu, alias: alias)
      return true
    } ?? false
  }

  /// Moves the interface to `target` and calls it `name` there. False: it is gone. Throws EEXIST when the name is taken
  /// there, and on older kernels EBUSY for one that is up and stays where it is.
  public borrowing func move(to target: NamespaceHandle, name new: String) throws(PortsFault) -> Bool {
    try inPlace("moving \(interfaceWords(name, namespace))") { (name, descriptor) throws(PortsFault) in
      try PortsFault.check(
        unsafe chost_link_move(descriptor, name, target.descriptor, new),
        "moving \(interfaceWords(name, nil)) to be \(new)")
      return true
    } ?? false
  }

  /// The namespace in which the descriptor was opened. It lives as long as the descriptor, also when the interface is
  /// gone.
  public borrowing func home() throws(PortsFault) -> NamespaceHandle {
    let home = try PortsFault.check(
      chost_tap_home(descriptor), "looking for the home of \(interfaceWords(name, namespace))")
    return try NamespaceHandle(Int32(home))
  }

  /// Calls `body` with the interface's name and a descriptor of its namespace. Somebody may rename or move it in
  /// between: then it is looked for again, a few times. `nil`: it is gone.
  private borrowing func inPlace<Result>(
    _ what: String, _ body: (String, Int32) throws(PortsFault) -> Result
  ) throws(PortsFault) -> Result? {
    var attempts = 0
    while true {
      do throws(PortsFault) {
        guard let (name, space) = try nameAndSpace(what) else { return nil }
        defer { close(space) }
        return try body(name, space)
      } catch {
        attempts += 1
        // ENODEV: it was called so a moment ago.
        guard error.errno == 19, attempts < 8 else { throw error }
      }
    }
  }

  private borrowing func nameAndSpace(_ what: String) throws(PortsFault) -> (String, Int32)? {
    let space = chost_tap_namespace(descriptor)
    if space == -77 { return nil }  // EBADFD
    try PortsFault.check(space, what)
    var text = [CChar](repeating: 0, count: 16)
    let result = unsafe chost_tap_name(descriptor, &text)
    guard result >= 0 else {
      close(space)
      if result == -77 { return nil }
      throw PortsFault(Int(result), what)
    }
    return (String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self), space)
  }

  /// Creates the TAP `name` inside `space`, or attaches to the persistent one of that name: `open(_:in:)` for a
  /// namespace that may have no name.
  public static func open(
    _ name: String, in space: NamespaceHandle, carrier: Bool = true
  ) throws(PortsFault) -> TAP {
    try open(name, descriptor: space.descriptor, carrier: carrier)
  }

}

extension Links {
  /// The one interface `name`. Throws ENODEV when there is none.
  static func find(_ name: String, descriptor: Int32) throws(PortsFault) -> Link {
    var raw = chost_link()
    try PortsFault.check(unsafe chost_link_find(descriptor, name, &raw), "looking at \(interfaceWords(name, nil))")
    return Link(raw)
  }

  /// The one interface of that name, of up to `nameLimit` bytes, or alternative name; `nil`: there is none. What it
  /// costs does not depend on how many others there are.
  public static func find(_ name: String, in space: NamespaceHandle) throws(PortsFault) -> Link? {
    do throws(PortsFault) { return try find(name, descriptor: space.descriptor) } catch {
      // ENODEV
      guard error.errno == 19 else { throw error }
      return nil
    }
  }

  public static func list(in space: NamespaceHandle) throws(PortsFault) -> [Link] {
    try list(descriptor: space.descriptor)
  }

  /// Sets what is given of an interface of `space`; the rest stays.
  public static func configure(
    _ name: String, in space: NamespaceHandle, mac: MACAddress? = nil, mtu: Int? = nil, queueLength: Int? = nil,
    alias: String? = nil, alternativeName: String? = nil
  ) throws(PortsFault) {
    try configure(
      name, descriptor: space.descriptor, mac: mac, mtu: mtu, queueLength: queueLength, alias: alias,
      alternativeName: alternativeName)
  }
}
