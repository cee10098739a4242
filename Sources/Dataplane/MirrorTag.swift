import Net
import Wire

/// The C-tag of a network in a copy of its frame.
///
/// ## How it works
/// A frame that came in by a port where the network is untagged gets the tag behind its addresses, and the offsets in
/// its virtio header move with it. One that has the tag keeps it, priority and all; a tag with number 0, which only
/// says a priority, gets the number.
enum MirrorTag {
  /// Bytes by which a frame can grow.
  static let growth = 4

  /// Writes the copy of `frame`, a virtio header and the frame, to `target`. Returns its length.
  @unsafe static func put(
    _ vid: VLANID, on frame: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer
  ) -> Int {
    let type = VirtioNetHeader.size + 12
    let start = target.baseAddress!
    guard frame.count >= type + 2, frame.count + growth <= target.count else {
      let count = min(frame.count, target.count)
      unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: frame[..<count]))
      return count
    }
    if let control = unsafe control(of: frame, at: type), control & 0xFFF == 0 || control & 0xFFF == vid.value {
      unsafe target.copyMemory(from: frame)
      unsafe target.storeBytes(of: (control & 0xF000 | vid.value).bigEndian, toByteOffset: type + 2, as: UInt16.self)
      return frame.count
    }
    unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: frame[..<type]))
    unsafe target.storeBytes(of: EtherType.customerTag.bigEndian, toByteOffset: type, as: UInt16.self)
    unsafe target.storeBytes(of: vid.value.bigEndian, toByteOffset: type + 2, as: UInt16.self)
    unsafe UnsafeMutableRawBufferPointer(rebasing: target[(type + growth)...]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: frame[type...]))
    unsafe VirtioNetHeader.shift(start, by: growth)
    return frame.count + growth
  }

  /// The control field of the C-tag; nil: it has none.
  @unsafe private static func control(of frame: UnsafeRawBufferPointer, at type: Int) -> UInt16? {
    guard frame.count >= type + 4,
      unsafe UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: type, as: UInt16.self)) == EtherType.customerTag
    else { return nil }
    return unsafe UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: type + 2, as: UInt16.self))
  }
}
