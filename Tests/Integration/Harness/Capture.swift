import CPcap
import Glibc

/// `PACKET_IGNORE_OUTGOING` of <linux/if_packet.h>, since Linux 4.20, and its level, `SOL_PACKET`.
private let ignoreOutgoing: Int32 = 23
private let packetLevel: Int32 = 263

/// Frames on one NIC, seen by libpcap from the server's side: what a tcpdump there would show.
///
/// The handle is opened inside the NIC's namespace, in immediate mode; the kernel keeps the frames until the test
/// asks for them. Libpcap puts an outer VLAN tag, which Linux moves out of the frame, back where it was on the wire.
final class Capture {
  enum Direction: Sendable { case arriving, leaving, both }

  private let handle: OpaquePointer
  private let descriptor: Int32
  private let place: String

  /// `buffer`: bytes of kernel memory; a slot of it takes a whole frame of up to 64 KiB.
  init(
    on interface: String, in namespace: NetworkNamespace, _ direction: Direction = .arriving, buffer: Int32 = 16 << 20
  )
    throws
  {
    struct Handle: @unchecked Sendable { let pointer: OpaquePointer }
    place = "\(namespace.name)/\(interface)"
    let place = place
    handle = try namespace.inside {
      var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
      guard let handle = pcap_create(interface, &message) else {
        throw HarnessError("pcap_create \(place): \(String(cString: &message))")
      }
      pcap_set_snaplen(handle, 262_144)
      pcap_set_immediate_mode(handle, 1)
      pcap_set_promisc(handle, 1)
      pcap_set_buffer_size(handle, buffer)
      guard pcap_activate(handle) >= 0 else {
        defer { pcap_close(handle) }
        throw HarnessError("pcap_activate \(place): \(String(cString: pcap_geterr(handle)))")
      }
      let wanted =
        switch direction {
        case .arriving: PCAP_D_IN
        case .leaving: PCAP_D_OUT
        case .both: PCAP_D_INOUT
        }
      guard pcap_setdirection(handle, wanted) == 0, pcap_setnonblock(handle, 1, &message) == 0 else {
        defer { pcap_close(handle) }
        throw HarnessError("pcap \(place): \(String(cString: pcap_geterr(handle)))")
      }
      if direction == .arriving {
        // libpcap passes over the machine's own frames itself; until it has looked, they take the places of others.
        var ignored: Int32 = 1
        let status = setsockopt(
          pcap_get_selectable_fd(handle), packetLevel, ignoreOutgoing, &ignored, socklen_t(MemoryLayout<Int32>.size))
        guard status == 0 else {
          defer { pcap_close(handle) }
          throw HarnessError("PACKET_IGNORE_OUTGOING \(place): \(String(cString: strerror(errno)))")
        }
      }
      return Handle(pointer: handle)
    }.pointer
    descriptor = pcap_get_selectable_fd(handle)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit { pcap_close(handle) }

  /// The next frame, whatever it is; nil when none came before `deadline`.
  func next(until deadline: Deadline) throws -> [UInt8]? {
    while true {
      var header: UnsafeMutablePointer<pcap_pkthdr>?
      var bytes: UnsafePointer<UInt8>?
      switch pcap_next_ex(handle, &header, &bytes) {
      case 1:
        guard let header, let bytes else { continue }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(header.pointee.caplen)))
      case 0:
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&entry, 1, deadline.milliseconds) == 0 { return nil }
        if entry.revents & Int16(POLLIN) == 0, entry.revents != 0 {
          // The interface went down or away: not an error of the capture, but there is nothing to come.
          var message: Int32 = 0
          var length = socklen_t(MemoryLayout<Int32>.size)
          getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &message, &length)
          if message != 0, message != ENETDOWN {
            throw HarnessError("capture on \(place): \(String(cString: strerror(message)))")
          }
        }
      default:
        throw HarnessError("capture on \(place): \(String(cString: pcap_geterr(handle)))")
      }
      if deadline.hasPassed { return nil }
    }
  }

  /// Frames that the kernel had no room for. A test that counts frames checks that it is 0.
  var lost: Int {
    var statistics = pcap_stat()
    guard pcap_stats(handle, &statistics) == 0 else { return -1 }
    return Int(statistics.ps_drop)
  }
}
