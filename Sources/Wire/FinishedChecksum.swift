extension FrameBuffer {
  /// The frame from its destination address on.
  @unsafe public var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: start + VirtioNetHeader.size, count: count)
  }

  /// Does what the virtio header left to be done of a checksum, in a frame that is no super-frame and whose offload is
  /// sound (`hasSoundOffload`). Source: virtio 1.2 5.1.6.2.
  public func finishChecksum() {
    let header = unsafe UnsafeRawPointer(start)
    guard unsafe header.load(as: UInt8.self) & VirtioNetHeader.needsChecksum != 0,
      unsafe !VirtioNetHeader.isSegmented(header)
    else { return }
    let begin = unsafe Int(header.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
    let field = unsafe begin + Int(header.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
    guard begin <= count, field + 2 <= count else { return }
    // The field holds the pseudo-header's sum. 0 would say to UDP that there is none: RFC 768.
    let sum = unsafe InternetChecksum.finish(InternetChecksum.sum(frame + begin, count: count - begin))
    unsafe (start + VirtioNetHeader.size).storeBigEndian16(sum == 0 ? 0xFFFF : sum, at: field)
    unsafe start.storeBytes(of: header.load(as: UInt8.self) & ~VirtioNetHeader.needsChecksum, as: UInt8.self)
  }
}
