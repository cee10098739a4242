import Glibc

/// Names that are no network interface for libpcap, whatever interface is called so: it listens to USB, to Bluetooth,
/// to D-Bus, to a queue of the firewall or to everything instead, with the rights of the daemon, on the host.
///
/// Root in a server's namespace chooses what the NIC is called there, so such a name is not handed on.
///
/// Source: libpcap 1.10, `capture_source_types` in pcap.c and the `_create` function of each.
enum CaptureNames {
  private static let beginnings = ["bluetooth", "dbus-", "nflog", "nfqueue", "usbmon", "vale"]
  /// With a number behind.
  private static let cards = ["dag", "septel", "snf"]

  static func isReserved(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    // A device for RDMA has a name of its own, which is nobody's to know beforehand.
    let isRDMA = unsafe access("/sys/class/infiniband/\(name)", F_OK) == 0
    return !isPlain || name.isEmpty || name == "any" || beginnings.contains { name.hasPrefix($0) }
      || cards.contains { name.hasPrefix($0) && name.dropFirst($0.count).first?.isNumber == true } || isRDMA
  }
}
