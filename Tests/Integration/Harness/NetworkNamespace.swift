import CPcap
import Foundation
import Glibc
import Synchronization

/// A network namespace under /run/netns, as `ip netns` keeps them: where a simulated machine lives.
struct NetworkNamespace: Hashable, Sendable {
  let name: String

  static var all: [String] { (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? [] }

  var exists: Bool { access("/run/netns/\(name)", F_OK) == 0 }

  func create() throws { try runSuccessfully(["ip", "netns", "add", name]) }

  func remove() throws { try runSuccessfully(["ip", "netns", "del", name]) }

  @discardableResult
  func run(_ command: String...) throws -> Finished {
    try runSuccessfully(["ip", "netns", "exec", name] + command)
  }

  /// Stops the kernel's own frames (IPv6 router solicitations, DAD, MLD) on interfaces that come up from now on, and
  /// on those that are there.
  func silence() throws {
    try run("sh", "-c", "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done")
  }

  /// Runs `body` on a thread of its own inside the namespace. Sockets stay in the namespace in which they were
  /// opened, so what `body` opens may be used from any thread afterwards.
  func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let path = "/run/netns/\(name)"
    let answer = Answer<Value>()
    Thread {
      answer.give(
        Result {
          let descriptor = open(path, O_RDONLY | O_CLOEXEC)
          guard descriptor >= 0 else { throw HarnessError("\(path): \(String(cString: strerror(errno)))") }
          defer { close(descriptor) }
          guard setns(descriptor, 0x4000_0000 /* CLONE_NEWNET */) == 0 else {
            throw HarnessError("setns \(path): \(String(cString: strerror(errno)))")
          }
          return try body()
        })
    }.start()
    return try answer.take()
  }
}

/// What the kernel says of one interface.
struct Interface: Equatable {
  let name: String
  let index: Int
  let alias: String?
  let alternativeNames: [String]
  let mac: String?
  let mtu: Int
  let isUp: Bool

  /// Interfaces of a namespace, or of the host for nil; loopback left out.
  static func list(in namespace: NetworkNamespace? = nil) throws -> [Interface] {
    let prefix = namespace.map { ["ip", "-n", $0.name] } ?? ["ip"]
    let listing = try JSON(runSuccessfully(prefix + ["-j", "-d", "link", "show"]).output)
    return (listing.array ?? []).compactMap { entry in
      guard let name = entry["ifname"].string, name != "lo", let index = entry["ifindex"].int else { return nil }
      return Interface(
        name: name, index: index, alias: entry["ifalias"].string,
        alternativeNames: (entry["altnames"].array ?? []).compactMap(\.string),
        mac: entry["address"].string, mtu: entry["mtu"].int ?? 0,
        isUp: (entry["flags"].array ?? []).contains { $0.string == "UP" })
    }
  }
}

/// A value that one thread hands to another, once.
final class Answer<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let given = DispatchSemaphore(value: 0)

  func give(_ value: Result<Value, any Error>) {
    result.withLock { $0 = value }
    given.signal()
  }

  /// Waits for the value.
  func take() throws -> Value {
    given.wait()
    given.signal()
    return try result.withLock { $0! }.get()
  }
}
