import CPort
import Glibc
public import Wire

/// What became of one `send`.
public struct SendResult: Sendable, BitwiseCopyable {
  public let nic: Int
  /// Bytes of the frame, without the virtio header.
  public let byteCount: Int
  /// 0, or a positive `errno`: EIO when the interface is down, EBADFD when it is gone; `refused`.
  public let errno: Int32
  /// `TAPDriver.refuse` was called: no TAP says this.
  public static let refused = EDOM
}

/// A second image of a received frame, noted by `makeImage`, to be sent any number of times until the next `flush`.
@safe public struct ImageHandle: BitwiseCopyable {
  let pieces: UnsafeMutablePointer<iovec>
  let frameCount: Int32
}

extension TAPDriver {
  // MARK: NICs

  /// Takes `tap` in as `nic`. The TAP must stay open until `detach`.
  public mutating func attach(_ tap: borrowing TAP, as nic: Int) throws(PortsFault) {
    precondition(nic < nicLimit, "NIC index over the driver's limit")
    if let ring = unsafe ring {
      try PortsFault.check(
        unsafe cport_ring_set_file(ring, UInt32(nic), tap.descriptor), "registering interface \(tap.name)")
    }
    unsafe descriptors[nic] = tap.descriptor
    unsafe appetite[nic] = 1
  }

  public mutating func detach(_ nic: Int) {
    if let ring = unsafe ring { _ = unsafe cport_ring_set_file(ring, UInt32(nic), -1) }
    unsafe descriptors[nic] = -1
  }

  /// Descriptor of `nic` for a poller; −1 when there is none.
  public func descriptor(of nic: Int) -> Int32 { unsafe descriptors[nic] }

  /// Whether the interface is up on the server's side, asked of the kernel now.
  public func isUp(_ nic: Int) -> Bool {
    let descriptor = unsafe descriptors[nic]
    return descriptor >= 0 && cport_tap_is_up(descriptor) == 1
  }

  // MARK: Receiving

  /// Fills the batch from `nic`, with at most `limit` frames (1 or more). Returns how many places to look at with
  /// `received`; a place can be empty. 0: nothing there. Negative: −errno, the interface is gone.
  public mutating func receive(from nic: Int, atMost limit: Int = batchLimit) -> Int {
    let wanted = unsafe min(limit, Int(appetite[nic]))
    guard wanted > 1, let ring = unsafe ring else { return receivePlain(nic, wanted) }
    return unsafe receiveBatch(nic, wanted, ring)
  }

  private mutating func receivePlain(_ nic: Int, _ wanted: Int) -> Int {
    var taken = 0
    while taken < wanted {
      let result = unsafe cport_read(descriptors[nic], place(taken), Self.frameLimit + VirtioNetHeader.size)
      guard result > 0 else {
        if taken == 0, result < 0, result != -Int(EAGAIN), result != -Int(EINTR) { return result }
        break
      }
      unsafe lengths[taken] = Int32(result)
      taken &+= 1
    }
    adapt(nic, wanted: wanted, taken: taken)
    return taken
  }

  private mutating func receiveBatch(_ nic: Int, _ wanted: Int, _ ring: UnsafeMutablePointer<cport_ring>) -> Int {
    for index in 0..<wanted {
      unsafe lengths[index] = 0
      unsafe cport_ring_read(
        ring, UInt32(nic), place(index), UInt32(Self.frameLimit + VirtioNetHeader.size), UInt64(index))
    }
    unsafe cport_ring_submit(ring)
    var user: UInt64 = 0
    var result: Int32 = 0
    var taken = 0
    var fault = 0
    while unsafe cport_ring_next(ring, &user, &result) != 0 {
      if result > 0 {
        taken &+= 1
        unsafe lengths[Int(user)] = result
      } else if result != -EAGAIN, result != -EINTR, result != 0 {
        fault = Int(result)
      }
    }
    adapt(nic, wanted: wanted, taken: taken)
    return taken == 0 ? fault : wanted
  }

  /// Asks for more next time while the NIC gives all that it was asked for, for less when it gives less than half. A
  /// NIC that was asked for less than it would be has said nothing about more.
  private mutating func adapt(_ nic: Int, wanted: Int, taken: Int) {
    if taken == wanted, wanted < Self.batchLimit, unsafe wanted == Int(appetite[nic]) {
      unsafe appetite[nic] = UInt8(wanted &* 2)
    } else if taken < wanted / 2 {
      unsafe appetite[nic] = UInt8(wanted / 2)
    }
  }

  private func place(_ index: Int) -> UnsafeMutableRawPointer {
    unsafe memory + (index &* Self.stride &+ Self.receiveOffset)
  }

  /// The frame at `index` of the batch; `nil` when that place is empty. Valid until the next `receive`.
  public func received(_ index: Int) -> FrameBuffer? {
    let length = unsafe Int(lengths[index])
    guard length > VirtioNetHeader.size else { return nil }
    return unsafe FrameBuffer(start: place(index), count: length &- VirtioNetHeader.size)
  }

  // MARK: Sending

  /// Whether `flush` has to come before the next `send`.
  public var isFull: Bool { sendingCount == Self.sendLimit }

  /// Notes that `frame` goes out by `nic`, as it stands in memory. The frame must stay as it is until `flush`.
  public mutating func send(_ frame: FrameBuffer, to nic: Int) {
    unsafe sending[sendingCount] = Sending(
      base: frame.start, length: UInt32(frame.writeCount), nic: UInt16(nic), isGathered: false,
      frameCount: Int32(frame.count), result: 0)
    sendingCount &+= 1
  }

