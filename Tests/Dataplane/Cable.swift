import Dataplane
import Glibc
import Net
import Switching
import Wire

@testable import Ports

/// A NIC without root: one end of a socket pair that keeps frame boundaries is the switch's, the other the server's.
///
/// What the server's end writes and reads is what a TAP carries: a 12-byte virtio header, then the frame.
final class Cable {
  private let end: Int32
  private var switchEnd: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    let flags = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    precondition(unsafe socketpair(AF_UNIX, flags, 0, &ends) == 0, "socketpair")
    (switchEnd, end) = (ends[0], ends[1])
    var size: Int32 = 4 << 20
    for end in ends {
      unsafe setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, 4)
    }
  }

  deinit { close(end) }

  /// The switch's end, as a TAP. Once.
  func takeTAP() -> TAP {
    defer { switchEnd = -1 }
    return TAP(adopting: switchEnd, name: "cable")
  }

  func send(_ frame: [UInt8], header: [UInt8] = [UInt8](repeating: 0, count: 12)) {
    let bytes = header + frame
    let sent = unsafe write(end, bytes, bytes.count)
    precondition(sent == bytes.count, "the cable takes a frame")
  }

  /// The next frame, its virtio header first; nil when none comes within `milliseconds`.
  func receive(milliseconds: Int32 = 5_000) -> [UInt8]? {
    var waiting = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&waiting, 1, milliseconds) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 70_000)
    let count = unsafe read(end, &bytes, bytes.count)
    return count > 0 ? Array(bytes[..<count]) : nil
  }

  /// The next frame without its virtio header.
  func frame() -> [UInt8]? {
    while let bytes = receive() { if !Self.isProbe(bytes) { return Array(bytes[12...]) } }
    return nil
  }

  /// A loop probe, which a port may be sent at any time that somebody in its domain floods.
  private static func isProbe(_ bytes: [UInt8]) -> Bool {
    let type = bytes.count > 28 && bytes[24] == 0x81 && bytes[25] == 0 ? 28 : 24
    return bytes.count > type + 1 && bytes[type] == 0x90 && bytes[type + 1] == 0
  }

  /// Everything that is there now.
  func drain() -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while let bytes = receive(milliseconds: 0) { if !Self.isProbe(bytes) { frames.append(Array(bytes[12...])) } }
    return frames
  }
}

/// How a forwarding plane works.
struct Setup: Sendable {
  var mode = TAPDriver.Mode.automatic
  var workers = 1
}

/// A forwarding plane with a cable for each NIC; port p has NIC p − 1.
final class Lab {
  let plane: Dataplane
  let cables: [Cable]

  init(
    _ roles: [PortProgram.Role], _ setup: Setup = Setup(), aging: Int = 300
  ) async throws {
    var configuration = Dataplane.Configuration()
    configuration.limits.nics = 64
    configuration.limits.ports = 128
    configuration.limits.domains = 64
    configuration.mode = setup.mode
    configuration.agingSeconds = aging
    configuration.workers = setup.workers
    plane = try Dataplane(configuration)
    cables = roles.map { _ in Cable() }
    for (index, cable) in cables.enumerated() {
      try await plane.attach(cable.takeTAP(), as: NICIndex(index), mtu: 9_000)
    }
    var change = ForwardingChange()
    change.domains[DomainIndex(1)] = VLANID(1001)!
    change.domains[DomainIndex(2)] = VLANID(1002)!
    for (index, role) in roles.enumerated() {
      change.ports[PortIndex(index + 1)] = PortProgram(members: [NICIndex(index)], role: role)
    }
    await plane.apply(change)
    // The links come up with the first turn of the worker that sees them writable.
    for index in cables.indices { while !(await plane.carries(NICIndex(index))) {} }
  }
}
