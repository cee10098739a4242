// One open handle of libpcap; the only file that touches its memory.

import CPcap
import Glibc

/// An interface that is listened to. Belongs to the thread that opened it.
@safe struct Handle: ~Copyable {
  enum Step {
    /// The frame, as far as it was kept; its length; nanoseconds since 1970.
    case frame([UInt8], length: Int, time: UInt64)
    case nothing
  }

  private let pointer: OpaquePointer
  private let descriptor: Int32
  /// Times are in microseconds where the kernel gives no better.
  private let unit: Int

  /// A frame is kept whole, a super-frame too.
  private static let snapshot: Int32 = 262_144

  /// Enters the namespace for good: the thread has nothing else to do.
  init(_ order: CaptureOrder, ring: Int32) throws(CaptureFault) {
    let place = order.namespace.map { "\(order.interface) in network namespace \($0)" } ?? order.interface
    func fault(_ what: String) -> CaptureFault { CaptureFault(description: "\(place) cannot be captured: \(what)") }
    // A server may be called so, too: then its NICs on the host are.
    guard !CaptureNames.isReserved(order.interface) else {
      throw fault("for libpcap that is the name of something else; give the interface another one")
    }
    if let namespace = order.namespace {
      let file = unsafe open("/run/netns/\(namespace)", O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { throw fault("the namespace cannot be opened: \(Self.text(errno))") }
      defer { close(file) }
      let cloneNewNet: Int32 = 0x4000_0000
      guard setns(file, cloneNewNet) == 0 else { throw fault("the namespace cannot be entered: \(Self.text(errno))") }
    }
    guard unsafe if_nametoindex(order.interface) == UInt32(order.index) else {
      throw fault("another interface is called so now; try again")
    }
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let handle = unsafe pcap_create(order.interface, &message) else {
      throw fault(String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    unsafe pcap_set_snaplen(handle, Self.snapshot)
    unsafe pcap_set_immediate_mode(handle, 1)
    unsafe pcap_set_promisc(handle, 1)
    unsafe pcap_set_buffer_size(handle, ring)
    unsafe pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO)
    guard unsafe pcap_activate(handle) >= 0, unsafe pcap_setnonblock(handle, 1, &message) == 0 else {
      let text = unsafe String(cString: pcap_geterr(handle))
      unsafe pcap_close(handle)
      throw fault(text)
    }
    guard unsafe pcap_datalink(handle) == DLT_EN10MB, unsafe if_nametoindex(order.interface) == UInt32(order.index)
    else {
      unsafe pcap_close(handle)
      throw fault("another interface is called so now; try again")
    }
    unsafe pointer = handle
    descriptor = unsafe pcap_get_selectable_fd(handle)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unit = unsafe pcap_get_tstamp_precision(handle) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000
  }

  deinit { unsafe pcap_close(pointer) }

  /// The next frame, when one comes within so many milliseconds; `nil`: the interface is gone, and nothing will come.
  ///
  /// One that was taken down may come up again, and is waited for.
  func next(within milliseconds: Int32) -> Step? {
    guard let step = read() else { return nil }
    if case .frame = step { return step }
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&entry, 1, milliseconds) > 0 else { return .nothing }
    guard entry.revents & Int16(POLLIN) == 0 else { return read() }
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
    return error == ENETDOWN ? .nothing : nil
  }

  private func read() -> Step? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var bytes: UnsafePointer<UInt8>?
    switch unsafe pcap_next_ex(pointer, &header, &bytes) {
    case 1:
      guard let header = unsafe header?.pointee, let bytes = unsafe bytes else { return .nothing }
      let frame = unsafe Array(UnsafeBufferPointer(start: bytes, count: Int(header.caplen)))
      let time = PcapNG.time(seconds: header.ts.tv_sec, nanoseconds: header.ts.tv_usec * unit)
      return .frame(frame, length: Int(header.len), time: time)
    case 0: return .nothing
    // Taken down: libpcap says so once.
    case PCAP_ERROR_IFACE_NOT_UP: return .nothing
    default: return nil
    }
  }

  /// Frames for which the kernel had no room.
  var lost: UInt64 {
    var statistics = pcap_stat()
    return unsafe pcap_stats(pointer, &statistics) == 0 ? UInt64(statistics.ps_drop) : 0
  }

  private static func text(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }
}
