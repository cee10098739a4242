import Net
import Wire

/// A piece of a frame that is read: `kept` bytes of it are here, `length` it has.
///
/// Every access is checked: who reads behind the last kept byte gets `Missing`, never a trap.
struct Octets {
  /// The bytes wanted were not kept, or were never there.
  struct Missing: Error {}

  private let bytes: ArraySlice<UInt8>
  /// Bytes that there are by what was said of them, kept or not.
  let length: Int

  init(_ bytes: ArraySlice<UInt8>, length: Int) {
    self.bytes = bytes.prefix(max(0, length))
    self.length = max(0, length)
  }

  /// Bytes that can be read.
  var kept: Int { bytes.count }

  private func place(_ offset: Int, _ count: Int) throws(Missing) -> Int {
    guard offset >= 0, offset + count <= bytes.count else { throw Missing() }
    return bytes.startIndex + offset
  }

  func byte(_ offset: Int) throws(Missing) -> Int { Int(bytes[try place(offset, 1)]) }
  func word(_ offset: Int) throws(Missing) -> Int { Int(bytes.number16(at: try place(offset, 2))) }
  func long(_ offset: Int) throws(Missing) -> UInt32 { bytes.number32(at: try place(offset, 4)) }
  func mac(_ offset: Int) throws(Missing) -> MACAddress { bytes.macAddress(at: try place(offset, 6)) }
  func v4(_ offset: Int) throws(Missing) -> IPAddress { bytes.address4(at: try place(offset, 4)) }
  func v6(_ offset: Int) throws(Missing) -> IPAddress { bytes.address6(at: try place(offset, 16)) }

  func hex(_ offset: Int, _ count: Int) throws(Missing) -> String {
    let start = try place(offset, count)
    return bytes[start..<start + count].map { FrameText.hex(Int($0), 2) }.joined()
  }

  /// `count` bytes as text, what does not print as a dot.
  func text(_ offset: Int, _ count: Int) throws(Missing) -> String {
    let start = try place(offset, count)
    return String(
      bytes[start..<start + count].map { $0 > 0x20 && $0 < 0x7F ? Character(Unicode.Scalar($0)) : "." })
  }

  /// What begins at `offset`, to the end or `length` bytes of it.
  func from(_ offset: Int, length wanted: Int? = nil) -> Octets {
    let rest = max(0, length - offset)
    return Octets(bytes.dropFirst(offset), length: min(rest, wanted ?? rest))
  }
}
