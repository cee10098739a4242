import Net
import Observers
import Wire

/// What a frame looks like on a wire: what the virtio header leaves open is done here, for whoever reads a capture.
///
/// ## How it works
/// Linux hands frames to a virtual NIC before the work that hardware would do: TCP and UDP checksums are half done, and
/// what is sent in one go is one super-frame of up to 64 KiB. The switch passes both on as they are. A capture shows
/// frames with their checksums, and the segments that hardware would make of a super-frame, by the same code that the
/// gateway cuts with; or the super-frame whole, when that is asked for.
///
/// Tags are taken off before and put back after: the cutter knows untagged frames. Of a frame that was not kept whole,
/// what is missing is taken for zeros; a segment then has as many bytes as were kept of it. Its checksum is that of
/// nothing, and no reader checks one of a part.
///
/// ## Threads
/// Pure.
struct FrameFinisher {
  /// A frame as it is shown.
  struct Finished: Equatable {
    /// As much as was kept.
    var bytes: [UInt8]
    var length: Int
    var comment: String?
  }

  /// Super-frames stay in one piece.
  var keepsWhole = false
  /// Nothing is done: as the switch had it.
  var keepsOffload = false
  var snapLength = FrameWatch.snapLimit

  private enum Offload {
    static let needsChecksum: UInt8 = 1
    /// TCP over IPv4 and IPv6, and UDP by segments.
    static let segmented: Set<UInt8> = [1, 4, 5]
    static let ecn: UInt8 = 0x80
    static let segmentSize = 4
    static let checksumStart = 6
  }

  func finish(_ frame: SeenFrame) -> [Finished] {
    let plain = Finished(bytes: frame.bytes, length: frame.length)
    let type = frame.offload[1] & ~Offload.ecn
    let isSegmented = Offload.segmented.contains(type)
    guard !keepsOffload, isSegmented || frame.offload[0] & Offload.needsChecksum != 0, frame.bytes.count >= 14 else {
      return [plain]
    }
    let tags = Self.tags(of: frame.bytes)
    var whole = Self.untagged(frame, tags.count)
    if isSegmented {
      let segments = PacketCutter.cut(whole, mtu: .max / 2)
      if segments.count > 1, !keepsWhole { return cut(frame, segments, tags) }
      var shown = checked(frame, &whole, tags)
      let size = Int(frame.offload[Offload.segmentSize]) | Int(frame.offload[Offload.segmentSize + 1]) << 8
      if segments.count > 1 { shown.comment = "super-frame: \(segments.count) segments of \(size) bytes" }
      return [shown]
    }
    return [checked(frame, &whole, tags)]
  }

  /// The frame with its checksum, where all of it is here.
  private func checked(_ frame: SeenFrame, _ whole: inout [UInt8], _ tags: ArraySlice<UInt8>) -> Finished {
    guard frame.bytes.count == frame.length, PacketCutter.finishChecksum(&whole) else {
      return Finished(bytes: frame.bytes, length: frame.length)
    }
    return Finished(bytes: Self.tagged(whole, tags), length: frame.length)
  }

  private func cut(_ frame: SeenFrame, _ segments: [[UInt8]], _ tags: ArraySlice<UInt8>) -> [Finished] {
    let size = Int(frame.offload[Offload.segmentSize]) | Int(frame.offload[Offload.segmentSize + 1]) << 8
    let headers = segments[0].count - VirtioNetHeader.size + tags.count - size
    return segments.enumerated().map { index, segment in
      let bytes = Self.tagged(segment, tags)
      let own = max(0, frame.bytes.count - headers - index * size)
      let kept = frame.bytes.count == frame.length ? bytes.count : min(bytes.count, headers + own)
      return Finished(bytes: Array(bytes.prefix(min(kept, snapLength))), length: bytes.count)
    }
  }

  // MARK: Tags

  /// The tags behind the two addresses, as they stand there.
  private static func tags(of bytes: [UInt8]) -> ArraySlice<UInt8> {
    var end = 12
    while end + 4 <= bytes.count, [0x8100, 0x88A8, 0x9100].contains(bytes.number16(at: end)) { end += 4 }
    return bytes[12..<end]
  }

  /// Virtio header and frame without `tagCount` bytes of tags, as long as the frame is.
  private static func untagged(_ frame: SeenFrame, _ tagCount: Int) -> [UInt8] {
    var bytes = frame.offload
    bytes.reserveCapacity(bytes.count + frame.length)
    let start = Int(bytes[Offload.checksumStart]) | Int(bytes[Offload.checksumStart + 1]) << 8
    let moved = max(0, start - tagCount)
    bytes[Offload.checksumStart] = UInt8(truncatingIfNeeded: moved)
    bytes[Offload.checksumStart + 1] = UInt8(truncatingIfNeeded: moved >> 8)
    bytes += frame.bytes[..<12]
    bytes += frame.bytes[(12 + tagCount)...]
    bytes += repeatElement(0, count: max(0, frame.length - frame.bytes.count))
    return bytes
  }

  private static func tagged(_ whole: [UInt8], _ tags: ArraySlice<UInt8>) -> [UInt8] {
    let frame = whole[VirtioNetHeader.size...]
    guard !tags.isEmpty, frame.count >= 12 else { return Array(frame) }
    return Array(frame.prefix(12)) + tags + frame.dropFirst(12)
  }
}
