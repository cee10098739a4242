import Testing

@testable import Machines

@Suite("A disk with a few files") struct FATImageTests {
  /// Reads it by the book, long names and all.
  private struct Reader {
    let bytes: [UInt8]
    func number(_ offset: Int, _ count: Int) -> Int {
      (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }
    var label: String { String(decoding: bytes[43..<54], as: UTF8.self) }
    private var table: Int { number(11, 2) * number(14, 2) }
    private var root: Int { table + number(22, 2) * 512 * number(16, 1) }
    private var data: Int { root + number(17, 2) * 32 }
    private var cluster: Int { number(13, 1) * 512 }

    private func next(_ number: Int) -> Int {
      let pair = self.number(table + number * 3 / 2, 2)
      return number.isMultiple(of: 2) ? pair & 0xFFF : pair >> 4
    }

    var files: [String: [UInt8]] {
      var files: [String: [UInt8]] = [:]
      var name: [UInt16] = []
      for entry in stride(from: root, to: data, by: 32) where bytes[entry] != 0 {
        switch bytes[entry + 11] {
        case 0x0F:
          let places = Array(stride(from: 1, to: 11, by: 2)) + Array(stride(from: 14, to: 26, by: 2)) + [28, 30]
          name = places.map { UInt16(number(entry + $0, 2)) } + name
        case 0x08: #expect(String(decoding: bytes[entry..<entry + 11], as: UTF8.self) == label)
        default:
          var content: [UInt8] = []
          var place = number(entry + 26, 2)
          while place >= 2, place < 0xFF8 {
            let start = data + (place - 2) * cluster
            content += bytes[start..<start + cluster]
            place = next(place)
          }
          let text = String(decoding: name.prefix { $0 != 0 && $0 != 0xFFFF }, as: UTF16.self)
          files[text] = Array(content.prefix(number(entry + 28, 4)))
          name = []
        }
      }
      return files
    }
  }

  @Test("has its label and every byte of every file, whatever their length")
  func roundTrip() throws {
    let long = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let files: [(name: String, content: [UInt8])] = [
      ("meta-data", Array("instance-id: x\n".utf8)), ("user-data", long), ("vendor-data", []),
      ("a-name-of-thirty-characters.txt", [UInt8](repeating: 7, count: 2048)), ("thirteen-char", [1]),
    ]
    let image = try #require(FATImage(label: "CIDATA", files: files))
    let reader = Reader(bytes: image.bytes)
    #expect(image.bytes.count.isMultiple(of: 512) && image.bytes.count == reader.number(19, 2) * 512)
    #expect(image.bytes[510...511] == [0x55, 0xAA] && reader.label == "CIDATA     ")
    #expect(reader.files == Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0.content) }))
  }

  @Test("holds some megabytes, and says when there is more")
  func limits() {
    let full = FATImage(label: "X", files: [("a", [UInt8](repeating: 1, count: FATImage.limit))])
    #expect(full.map { Reader(bytes: $0.bytes).files["a"]?.count } == FATImage.limit)
    #expect(FATImage(label: "X", files: [("a", [UInt8](repeating: 1, count: FATImage.limit + 1))]) == nil)
  }
}
