/// A small read-only disk with a few files on it: FAT12 without partitions, which every operating system reads.
///
///     sector 0      boot sector, with the label
///     1 …           one table: 12 bits a cluster
///     … 8 sectors   the root directory: the label, then for each file its long name and its entry
///     …             clusters of 2048 bytes, from number 2 on
///
/// Source: Microsoft, FAT: General Overview of On-Disk Format, 1.03.
public struct FATImage: Sendable {
  /// Of all files, a little less than what 12 bits can number.
  public static let limit = 4000 * cluster

  private static let sector = 512
  private static let cluster = 2048
  private static let rootEntries = 128
  private static let entry = 32
  private static let mediaByte: UInt8 = 0xF8

  /// The disk, from its first byte.
  public let bytes: [UInt8]

  /// `label`: at most 11 capital letters. `files`: names in ASCII, at most ten files. `nil`: they are too large.
  public init?(label: String, files: [(name: String, content: [UInt8])]) {
    precondition(label.utf8.count <= 11 && files.count <= 10, "the root directory holds no more")
    func clusters(_ size: Int) -> Int { (size + Self.cluster - 1) / Self.cluster }
    let used = files.reduce(0) { $0 + clusters($1.content.count) }
    guard used * Self.cluster <= Self.limit else { return nil }
    let total = used + 8
    let tableSectors = ((total + 2) * 3 + 2 * Self.sector - 1) / (2 * Self.sector)
    let rootSectors = Self.rootEntries * Self.entry / Self.sector
    let count = 1 + tableSectors + rootSectors + total * Self.cluster / Self.sector
    var table: [UInt16] = [0xF00 | UInt16(Self.mediaByte), 0xFFF]
    var root = Self.entry(Self.padded(label, to: 11), attributes: 0x08)
    var data: [UInt8] = []
    for (number, file) in files.enumerated() {
      let first = file.content.isEmpty ? 0 : UInt16(table.count)
      let size = clusters(file.content.count)
      for index in 0..<size { table.append(index + 1 == size ? 0xFFF : UInt16(table.count + 1)) }
      data += file.content + [UInt8](repeating: 0, count: size * Self.cluster - file.content.count)
      // Nobody reads the short name; it has to be another for each.
      let short = Self.padded("FILE~\(number)", to: 11)
      root += Self.longName(file.name, checksum: Self.checksum(short))
      root += Self.entry(short, attributes: 0x01, cluster: first, size: file.content.count)
    }
    var bytes = Self.bootSector(label: label, sectors: count, tableSectors: tableSectors)
    bytes += Self.packed(table)
    bytes += [UInt8](repeating: 0, count: (1 + tableSectors) * Self.sector - bytes.count)
    bytes += root
    bytes += [UInt8](repeating: 0, count: (1 + tableSectors + rootSectors) * Self.sector - bytes.count)
    bytes += data
    bytes += [UInt8](repeating: 0, count: count * Self.sector - bytes.count)
    self.bytes = bytes
  }

  private static func bootSector(label: String, sectors: Int, tableSectors: Int) -> [UInt8] {
    var bytes: [UInt8] = [0xEB, 0x3C, 0x90] + padded("TOPRACK", to: 8)
    bytes += little(sector, 2) + [UInt8(cluster / sector)] + little(1, 2) + [1] + little(rootEntries, 2)
    bytes += little(sectors < 0x10000 ? sectors : 0, 2) + [mediaByte] + little(tableSectors, 2)
    // Tracks and heads, of which nobody thinks any more; hidden sectors; the size of a large disk.
    bytes += little(32, 2) + little(2, 2) + little(0, 4) + little(sectors < 0x10000 ? 0 : sectors, 4)
    bytes += [0x80, 0, 0x29] + little(0x7052_6B00, 4) + padded(label, to: 11) + padded("FAT12", to: 8)
    bytes += [UInt8](repeating: 0, count: sector - 2 - bytes.count) + [0x55, 0xAA]
    return bytes
  }

  /// Two entries are three bytes.
  private static func packed(_ table: [UInt16]) -> [UInt8] {
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: table.count, by: 2) {
      let (a, b) = (table[index], index + 1 < table.count ? table[index + 1] : 0)
      bytes += [UInt8(a & 0xFF), UInt8(a >> 8 | (b & 0xF) << 4), UInt8(b >> 4)]
    }
    return bytes
  }

  private static func entry(_ name: [UInt8], attributes: UInt8, cluster: UInt16 = 0, size: Int = 0) -> [UInt8] {
    name + [attributes] + [UInt8](repeating: 0, count: 14) + little(Int(cluster), 2) + little(size, 4)
  }

  /// Thirteen characters an entry, the last of them first.
  private static func longName(_ name: String, checksum: UInt8) -> [UInt8] {
    let units = Array(name.utf16)
    let count = (units.count + 12) / 13
    var bytes: [UInt8] = []
    for part in (0..<count).reversed() {
      let characters = (0..<13).flatMap { place -> [UInt8] in
        let index = part * 13 + place
        return little(index < units.count ? Int(units[index]) : index == units.count ? 0 : 0xFFFF, 2)
      }
      bytes += [UInt8(part + 1) | (part + 1 == count ? 0x40 : 0)] + characters[..<10] + [0x0F, 0, checksum]
      bytes += characters[10..<22] + [0, 0] + characters[22...]
    }
    return bytes
  }

  private static func checksum(_ short: [UInt8]) -> UInt8 { short.reduce(0) { ($0 >> 1 | $0 << 7) &+ $1 } }

  private static func padded(_ text: String, to count: Int) -> [UInt8] {
    Array(text.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: count - text.utf8.count)
  }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
