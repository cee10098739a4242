import Observers
import Switching

/// How frames are shown.
public struct CaptureForm: Sendable {
  /// Super-frames in one piece.
  public var keepsWhole = false
  /// Checksums and super-frames as the switch had them.
  public var keepsOffload = false
  /// Frames after which it is over; nil: no limit.
  public var count: Int?

  public init(keepsWhole: Bool = false, keepsOffload: Bool = false, count: Int? = nil) {
    (self.keepsWhole, self.keepsOffload, self.count) = (keepsWhole, keepsOffload, count)
  }
}

/// A frame as a capture shows it.
public struct CapturedFrame: Sendable, Equatable {
  /// Nanoseconds since 1970.
  public var time: UInt64
  public var interface: CaptureInterface
  /// The switch's view: false: from the server into the switch.
  public var isOutgoing: Bool
  /// Name of the reason why it went no further.
  public var reason: String?
  public var length: Int
  /// As much as was kept, from the destination address on.
  public var bytes: [UInt8]
  /// What else there is to say of it.
  public var remark: String?
  /// Frames of the capture that found no room since the one before.
  public var lost: UInt64

  /// In tcpdump's words.
  public var summary: String { FrameText.summary(of: bytes, length: length) }
}

/// Takes the frames of a capture as they are shown, up to its limit.
///
/// ## How it works
/// What the watch has seen is finished (`FrameFinisher`) and given its NIC's name. Nobody waits here: whoever reads
/// looks again after a while. A reader who stops leaves everything where it is: in the rings of the watch, which are
/// of fixed size and count what finds no room.
public struct CaptureReader {
  private let source: CaptureSource
  private let form: CaptureForm
  private let finisher: FrameFinisher
  private var interfaces: [NICIndex: CaptureInterface] = [:]
  private var generation: Int?
  /// Segments of a super-frame of which the last batch had no room for all.
  private var rest: ArraySlice<CapturedFrame> = []
  private var known: UInt64 = 0
  /// Frames that were given out.
  public private(set) var count = 0
  /// Frames, and bytes of them, that are given out at once.
  private static let batch = (frames: 1_024, bytes: 512 << 10)

  public init(_ source: CaptureSource, _ form: CaptureForm) {
    (self.source, self.form) = (source, form)
    finisher = FrameFinisher(
      keepsWhole: form.keepsWhole, keepsOffload: form.keepsOffload, snapLength: source.watch.order.snapLength)
  }

  /// As many frames were given out as are wanted.
  public var isOver: Bool { form.count.map { count >= $0 } ?? false }

  /// Frames that found no room, so far.
  public var lost: UInt64 { source.watch.lost }

  /// The next frames, oldest first; none when none wait. Not all that do: call again until there are none.
  public mutating func next() -> [CapturedFrame] {
    if let news = source.news(after: generation) { (generation, interfaces) = news }
    var frames: [CapturedFrame] = []
    var bytes = 0
    while frames.count < Self.batch.frames, bytes < Self.batch.bytes, !isOver, let frame = one() {
      frames.append(frame)
      bytes += frame.bytes.count
      count += 1
    }
    return frames
  }

  private mutating func one() -> CapturedFrame? {
    while true {
      if let frame = rest.popFirst() { return frame }
      guard let seen = source.watch.next() else { return nil }
      guard let interface = interfaces[seen.nic] else { continue }
      let total = source.watch.lost
      var lost = total - known
      known = total
      rest =
        finisher.finish(seen).map { finished in
          defer { lost = 0 }
          return CapturedFrame(
            time: seen.time, interface: interface, isOutgoing: seen.isOutgoing, reason: seen.reason?.name,
            length: finished.length, bytes: finished.bytes, remark: finished.comment, lost: lost)
        }[...]
    }
  }
}
