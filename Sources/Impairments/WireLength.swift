/// How many bytes a frame is on a wire.
public enum WireLength {
  /// A super-frame of `length` bytes, whose first `headers` are those of each of its pieces, and whose pieces carry
  /// `segment` bytes each, is as long as its pieces together. `segment` 0: it is one frame.
  @inline(always) @inlinable public static func bytes(_ length: Int, headers: Int, segment: Int) -> Int {
    guard segment > 0, length > headers &+ segment else { return length }
    let pieces = (length &- headers &+ segment &- 1) / segment
    return length &+ (pieces &- 1) &* headers
  }
}
