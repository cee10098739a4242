// The journal of systemd, in its own protocol: a datagram an entry, a field a line. A value with a line end in it stands
// behind its length, so nothing that somebody wrote can pass for a field.
//
// Source: systemd, "Native Journal Protocol" (docs/JOURNAL_NATIVE_PROTOCOL.md).

import Foundation

/// Threads: safe to share.
final class JournalSocket: Sendable {
  static let path = "/run/systemd/journal/socket"
  /// What goes in one datagram; a longer message is cut.
  private static let limit = 32 << 10

  private let descriptor: Int32

  init() { descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// False: the journal did not take it.
  func send(_ entry: LogEntry) -> Bool {
    let datagram = Self.datagram(entry)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Self.path.utf8) }
    let sent = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(
          descriptor, datagram, datagram.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT), $0,
          socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return sent == datagram.count
  }

  static func datagram(_ entry: LogEntry) -> [UInt8] {
    var bytes: [UInt8] = []
    func add(_ name: String, _ value: String) {
      var value = Array(value.utf8.prefix(limit))
      // Not half a character.
      while let last = value.last, last & 0x80 != 0, String(validating: value, as: UTF8.self) == nil {
        value.removeLast()
      }
      guard value.contains(UInt8(ascii: "\n")) else {
        bytes += Array("\(name)=".utf8) + value + [UInt8(ascii: "\n")]
        return
      }
      bytes += Array("\(name)\n".utf8)
      withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes += $0 }
      bytes += value + [UInt8(ascii: "\n")]
    }
    add("MESSAGE", LogEntry.oneLine(entry.message))
    add("PRIORITY", "\(entry.priority)")
    add("SYSLOG_IDENTIFIER", "toprackd")
    for (name, value) in entry.fields {
      add(fieldName(name), value)
    }
    return bytes
  }

  /// `TOPRACK_SERVER`: capitals, digits and underscores, as the journal wants them.
  private static func fieldName(_ name: String) -> String {
    let name = name == LogEntry.error ? "error" : name
    return "TOPRACK_"
      + String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }.prefix(40))
  }
}