  /// Makes another form of the frame at `index` of the batch, without touching it: `FrameBuffer.makeImage`.
  /// `which` is 0 or 1: a frame has at most two forms beside its own.
  public mutating func makeImage(
    of frame: FrameBuffer, at index: Int, which: Int, tagControl: UInt16?, header: FrameHeader
  ) -> ImageHandle {
    let image = unsafe frame.makeImage(
      tagControl, of: header, in: scratch + (2 &* index &+ which) &* Self.imageSize)
    let list = unsafe pieces + (4 &* index &+ 2 &* which)
    unsafe list[0] = iovec(iov_base: image.header, iov_len: image.headerCount)
    unsafe list[1] = iovec(iov_base: image.payload, iov_len: image.payloadCount)
    return unsafe ImageHandle(pieces: list, frameCount: Int32(image.count))
  }

  /// Notes that `image` goes out by `nic`.
  public mutating func send(_ image: ImageHandle, to nic: Int) {
    unsafe sending[sendingCount] = Sending(
      base: UnsafeMutableRawPointer(image.pieces), length: 2, nic: UInt16(nic), isGathered: true,
      frameCount: image.frameCount, result: 0)
    sendingCount &+= 1
  }

  // MARK: Sending, one by one

  /// How many writes are noted, and for whom.
  public var notedCount: Int { sendingCount }
  public func notedNIC(_ index: Int) -> Int { unsafe Int(sending[index].nic) }
  /// Bytes of noted frame `index`, without the virtio header.
  public func notedByteCount(_ index: Int) -> Int { unsafe Int(sending[index].frameCount) }

  /// Does noted write `index` now, by itself. `endWrites` has to follow when all are done or refused.
  public mutating func write(_ index: Int) { unsafe sending[index].result = writePlain(sending[index]) }

  /// Noted write `index` is not done: its result is `SendResult.refused`.
  public mutating func refuse(_ index: Int) { unsafe sending[index].result = -SendResult.refused }

  /// What `flush` returns, after each noted write was done or refused.
  public mutating func endWrites() -> Int {
    defer { sendingCount = 0 }
    return sendingCount
  }

  // MARK: Sending, all

  /// Writes all that was noted, in its order, and returns how many results there are to `take`.
  public mutating func flush() -> Int {
    if sendingCount > 1, let ring = unsafe ring {
      unsafe writeBatch(ring)
    } else {
      for index in 0..<sendingCount { unsafe sending[index].result = writePlain(sending[index]) }
    }
    defer { sendingCount = 0 }
    return sendingCount
  }

  /// Result `index` of the last `flush`.
  public func result(_ index: Int) -> SendResult {
    let sent = unsafe sending[index]
    return SendResult(nic: Int(sent.nic), byteCount: Int(sent.frameCount), errno: sent.result < 0 ? -sent.result : 0)
  }

  /// What result `index` of the last `flush` was: one piece, or two where it was an image; the first begins with the
  /// virtio header. Valid until the next `receive`.
  @unsafe public func written(_ index: Int) -> (first: UnsafeRawBufferPointer, second: UnsafeRawBufferPointer?) {
    let sent = unsafe sending[index]
    guard sent.isGathered else {
      return unsafe (UnsafeRawBufferPointer(start: sent.base, count: Int(sent.length)), nil)
    }
    let list = unsafe sent.base.assumingMemoryBound(to: iovec.self)
    return unsafe (
      UnsafeRawBufferPointer(start: list[0].iov_base, count: list[0].iov_len),
      UnsafeRawBufferPointer(start: list[1].iov_base, count: list[1].iov_len)
    )
  }

  /// Notes once more what result `index` of the last `flush` was about, this time for `nic`. In the order of the
  /// results.
  public mutating func resend(_ index: Int, to nic: Int) {
    var again = unsafe sending[index]
    again.nic = UInt16(nic)
    unsafe sending[sendingCount] = again
    sendingCount &+= 1
  }

  private func writePlain(_ sending: Sending) -> Int32 {
    let descriptor = unsafe descriptors[Int(sending.nic)]
    if sending.isGathered {
      return unsafe Int32(
        cport_writev(descriptor, sending.base.assumingMemoryBound(to: iovec.self), Int32(sending.length)))
    }
    return unsafe Int32(cport_write(descriptor, sending.base, Int(sending.length)))
  }

  private mutating func writeBatch(_ ring: UnsafeMutablePointer<cport_ring>) {
    for index in 0..<sendingCount {
      if unsafe cport_ring_has_room(ring) == 0 { unsafe finishWrites(ring) }
      let next = unsafe sending[index]
      if next.isGathered {
        unsafe cport_ring_writev(
          ring, UInt32(next.nic), next.base.assumingMemoryBound(to: iovec.self), next.length, UInt64(index))
      } else {
        unsafe cport_ring_write(ring, UInt32(next.nic), next.base, next.length, UInt64(index))
      }
    }
    unsafe finishWrites(ring)
  }

  private mutating func finishWrites(_ ring: UnsafeMutablePointer<cport_ring>) {
    unsafe cport_ring_submit(ring)
    var user: UInt64 = 0
    var result: Int32 = 0
    while unsafe cport_ring_next(ring, &user, &result) != 0 { unsafe sending[Int(user)].result = result }
  }
}
