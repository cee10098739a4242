// The pcapng file format, draft-ietf-opsawg-pcapng-02: blocks of a type, a length, a body, and the length again. What
// is written here every reader of the format takes: one section, one Ethernet interface, enhanced packets, statistics.
//
//     section header │ interface description │ enhanced packet │ … │ interface statistics

/// Blocks of a pcapng file of one interface, in the order in which they stand there. Little-endian; times in
/// nanoseconds.
public enum PcapNG {
  /// Begins a file.
  ///
  /// - Parameters:
  ///   - interface: name of the interface.
  ///   - description: what it is, for people.
  ///   - application: who has written the file.
  public static func head(interface: String, description: String, application: String) -> [UInt8] {
    let section = block(
      0x0A0D_0D0A,
      // Byte order, version 1.0, a length that is not known beforehand.
      bytes(0x1A2B_3C4D as UInt32) + bytes(1 as UInt16) + bytes(0 as UInt16) + bytes(UInt64.max)
        + options([(4, Array(application.utf8))]))
    let ethernet: UInt16 = 1
    let name = [(UInt16(2), Array(interface.utf8)), (3, Array(description.utf8))]
    let nanoseconds: [UInt8] = [9]
    return section
      + block(
        0x0000_0001, bytes(ethernet) + bytes(0 as UInt16) + bytes(0 as UInt32) + options(name + [(9, nanoseconds)]))
  }

  /// One frame.
  ///
  /// - Parameters:
  ///   - frame: as much of it as was kept.
  ///   - length: of the whole frame.
  ///   - time: nanoseconds since 1970.
  public static func packet(_ frame: [UInt8], length: Int, time: UInt64) -> [UInt8] {
    block(
      0x0000_0006,
      bytes(0 as UInt32) + moment(time) + bytes(UInt32(frame.count)) + bytes(UInt32(clamping: length)) + padded(frame))
  }

  /// Ends a file: how many frames came, and how many of them the kernel had no room for.
  public static func statistics(received: UInt64, lost: UInt64, time: UInt64) -> [UInt8] {
    block(0x0000_0005, bytes(0 as UInt32) + moment(time) + options([(4, bytes(received)), (5, bytes(lost))]))
  }

  /// Nanoseconds since 1970. The format has none before: a clock that is set so is taken for 0.
  public static func time(seconds: Int, nanoseconds: Int) -> UInt64 {
    let (product, isTooLarge) = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return isTooLarge || seconds < 0 ? 0 : product &+ UInt64(clamping: nanoseconds)
  }

  /// The upper half of a time comes first, whatever the byte order.
  private static func moment(_ time: UInt64) -> [UInt8] {
    bytes(UInt32(time >> 32)) + bytes(UInt32(truncatingIfNeeded: time))
  }

  private static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
    let length = bytes(UInt32(body.count + 12))
    return bytes(type) + length + body + length
  }

  private static func options(_ options: [(code: UInt16, value: [UInt8])]) -> [UInt8] {
    options.reduce(into: []) { all, option in
      // Names of ours are short; a longer text is cut rather than its length.
      let value = Array(option.value.prefix(0xFFFF))
      all += bytes(option.code) + bytes(UInt16(value.count)) + padded(value)
    } + bytes(0 as UInt32)
  }

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
