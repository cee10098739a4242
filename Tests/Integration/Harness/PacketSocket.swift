import CPcap
import Glibc

/// A raw packet socket on a NIC: puts whole frames, tags and all, on the wire as the server's OS would.
///
/// With `offloads` each frame goes with a virtio-net header, so that a test can hand over a super-frame whose
/// segments and checksum are still to be made, and see the same of one that arrives.
final class PacketSocket: Sendable {
  private let descriptor: Int32
  private let interfaceIndex: Int32
  private let offloads: Bool

  init(on interface: String, in namespace: NetworkNamespace, offloads: Bool = false, receiving: Bool = false) throws {
    (descriptor, interfaceIndex) = try namespace.inside {
      let index = Int32(if_nametoindex(interface))
      guard index > 0 else { throw HarnessError("no interface \(interface) in \(namespace.name)") }
      // Protocol 0: sends, and hears nothing until it is bound to a protocol.
      let descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { throw HarnessError("packet socket: \(String(cString: strerror(errno)))") }
      var on: Int32 = 1
      var large: Int32 = 8 << 20
      var limit = timeval(tv_sec: 10, tv_usec: 0)
      let size = socklen_t(MemoryLayout<Int32>.size)
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &large, size)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &large, size)
      if offloads { setsockopt(descriptor, SOL_PACKET, PACKET_VNET_HDR, &on, size) }
      if receiving {
        setsockopt(descriptor, SOL_PACKET, PACKET_AUXDATA, &on, size)
        setsockopt(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, size)
        var address = Self.address(index, UInt16(ETH_P_ALL).bigEndian)
        let bound = withUnsafePointer(to: &address) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
          }
        }
        guard bound == 0 else { throw HarnessError("bind \(interface): \(String(cString: strerror(errno)))") }
      }
      return (descriptor, index)
    }
    self.offloads = offloads
  }

  deinit { close(descriptor) }

  /// Sends one frame. Returns the errno of a refusal by the kernel, or 0.
  func trySend(_ frame: [UInt8], _ header: OffloadHeader = OffloadHeader()) -> Int32 {
    let bytes = offloads ? header.bytes + frame : frame
    var address = Self.address(interfaceIndex, 0)
    while true {
      let sent = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
        }
      }
      if sent == bytes.count { return 0 }
      if errno == EINTR { continue }
      return errno
    }
  }

  func send(_ frame: [UInt8], _ header: OffloadHeader = OffloadHeader()) throws {
    let failure = trySend(frame, header)
    guard failure == 0 else {
      throw HarnessError("sending \(frame.count) bytes: \(String(cString: strerror(failure)))")
    }
  }

  /// A frame that arrived, with what is still to be made of it. Linux moves the outer tag out of the frame: `tag`.
  struct Received {
    let header: OffloadHeader
    let tag: UInt16?
    let bytes: [UInt8]
  }

  /// The next frame; nil when none came before `deadline`.
  func receive(until deadline: Deadline) throws -> Received? {
    var buffer = [UInt8](repeating: 0, count: 80_000)
    var control = [UInt8](repeating: 0, count: 256)
    while true {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, deadline.milliseconds) > 0 else { return nil }
      var controlLength = 0
      let count = buffer.withUnsafeMutableBytes { bytes in
        control.withUnsafeMutableBytes { control in
          var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
          return withUnsafeMutablePointer(to: &vector) {
            var message = msghdr()
            message.msg_iov = $0
            message.msg_iovlen = 1
            message.msg_control = control.baseAddress
            message.msg_controllen = control.count
            let count = recvmsg(descriptor, &message, Int32(MSG_DONTWAIT))
            controlLength = message.msg_controllen
            return count
          }
        }
      }
      guard count >= 0 else {
        if errno == EAGAIN || errno == EINTR || errno == ENETDOWN { continue }
        throw HarnessError("packet socket: \(String(cString: strerror(errno)))")
      }
      let frame = Array(buffer[(offloads ? OffloadHeader.size : 0)..<count])
      return Received(
        header: offloads ? OffloadHeader(buffer) : OffloadHeader(),
        tag: Self.tag(in: control, length: controlLength), bytes: frame)
    }
  }

  /// The tag in the auxiliary data: one cmsghdr (16 bytes) with a tpacket_auxdata.
  private static func tag(in control: [UInt8], length: Int) -> UInt16? {
    guard length >= 16 + MemoryLayout<tpacket_auxdata>.size else { return nil }
    let auxiliary = control.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: tpacket_auxdata.self) }
    return auxiliary.tp_status & UInt32(TP_STATUS_VLAN_VALID) != 0 ? auxiliary.tp_vlan_tci : nil
  }

  private static func address(_ index: Int32, _ protocolID: UInt16) -> sockaddr_ll {
    var address = sockaddr_ll()
    address.sll_family = UInt16(AF_PACKET)
    address.sll_protocol = protocolID
    address.sll_ifindex = index
    address.sll_halen = 6
    return address
  }
}

/// The first ten bytes of a virtio-net header: what is left to do to a frame. Source: virtio 1.2, 5.1.6.
struct OffloadHeader: Equatable, Sendable {
  static let size = 10

  var needsChecksum = false
  /// 0 none, 1 TCP over IPv4, 4 TCP over IPv6, 5 UDP.
  var segmentation: UInt8 = 0
  /// Length of the headers that every segment repeats.
  var headerLength: UInt16 = 0
  var segmentSize: UInt16 = 0
  /// Where the checksum starts to count, from the first byte of the frame; it is stored `checksumOffset` further.
  var checksumStart: UInt16 = 0
  var checksumOffset: UInt16 = 0

  init() {}

  /// Reads the header at the start of `bytes`.
  init(_ bytes: [UInt8]) {
    func word(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }
    needsChecksum = bytes[0] & 1 != 0
    segmentation = bytes[1]
    headerLength = word(2)
    segmentSize = word(4)
    checksumStart = word(6)
    checksumOffset = word(8)
  }

  var bytes: [UInt8] {
    [needsChecksum ? 1 : 0, segmentation]
      + [headerLength, segmentSize, checksumStart, checksumOffset].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
  }
}
