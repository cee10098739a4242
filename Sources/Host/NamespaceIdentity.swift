import CHost
import Glibc
public import Ports

/// What tells one network namespace from every other, whatever it is called and whether it is called anything.
///
/// `device` and `inode` are those of its file, as `readlink /proc/PID/ns/net` shows the inode; they are used again when
/// the namespace has ended. The cookie is not, until the machine is started again. A kernel before 5.14 has none: 0.
public struct NamespaceIdentity: Hashable, Sendable, CustomStringConvertible {
  public var device: UInt64
  public var inode: UInt64
  public var cookie: UInt64

  public init(device: UInt64, inode: UInt64, cookie: UInt64 = 0) {
    (self.device, self.inode, self.cookie) = (device, inode, cookie)
  }

  /// As the kernel writes it: `net:[4026532463]`.
  public var description: String { "net:[\(inode)]" }

  /// Whether both are of one namespace. Where one of the two has no cookie, the file decides.
  public func isSame(as other: NamespaceIdentity) -> Bool {
    device == other.device && inode == other.inode && (cookie == other.cookie || cookie == 0 || other.cookie == 0)
  }
}

/// A descriptor of a network namespace, which keeps it alive.
public final class NamespaceHandle: Sendable {
  let descriptor: Int32
  public let identity: NamespaceIdentity

  /// Takes `descriptor` over.
  init(_ descriptor: Int32) throws(PortsFault) {
    do {
      identity = try NamespaceIdentity(descriptor: descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  public func links() throws(PortsFault) -> [Link] { try Links.list(descriptor: descriptor) }

  /// Gives the namespace `name`, as `ip netns attach` does. `mark`: what is left when it is killed meanwhile. Throws
  /// EEXIST when the name is taken.
  public func bind(to name: String, mark: String) throws(PortsFault) {
    let directory = NetworkNamespaces.directory
    let result = unsafe chost_netns_bind(descriptor, directory, "\(directory)/\(name)", mark)
    try NetworkNamespaces.check(result, name, "naming a namespace \(name)")
  }
}

extension NamespaceIdentity {
  init(descriptor: Int32) throws(PortsFault) {
    var raw = chost_netns_identity()
    try PortsFault.check(unsafe chost_netns_identify(descriptor, &raw), "looking at a namespace")
    self.init(device: raw.device, inode: raw.inode, cookie: raw.cookie)
  }
}

extension NetworkNamespaces {
  /// Of the namespace `name`, or of the process's own. Throws ENOENT when there is none, and for a name behind which
  /// there is no namespace.
  public static func identity(of name: String?) throws(PortsFault) -> NamespaceIdentity {
    try with(name) { (descriptor) throws(PortsFault) in try NamespaceIdentity(descriptor: descriptor) }
  }

  /// The file behind `name`, without the cookie: enough to tell it from a namespace that is alive. `nil`: there is
  /// none.
  public static func file(of name: String) -> NamespaceIdentity? {
    unsafe status("\(directory)/\(name)").map { NamespaceIdentity(device: $0[0], inode: $0[1]) }
  }

  /// Opens the namespace `name`, or the process's own.
  public static func handle(of name: String?) throws(PortsFault) -> NamespaceHandle {
    guard let name else { return try open("/proc/self/ns/net") }
    return try open("\(directory)/\(name)", called: name)
  }

  /// The namespaces of running processes that are among `wanted`: such a one need not have a name.
  public static func handles(ofProcessesIn wanted: Set<NamespaceIdentity>) -> [NamespaceHandle] {
    var open = wanted
    var found: [NamespaceHandle] = []
    guard !wanted.isEmpty, let directory = unsafe opendir("/proc") else { return [] }
    defer { unsafe closedir(directory) }
    while !open.isEmpty, let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      guard name.first?.isNumber == true, let file = unsafe status("/proc/\(name)/ns/net"),
        open.contains(where: { $0.device == file[0] && $0.inode == file[1] }),
        let handle = try? Self.open("/proc/\(name)/ns/net")
      else { continue }
      guard let match = open.first(where: { $0.isSame(as: handle.identity) }) else { continue }
      open.remove(match)
      found.append(handle)
    }
    return found
  }

  private static func open(_ path: String, called name: String? = nil) throws(PortsFault) -> NamespaceHandle {
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw PortsFault(-Int(Glibc.errno), "opening namespace \(path)") }
    do throws(PortsFault) { return try NamespaceHandle(descriptor) } catch {
      guard error.errno == EINVAL, let name else { throw error }
      // The handle has closed it.
      let file = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard file >= 0 else { throw error }
      defer { close(file) }
      throw plain(error, name, file)
    }
  }
}

/// What tells one run of the machine from the next (`/proc/sys/kernel/random/boot_id`); empty where there is none.
public func bootIdentity() -> String {
  let descriptor = unsafe open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return "" }
  defer { close(descriptor) }
  var text = [UInt8](repeating: 0, count: 64)
  let length = unsafe read(descriptor, &text, text.count)
  return String(decoding: text.prefix(max(0, length)).prefix { $0 > 0x20 }, as: UTF8.self)
}
