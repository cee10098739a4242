import CHost
import Glibc
public import Ports

/// Named network namespaces: files in /run/netns that hold a namespace open, as `ip netns` makes them.
///
/// A namespace of ours carries a mark, the alias of its `lo`, so that one which a crash left behind is found again. A
/// crash may also leave the name without a namespace behind it; then the file itself holds the mark (`abandonedMark`).
///
/// ## Threads
/// Any. A call enters the namespace on the calling thread and has left it when it returns.
public enum NetworkNamespaces {
  static let directory = "/run/netns"

  /// Names of all but the one that the process itself is in, sorted; empty when there are none.
  public static func list() -> [String] {
    let own = unsafe status("/proc/self/ns/net")
    guard let handle = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      if let own, let other = unsafe status("\(directory)/\(name)"), own == other { continue }
      names.append(name)
    }
    return names.sorted()
  }

  /// What tells one namespace from another.
  @unsafe static func status(_ path: String) -> [UInt64]? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
  }

  public static func exists(_ name: String) -> Bool {
    unsafe access("\(directory)/\(name)", F_OK) == 0
  }

  /// Makes the namespace `name` and marks it with `alias`, at most 255 bytes. Throws EEXIST when the name is taken.
  public static func create(_ name: String, alias: String) throws(PortsFault) {
    let result = unsafe chost_netns_make(directory, "\(directory)/\(name)", alias)
    try check(result, name, "making namespace \(name)")
  }

  /// Where `name` leads when it is a link behind which there is nothing: a container that has ended leaves it so.
  /// `nil`: it is no link, or something is there.
  public static func deadLink(_ name: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let length = unsafe readlink("\(directory)/\(name)", &target, target.count - 1)
    guard length >= 0, !exists(name) else { return nil }
    return String(decoding: target.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// What is to be done about such a link, which is not ours to take away.
  public static func deadLinkWords(_ name: String, _ target: String) -> String {
    "\(directory)/\(name) is a link to \(target), where no namespace is any more; "
      + "'ln -sfn /proc/PID/ns/net \(directory)/\(name)' leads it to the one of process PID, 'rm' takes it away"
  }

  /// Throws a `-errno` of an attempt to give a namespace its name.
  static func check(_ result: Int32, _ name: String, _ what: String) throws(PortsFault) {
    if result == -EEXIST, let target = deadLink(name) {
      throw PortsFault(errno: EEXIST, message: "\(what): \(deadLinkWords(name, target))")
    }
    try PortsFault.check(result, what)
  }

  /// The mark of a name behind which there is no namespace: its maker, or who took it away, was killed half-way. `nil`
  /// when a namespace is there; empty when somebody else's tool left the name.
  public static func abandonedMark(of name: String) -> String? {
    var text = [CChar](repeating: 0, count: 256)
    guard unsafe chost_netns_abandoned("\(directory)/\(name)", &text, text.count) == 1 else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Takes the name away; the namespace ends with the last process and descriptor in it. Throws ENOENT when there is
  /// none.
  public static func remove(_ name: String) throws(PortsFault) {
    try PortsFault.check(unsafe chost_netns_remove("\(directory)/\(name)"), "removing namespace \(name)")
  }

  /// Calls `body` with a descriptor of the namespace, or −1 for the process's own.
  static func with<Result>(
    _ name: String?, _ body: (Int32) throws(PortsFault) -> Result
  ) throws(PortsFault) -> Result {
    guard let name else { return try body(-1) }
    // A FIFO of that name would be waited for.
    let descriptor = unsafe Glibc.open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw PortsFault(-Int(Glibc.errno), "opening namespace \(name)") }
    defer { close(descriptor) }
    do throws(PortsFault) { return try body(descriptor) } catch { throw plain(error, name, descriptor) }
  }

  /// "Invalid argument" is all that the kernel says of a file that is no namespace: an ordinary one, or one at which a
  /// namespace is mounted where this process does not see it.
  static func plain(_ fault: PortsFault, _ name: String, _ descriptor: Int32) -> PortsFault {
    var file = stat()
    guard fault.errno == EINVAL, unsafe fstat(descriptor, &file) == 0,
      let own = unsafe status("/proc/self/ns/net"), own[0] != UInt64(file.st_dev)
    else { return fault }
    return PortsFault(
      errno: EINVAL,
      message: "network namespace \(name) is none: no namespace that this process can see is mounted at "
        + "\(directory)/\(name); valid are a name of 'ip netns list' whose 'ip -n NAME link' works, and a new name")
  }
}
