public import Net

/// The frame by which the switch finds out whether what it sends into a server comes back.
///
///     0             6        12     14    16     18     20         22        24      28        36     44         60
///     ┌─────────────┬────────┬──────┬─────┬──────┬──────┬──────────┬─────────┬───────┬─────────┬──────┬──────────┐
///     │ broadcast   │ source │ 8100 │ TCI │ 9000 │ 0000 │ 0100     │ 0000    │ trlp  │ number  │ tag  │ zeros    │
///     └─────────────┴────────┴──────┴─────┴──────┴──────┴──────────┴─────────┴───────┴─────────┴──────┴──────────┘
///                              a C-tag     type   skip   function:  receipt            big-endian
///                              if tagged                 reply
///
/// 9000 is Ethernet's own test of a loop, the Configuration Testing Protocol, by which other switches look for loops as
/// well. To a station a reply that nobody waits for is nothing, and almost no system speaks it: a server that does not
/// forward the frame throws it away. Broadcast, because whatever loops forwards broadcasts. `number` means something
/// only to the switch; `tag` is its SipHash by a secret of the process. So a server can send a probe back that it was
/// given, which is what the switch wants to know, and can make none.
///
/// Source: DEC, Intel, Xerox, "The Ethernet", version 2.0, 1982, 8.
public enum LoopProbe {
  /// Locally administered; nobody sends to it.
  public static let source = MACAddress(0x0274_6F70_726B)
  /// Bytes of an untagged probe, as short as Ethernet has them.
  public static let frameSize = 60
  /// Skip count 0, function 1 (little-endian, as the protocol has it), receipt number 0, and "trlp": others test as
  /// well.
  private static let head: [UInt8] = [0, 0, 1, 0, 0, 0, 0x74, 0x72, 0x6C, 0x70]
  /// Bytes behind the EtherType to the end of the tag.
  private static let contentSize = 26

  /// Whether the frame of `header` may be a probe: a look at two fields that are decoded already.
  @inline(always) @inlinable
  public static func isSuspected(_ header: FrameHeader) -> Bool {
    header.etherType == EtherType.loopTest && header.destination.value == 0xFFFF_FFFF_FFFF
  }

  /// A zero virtio header and the probe. `tagControl`: the C-tag that it carries; `nil`: none.
  public static func frame(number: UInt64, key: SipKey, tagControl: UInt16?) -> [UInt8] {
    func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
    }
    var frame = [UInt8](repeating: 0, count: VirtioNetHeader.size)
    frame += bytes(.max, 6) + bytes(source.value, 6)
    if let tagControl { frame += bytes(UInt64(EtherType.customerTag), 2) + bytes(UInt64(tagControl), 2) }
    frame += bytes(UInt64(EtherType.loopTest), 2) + head + bytes(number, 8) + bytes(key.tag(of: number), 8)
    let size = VirtioNetHeader.size + frameSize + (tagControl == nil ? 0 : FrameHeader.tagSize)
    return frame + [UInt8](repeating: 0, count: size - frame.count)
  }

  /// The number of a probe that was made with `key`; `nil` for any other frame. `header` is the frame's own, decoded.
  @unsafe static func number(
    in frame: UnsafeRawPointer, count: Int, header: FrameHeader, key: SipKey
  ) -> UInt64? {
    let start = header.isTagged ? FrameHeader.size + FrameHeader.tagSize : FrameHeader.size
    guard isSuspected(header), count >= start + contentSize else { return nil }
    guard unsafe frame.bigEndian64(at: start) == 0x0000_0100_0000_7472,
      unsafe frame.bigEndian16(at: start + 8) == 0x6C70
    else { return nil }
    let number = unsafe frame.bigEndian64(at: start + 10)
    return unsafe frame.bigEndian64(at: start + 18) == key.tag(of: number) ? number : nil
  }
}

extension FrameBuffer {
  /// The number of a probe that was made with `key`; `nil` for any other frame. `header` is the frame's own, decoded.
  public func loopProbe(_ header: FrameHeader, key: SipKey) -> UInt64? {
    unsafe LoopProbe.number(in: frame, count: count, header: header, key: key)
  }
}
