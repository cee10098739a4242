// The `Date` header, RFC 9110 5.6.7.

import FoundationEssentials
import Glibc

enum HTTPDate {
  /// `Sun, 06 Nov 1994 08:49:37 GMT`
  static func text(_ date: Date) -> String {
    var seconds = time_t(date.timeIntervalSince1970)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    var buffer = [CChar](repeating: 0, count: 64)
    // The process never leaves the C locale.
    let count = strftime(&buffer, buffer.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
