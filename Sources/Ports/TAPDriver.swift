import CPort
import Wire

/// Moves frames between TAPs and batch memory: the only place where the switch does input and output.
///
/// ## How it works
/// `receive` fills batch memory with up to 64 frames from one NIC; the worker decides about each and calls `send` (any
/// number of times a frame), which only notes it; `flush` writes everything noted, and then the batch memory may be
/// used again. With io_uring a batch is one system call in each direction; one frame, or no io_uring, is a plain read or
/// write, so that the latency of a lonely frame is theirs. How many frames a NIC is asked for doubles while it gives as
/// many, and falls when it gives less than half.
///
/// Batch memory belongs to the worker, not to a NIC: a further NIC costs a table entry.
///
///     one frame's place:  │ room for a tag … │ virtio header │ frame, at most 65 550 bytes │   65 664 bytes
///
/// ## Invariants
/// 1. Between `flush` and `receive` no frame is in flight: the ring is empty.
/// 2. A descriptor in the table is open, until `detach` has returned it.
///
/// ## Threads
/// One owner, a worker, which also made the value (io_uring is bound to the thread that made the ring).
@safe public struct TAPDriver: ~Copyable {
  /// Frames of a batch.
  public static let batchLimit = 64
  /// Where the virtio header of a received frame starts: its frame starts at a cache line.
  static let receiveOffset = 64 - VirtioNetHeader.size
  /// Largest frame that a TAP was seen to give: a packet of 65 532 bytes behind a tagged header.
  static let frameLimit = 65_550
  /// Not a multiple of a page, so that frames of a batch do not fall on the same cache sets.
  static let stride = 65_664
  static let sendLimit = 1_024

  /// One noted write, and what became of it.
  @safe struct Sending: BitwiseCopyable {
    var base: UnsafeMutableRawPointer
    /// Bytes at `base`, or the number of pieces when `isGathered`.
    var length: UInt32
    var nic: UInt16
    var isGathered: Bool
    /// Bytes of the frame, for the counters.
    var frameCount: Int32
    /// Bytes written, or -errno.
    var result: Int32
  }
  /// Room for the header of a second image.
  static let imageSize = 32

  let memory: UnsafeMutableRawPointer
  let lengths: UnsafeMutablePointer<Int32>
  /// Headers and piece lists of second images: two for each frame of the batch.
  let scratch: UnsafeMutableRawPointer
  let pieces: UnsafeMutablePointer<iovec>
  let sending: UnsafeMutablePointer<Sending>
  var sendingCount = 0
  let ring: UnsafeMutablePointer<cport_ring>?
  let descriptors: UnsafeMutablePointer<Int32>
  let appetite: UnsafeMutablePointer<UInt8>
  let nicLimit: Int

  public enum Mode: Sendable { case automatic, readWrite }

  /// "io_uring", or "read/write" where that is not allowed or not wanted.
  public var name: String { unsafe ring == nil ? "read/write" : "io_uring" }

  public init(nicLimit: Int, mode: Mode) {
    self.nicLimit = nicLimit
    unsafe memory = .allocate(byteCount: Self.stride * Self.batchLimit, alignment: 64)
    unsafe lengths = .allocate(capacity: Self.batchLimit)
    unsafe lengths.initialize(repeating: 0, count: Self.batchLimit)
    unsafe scratch = .allocate(byteCount: Self.imageSize * 2 * Self.batchLimit, alignment: 64)
    unsafe pieces = .allocate(capacity: 4 * Self.batchLimit)
    unsafe pieces.initialize(repeating: iovec(), count: 4 * Self.batchLimit)
    unsafe sending = .allocate(capacity: Self.sendLimit)
    unsafe descriptors = .allocate(capacity: nicLimit)
    unsafe descriptors.initialize(repeating: -1, count: nicLimit)
    unsafe appetite = .allocate(capacity: nicLimit)
    unsafe appetite.initialize(repeating: 1, count: nicLimit)
    let candidate = UnsafeMutablePointer<cport_ring>.allocate(capacity: 1)
    unsafe candidate.initialize(to: cport_ring())
    if mode == .automatic, unsafe cport_ring_open(candidate, 256, UInt32(nicLimit)) >= 0 {
      unsafe ring = unsafe candidate
      // Where that much memory may not be locked, it works without.
      _ = unsafe cport_ring_register_buffer(candidate, memory, Self.stride * Self.batchLimit)
    } else {
      unsafe candidate.deallocate()
      unsafe ring = nil
    }
  }

  deinit {
    if let ring = unsafe ring {
      // The ring lets go of a file at once when it is told to, and some time later when it is only closed: until then
      // the TAP would be held.
      for nic in 0..<nicLimit where unsafe descriptors[nic] >= 0 {
        _ = unsafe cport_ring_set_file(ring, UInt32(nic), -1)
      }
      unsafe cport_ring_close(ring)
      unsafe ring.deallocate()
    }
    unsafe memory.deallocate()
    unsafe lengths.deallocate()
    unsafe scratch.deallocate()
    unsafe pieces.deallocate()
    unsafe sending.deallocate()
    unsafe descriptors.deallocate()
    unsafe appetite.deallocate()
  }
}
