import CHost
import Glibc
public import Ports

/// A login shell on a terminal of its own, in the network namespace of a server.
///
/// ## Threads
/// Any. `start` and `end` block: the first until the shell runs, the second until it has ended.
public struct Shell: Sendable {
  /// What it may do on the host.
  public enum Rights: Sendable {
    /// It configures its namespace and pings; it owns nothing, writes to a /tmp of its own alone, and sees neither the
    /// host's processes nor its services.
    case confined
    /// As root of the host who has entered the namespace.
    case root
  }

  /// The terminal's master, non-blocking; the caller's to close, which hangs up the shell.
  public let master: Int32
  private let process: pid_t

  /// Starts the best shell that there is, bash or sh.
  ///
  /// - Parameters:
  ///   - hostname: what it takes its machine's name to be.
  ///   - user: whom a confined one runs as: a number that nobody else has, since limits are counted by user.
  ///   - terminal: `TERM`.
  ///   - hidden: directories that a confined one finds empty.
  public static func start(
    in namespace: String, hostname: String, user: UInt32, rows: Int, columns: Int, terminal: String, rights: Rights,
    hiding hidden: [String]
  ) throws(PortsFault) -> Shell {
    let path = unsafe access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh"
    let home = rights == .confined ? "/tmp" : "/root"
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let person = rights == .confined ? "console" : "root"
    let environment = [
      "TERM=\(terminal)", "HOME=\(home)", "SHELL=\(path)", "LANG=C.UTF-8", "USER=\(person)", "LOGNAME=\(person)",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]
    // So that a program that asks for the user's name gets one.
    let users = """
      root:x:0:0:root:/root:/bin/sh
      console:x:\(user):65534:console:/tmp:\(path)

      """
    // A name that begins with a hyphen makes it a login shell.
    let words = unsafe CStrings(["-\(name)"])
    let variables = unsafe CStrings(environment)
    let directories = unsafe CStrings(hidden)
    var process: pid_t = 0
    let master = try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) -> Int in
      let result = unsafe path.withCString { path in
        unsafe hostname.withCString { hostname in
          unsafe users.withCString { users in
            unsafe directories.withConstant { hidden in
              var shell = unsafe chost_shell(
                path: path, arguments: words.pointers, environment: variables.pointers, hostname: hostname,
                confined_to: rights == .confined ? user : 0, users: users, hidden: hidden)
              return unsafe chost_shell_start(&shell, descriptor, UInt16(rows), UInt16(columns), &process)
            }
          }
        }
      }
      return try PortsFault.check(result, "starting a shell in namespace \(namespace)")
    }
    return Shell(master: Int32(master), process: process)
  }

  /// Of its terminal.
  public static func resize(_ master: Int32, rows: Int, columns: Int) {
    _ = chost_terminal_resize(master, UInt16(rows), UInt16(columns))
  }

  /// Waits until it has ended, for a second; then it is killed. Returns its exit status, or 128 and the number of the
  /// signal that ended it. Call once.
  @discardableResult
  public func end() -> Int { Int(chost_shell_end(process, 1000)) }
}

/// A serial device: raw bytes in both directions, with the speed that it has been given.
public enum SerialDevice {
  /// Opens it, non-blocking. Throws what is wrong with it; ENOTTY: it is no serial device.
  public static func open(_ path: String) throws(PortsFault) -> Int32 {
    Int32(try PortsFault.check(unsafe chost_serial_open(path), "opening \(path)"))
  }

  /// Blocks for as long as the break lasts, a quarter of a second or more.
  public static func sendBreak(_ descriptor: Int32) { _ = chost_serial_break(descriptor) }
}

/// Words for C, with a null pointer behind the last.
@unsafe private final class CStrings {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ words: [String]) {
    unsafe count = words.count
    unsafe pointers = .allocate(capacity: words.count + 1)
    for (index, word) in words.enumerated() { unsafe (pointers + index).initialize(to: strdup(word)) }
    unsafe (pointers + count).initialize(to: nil)
  }

  deinit {
    for index in 0..<(unsafe count) { unsafe free(pointers[index]) }
    unsafe pointers.deallocate()
  }

  func withConstant<Result>(_ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result) -> Result {
    unsafe pointers.withMemoryRebound(to: Optional<UnsafePointer<CChar>>.self, capacity: count + 1) {
      unsafe body(UnsafePointer($0))
    }
  }
}
