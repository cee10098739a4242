import CPcap
import Glibc

/// The frames on one NIC that a libpcap filter takes, with the kernel's time of each. They are kept short: some 60 000 fit into
/// the kernel's memory, so that a test can look at them after the fact.
final class TimedCapture {
  struct Arrival {
    /// Since the epoch, microseconds.
    let time: Int
    /// The first 256 bytes of the frame.
    let bytes: [UInt8]
  }

  let place: String
  private let handle: OpaquePointer

  /// `fromSwitch`: what the machine gets; otherwise what it sends.
  init(on nic: NIC, filter: String, fromSwitch: Bool = true) throws {
    struct Handle: @unchecked Sendable { let pointer: OpaquePointer }
    let place = "\(nic.namespace.name)/\(nic.interface)"
    self.place = place
    let interface = nic.interface
    handle = try nic.namespace.inside {
      var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
      guard let handle = pcap_create(interface, &message) else {
        throw HarnessError("pcap_create \(place): \(String(cString: &message))")
      }
      pcap_set_snaplen(handle, 256)
      pcap_set_immediate_mode(handle, 1)
      pcap_set_promisc(handle, 1)
      pcap_set_buffer_size(handle, 24 << 20)
      var program = bpf_program()
      guard pcap_activate(handle) >= 0, pcap_setdirection(handle, fromSwitch ? PCAP_D_IN : PCAP_D_OUT) == 0,
        pcap_setnonblock(handle, 1, &message) == 0, pcap_compile(handle, &program, filter, 1, UInt32.max) == 0
      else {
        defer { pcap_close(handle) }
        throw HarnessError("capture on \(place): \(String(cString: pcap_geterr(handle)))")
      }
      defer { pcap_freecode(&program) }
      guard pcap_setfilter(handle, &program) == 0 else {
        defer { pcap_close(handle) }
        throw HarnessError("filter on \(place): \(String(cString: pcap_geterr(handle)))")
      }
      return Handle(pointer: handle)
    }.pointer
    _ = fcntl(pcap_get_selectable_fd(handle), F_SETFD, FD_CLOEXEC)
  }

  deinit { pcap_close(handle) }

  /// What came since the last call. Throws when the kernel had no room for some of it.
  func drain() throws -> [Arrival] {
    var found: [Arrival] = []
    while true {
      var header: UnsafeMutablePointer<pcap_pkthdr>?
      var data: UnsafePointer<UInt8>?
      let result = pcap_next_ex(handle, &header, &data)
      // An interface that goes down says so once.
      if result == 0 || (result < 0 && String(cString: pcap_geterr(handle)).contains("down")) { break }
      guard result == 1, let header, let data else {
        throw HarnessError("capture on \(place): \(String(cString: pcap_geterr(handle)))")
      }
      let time = header.pointee.ts
      let bytes = Array(UnsafeBufferPointer(start: data, count: Int(header.pointee.caplen)))
      found.append(Arrival(time: time.tv_sec * 1_000_000 + time.tv_usec, bytes: bytes))
    }
    var statistics = pcap_stat()
    guard pcap_stats(handle, &statistics) == 0, statistics.ps_drop == 0 else {
      throw HarnessError("the capture on \(place) lost \(statistics.ps_drop) frames")
    }
    return found
  }
}

/// An LACPDU as it was seen on a NIC. Source of the layout: IEEE 802.1AX-2014 6.4.2.3.
struct SeenLACPDU {
  static let filter = "ether proto 0x8809"

  /// Microseconds since the epoch.
  let time: Int
  let source: MAC
  let system: MAC
  let key: Int
  let port: Int
  /// From bit 0: Activity, Timeout (short), Aggregation, Synchronization, Collecting, Distributing, Defaulted, Expired.
  let state: UInt8

  /// Nil for other slow protocols.
  init?(_ arrival: TimedCapture.Arrival) {
    let bytes = arrival.bytes
    guard bytes.count >= 124, bytes[12] == 0x88, bytes[13] == 0x09, bytes[14] == 1 else { return nil }
    time = arrival.time
    source = MAC(bytes[6..<12])
    system = MAC(bytes[20..<26])
    key = Int(bytes[26]) << 8 | Int(bytes[27])
    port = Int(bytes[30]) << 8 | Int(bytes[31])
    state = bytes[32]
  }

  var wantsFastRate: Bool { state & 0x02 != 0 }
}
