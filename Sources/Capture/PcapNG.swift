// The pcapng file format, draft-ietf-opsawg-pcapng-02: blocks of a type, a length, a body, and the length again. What
// is written here every reader of the format takes: one section, Ethernet interfaces, enhanced packets, statistics.
//
//     section header │ interface │ interface │ … │ enhanced packet │ … │ interface │ … │ statistics of each interface

/// Blocks of a pcapng file of many interfaces. Little-endian; times in nanoseconds.
///
/// An interface has the number of its block, counted from 0. It can come at any time before its first packet.
enum PcapNG {
  /// Begins a file, of a length that is not known beforehand.
  static func section(application: String, to file: inout [UInt8]) {
    block(0x0A0D_0D0A, to: &file) { file in
      // Byte order, version 1.0, no length.
      append(0x1A2B_3C4D as UInt32, to: &file)
      append(1 as UInt16, to: &file)
      append(0 as UInt16, to: &file)
      append(UInt64.max, to: &file)
      option(4, application, to: &file)
      endOfOptions(&file)
    }
  }

  /// An interface. `snapLength` is the same for all: readers take the first one's for the file.
  static func interface(_ interface: CaptureInterface, snapLength: Int, filter: String?, to file: inout [UInt8]) {
    block(1, to: &file) { file in
      let ethernet: UInt16 = 1
      append(ethernet, to: &file)
      append(0 as UInt16, to: &file)
      append(UInt32(clamping: snapLength), to: &file)
      option(2, interface.name, to: &file)
      option(3, interface.description, to: &file)
      if interface.speed > 0 { option(8, number: interface.speed, to: &file) }
      let nanoseconds: [UInt8] = [9]
      option(9, nanoseconds, to: &file)
      // Behind a zero: a filter as libpcap has it.
      if let filter { option(11, [0] + Array(filter.utf8), to: &file) }
      endOfOptions(&file)
    }
  }

  /// What a packet has besides its bytes.
  struct Packet {
    /// Number of its interface's block.
    var interface: Int
    /// Nanoseconds since 1970.
    var time: UInt64
    /// Bytes of the whole frame.
    var length: Int
    /// From the interface into the switch.
    var isInbound: Bool
    var comments: [String] = []
    /// Frames that found no room since the packet before.
    var lost: UInt64 = 0
  }

  static func packet(_ packet: Packet, _ bytes: ArraySlice<UInt8>, to file: inout [UInt8]) {
    block(6, to: &file) { file in
      append(UInt32(clamping: packet.interface), to: &file)
      moment(packet.time, to: &file)
      append(UInt32(clamping: bytes.count), to: &file)
      append(UInt32(clamping: packet.length), to: &file)
      file += bytes
      pad(bytes.count, &file)
      for comment in packet.comments { option(1, comment, to: &file) }
      append(2 as UInt16, to: &file)
      append(4 as UInt16, to: &file)
      append(packet.isInbound ? 1 : 2 as UInt32, to: &file)
      if packet.lost > 0 { option(4, number: packet.lost, to: &file) }
      endOfOptions(&file)
    }
  }

  /// How many frames of an interface were written, and for how many there was no room.
  static func statistics(
    of interface: Int, received: UInt64, lost: UInt64, comment: String? = nil, from start: UInt64, to end: UInt64,
    to file: inout [UInt8]
  ) {
    block(5, to: &file) { file in
      append(UInt32(clamping: interface), to: &file)
      moment(end, to: &file)
      if let comment { option(1, comment, to: &file) }
      option(2, time: start, to: &file)
      option(3, time: end, to: &file)
      option(4, number: received, to: &file)
      option(5, number: lost, to: &file)
      endOfOptions(&file)
    }
  }

  // MARK: What blocks are made of

  private static func block(_ type: UInt32, to file: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
    let start = file.count
    append(type, to: &file)
    append(0 as UInt32, to: &file)
    body(&file)
    let length = UInt32(clamping: file.count - start + 4)
    append(length, to: &file)
    for index in 0..<4 { file[start + 4 + index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index)) }
  }

  /// The upper half of a time comes first, whatever the byte order.
  private static func moment(_ time: UInt64, to file: inout [UInt8]) {
    append(UInt32(time >> 32), to: &file)
    append(UInt32(truncatingIfNeeded: time), to: &file)
  }

  private static func option(_ code: UInt16, _ value: some Collection<UInt8>, to file: inout [UInt8]) {
    // Names of ours are short; a longer text is cut rather than its length.
    let value = value.prefix(0xFFFF)
    append(code, to: &file)
    append(UInt16(value.count), to: &file)
    file += value
    pad(value.count, &file)
  }

  private static func option(_ code: UInt16, _ text: String, to file: inout [UInt8]) {
    option(code, text.utf8, to: &file)
  }

  private static func option(_ code: UInt16, number: UInt64, to file: inout [UInt8]) {
    append(code, to: &file)
    append(8 as UInt16, to: &file)
    append(number, to: &file)
  }

  private static func option(_ code: UInt16, time: UInt64, to file: inout [UInt8]) {
    append(code, to: &file)
    append(8 as UInt16, to: &file)
    moment(time, to: &file)
  }

  private static func endOfOptions(_ file: inout [UInt8]) { append(0 as UInt32, to: &file) }

  private static func pad(_ count: Int, _ file: inout [UInt8]) {
    for _ in 0..<(4 - count % 4) % 4 { file.append(0) }
  }

  private static func append(_ value: some FixedWidthInteger, to file: inout [UInt8]) {
    for index in 0..<value.bitWidth / 8 { file.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
}
