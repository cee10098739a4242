import Glibc

/// A machine's serial port as QEMU makes it: a Unix socket that listens, and talks to one who connects.
///
/// Every call blocks, and fails after a minute; the caller is a test's own task.
final class SerialMachine: @unchecked Sendable {
  let path: String
  private let listener: Int32
  private var client: Int32 = -1

  init(_ path: String) throws {
    self.path = path
    unlink(path)
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    // A `sockaddr_un` by its octets: which module has its members depends on who imports first.
    let address = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + Array(path.utf8) + [0]
    let status = address.withUnsafeBytes {
      bind(listener, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard status == 0, listen(listener, 4) == 0 else { throw Fault("bind") }
  }

  deinit {
    hangUp()
    close(listener)
    unlink(path)
  }

  struct Fault: Error {
    let what: String
    init(_ what: String) { self.what = what }
  }

  private func wait(_ descriptor: Int32, _ events: Int, _ limit: Int32 = 60_000) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&entry, 1, limit) > 0
  }

  /// Waits for the hub.
  func accept() throws {
    guard wait(listener, Int(POLLIN)) else { throw Fault("nobody connects") }
    client = Glibc.accept(listener, nil, nil)
  }

  /// Whether a second one has connected.
  var hasMore: Bool { wait(listener, Int(POLLIN), 0) }

  func hangUp() {
    if client >= 0 { close(client) }
    client = -1
  }

  func say(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard wait(client, Int(POLLOUT)) else { throw Fault("what is said is not taken") }
      let count = rest.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { throw Fault("send") }
      rest = rest.dropFirst(count)
    }
  }

  func say(_ text: String) throws { try say(Array(text.utf8)) }

  /// Reads until `text` has come.
  func hear(_ text: String) throws {
    var heard: [UInt8] = []
    while !String(decoding: heard, as: UTF8.self).contains(text) {
      guard wait(client, Int(POLLIN)) else { throw Fault("not heard: \(text)") }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = read(client, &buffer, buffer.count)
      guard count > 0 else { throw Fault("the hub has hung up") }
      heard += buffer.prefix(count)
    }
  }
}
