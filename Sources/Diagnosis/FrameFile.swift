/// The frames of a capture file: pcap in either byte order, with micro- or nanoseconds, and pcapng as `toprack capture`
/// writes it. Pure; times, comments and interfaces are passed over.
///
/// Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng 4.1 to 4.4.
public enum FrameFile {
  public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    public static let none = Fault(description: "no frame is in it")
  }

  /// Whether the bytes begin as such a file does.
  public static func isOne(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 4 && (order(of: bytes) != nil || Array(bytes[..<4]) == section)
  }

  /// The frames, in their order. Throws for a file that ends within one, or has another link type than Ethernet.
  public static func frames(in bytes: [UInt8]) throws(Fault) -> [[UInt8]] {
    if let order = order(of: bytes) { return try classic(bytes, order) }
    if bytes.count >= 4, Array(bytes[..<4]) == section { return try blocks(bytes) }
    throw Fault(description: "it is neither pcap nor pcapng")
  }

  private static let section: [UInt8] = [0x0A, 0x0D, 0x0D, 0x0A]
  private static let ethernet: UInt32 = 1
  /// The longest that a link gives.
  private static let frameLimit = 262_144

  private enum Order { case little, big }

  private static func order(of bytes: [UInt8]) -> Order? {
    guard bytes.count >= 4 else { return nil }
    switch Array(bytes[..<4]) {
    case [0xD4, 0xC3, 0xB2, 0xA1], [0x4D, 0x3C, 0xB2, 0xA1]: return .little
    case [0xA1, 0xB2, 0xC3, 0xD4], [0xA1, 0xB2, 0x3C, 0x4D]: return .big
    default: return nil
    }
  }

  private static func number(_ bytes: [UInt8], _ place: Int, _ order: Order, size: Int = 4) throws(Fault) -> UInt32 {
    guard place + size <= bytes.count else { throw cut }
    let octets = bytes[place..<place + size]
    return (order == .big ? Array(octets) : octets.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static let cut = Fault(description: "it ends within a frame")
  private static let foreign = Fault(description: "its frames are not Ethernet")

  private static func slice(_ bytes: [UInt8], _ place: Int, _ count: UInt32) throws(Fault) -> [UInt8] {
    guard count <= frameLimit, place + Int(count) <= bytes.count else { throw cut }
    return Array(bytes[place..<place + Int(count)])
  }

  private static func classic(_ bytes: [UInt8], _ order: Order) throws(Fault) -> [[UInt8]] {
    // The upper bits say how long check sequences are.
    guard try number(bytes, 20, order) & 0xFFFF == ethernet else { throw foreign }
    var frames: [[UInt8]] = []
    var place = 24
    while place < bytes.count {
      let count = try number(bytes, place + 8, order)
      frames.append(try slice(bytes, place + 16, count))
      place += 16 + Int(count)
    }
    return frames
  }

  private static func blocks(_ bytes: [UInt8]) throws(Fault) -> [[UInt8]] {
    var (frames, place, order, links) = ([[UInt8]](), 0, Order.little, [UInt32]())
    while place < bytes.count {
      if place + 12 <= bytes.count, Array(bytes[place..<place + 4]) == section {
        order = bytes[place + 8] == 0x1A ? .big : .little
        links = []
      }
      let (kind, length) = (try number(bytes, place, order), Int(try number(bytes, place + 4, order)))
      guard length >= 12, length % 4 == 0, place + length <= bytes.count else { throw cut }
      switch kind {
      case 1: links.append(try number(bytes, place + 8, order, size: 2))
      case 6:
        let interface = Int(try number(bytes, place + 8, order))
        guard links.indices.contains(interface), links[interface] == ethernet else { throw foreign }
        frames.append(try slice(bytes, place + 28, try number(bytes, place + 20, order)))
      case 3:
        guard links.first == ethernet else { throw foreign }
        let count = min(try number(bytes, place + 8, order), UInt32(length - 16))
        frames.append(try slice(bytes, place + 12, count))
      default: break
      }
      place += length
    }
    return frames
  }
}
