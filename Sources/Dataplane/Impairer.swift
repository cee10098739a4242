import Impairments
import Observers
import Ports
import Switching
import Wire

/// The links with which something is wrong, at one worker: what becomes of their frames, and those that wait.
///
/// ## How it works
/// Each direction of a NIC's link has an `ImpairedLink`, at the worker that owns the NIC: it says of each frame that it
/// is lost, passes, or leaves later. What leaves later, or changed, or twice, is copied into memory of its own and stands
/// in one `DelayLine`; frames to a server are then written, frames from one are decided about as if they came now.
///
/// A frame passes by without a copy when its time has come and nothing of its link waits. So a link that only loses
/// frames copies none.
///
/// ## Invariants
/// 1. `waiting` frames of a link are in the line or held by the link itself.
/// 2. A frame is freed once, by `free`, when what was noted of it has been written.
/// 3. Every link that holds a frame is in `holding`.
/// 4. At most `frameLimit` frames and `byteLimit` bytes wait; what is more is lost as `impaired`.
///
/// ## Threads
/// The worker's. Memory is taken from the heap for each frame that waits: links that are impaired pay for it.
@safe final class Impairer {
  typealias Direction = ImpairedLink.Direction

  static let frameLimit = 65_536
  static let byteLimit = 64 << 20

  /// A frame that waits.
  @safe struct Held: BitwiseCopyable {
    /// Room for a tag, then the virtio header and the frame.
    var memory: UnsafeMutableRawPointer
    var frame: FrameBuffer
    var nic: NICIndex
    var direction: Direction
  }

  private final class Link {
    var link: ImpairedLink
    var waiting = 0
    init(_ settings: Impairment, _ direction: Direction, seed: UInt64) {
      link = ImpairedLink(settings, direction, seed: seed)
    }
  }

  private var links: [Int: Link] = [:]
  /// Keys of links that hold frames back themselves: a look at the time need not ask the others.
  private var holding: Set<Int> = []
  private var line = DelayLine(capacity: frameLimit, bytes: byteLimit)
  private var pool: [Held?] = []
  private var unused: [Int32] = []
  private let seed: UInt64

  init(seed: UInt64) { self.seed = seed }

  deinit { for case let held? in pool { unsafe held.memory.deallocate() } }

  private static func key(_ nic: NICIndex, _ direction: Direction) -> Int { nic.value * 2 + Int(direction.rawValue) }

  // MARK: Changes

  func set(_ settings: Impairment, _ nic: NICIndex, _ direction: Direction) {
    let key = Self.key(nic, direction)
    if let link = links[key] {
      // What waits still leaves, as it was told to.
      if settings.isNothing, link.waiting == 0 {
        links[key] = nil
      } else {
        link.link.set(settings, seed: seed ^ UInt64(key))
      }
    } else if !settings.isNothing {
      links[key] = Link(settings, direction, seed: seed ^ UInt64(key))
    }
  }

  /// What waits for or from `nic` is nobody's any more.
  func forget(_ nic: NICIndex) {
    for direction in [Direction.toServer, .fromServer] {
      let key = Self.key(nic, direction)
      guard let link = links[key] else { continue }
      while let entry = line.take(of: Int32(key)) { free(entry.frame) }
      while let frame = link.link.takeAny() { free(frame) }
      link.waiting = 0
    }
  }

  func has(_ nic: NICIndex, _ direction: Direction) -> Bool { links[Self.key(nic, direction)] != nil }

  // MARK: Frames

  enum Fate { case passes, isLost, waits }

  /// What becomes of a frame, which lies at `bytes`. `header`: bytes of its Ethernet header with its tags.
  func arrive(_ bytes: FrameBytes, header: Int, _ nic: NICIndex, _ direction: Direction, at now: UInt64) -> Fate {
    let key = Self.key(nic, direction)
    guard let link = links[key] else { return .passes }
    let length = bytes.count
    let offload = bytes.offload
    let wire = WireLength.bytes(length, headers: max(header, offload.headers), segment: offload.segment)
    switch link.link.arrive(at: now, length: length, header: header, wireBytes: wire) {
    case .lost, .queueFull: return .isLost
    case .passes(let passage):
      let isPlain = passage.places == 0 && !passage.isDuplicated && passage.corruption == nil
      if isPlain, link.waiting == 0, passage.release <= now { return .passes }
      return hold(bytes, passage, link, key, nic, direction, at: now) ? .waits : .isLost
    }
  }

  private func hold(
    _ bytes: FrameBytes, _ passage: ImpairedLink.Passage, _ link: Link, _ key: Int, _ nic: NICIndex,
    _ direction: Direction, at now: UInt64
  ) -> Bool {
    let number = keep(bytes, nic, direction)
    if let corruption = passage.corruption { corrupt(number, corruption) }
    let isHeld = passage.places > 0
    if isHeld {
      link.link.hold(number, passage)
      holding.insert(key)
    } else if !line.put(number, of: Int32(key), bytes: bytes.count, release: passage.release) {
      free(number)
      return false
    }
    link.waiting += 1
    if passage.isDuplicated {
      let copy = keep(bytes, nic, direction)
      if line.put(copy, of: Int32(key), bytes: bytes.count, release: passage.release) {
        link.waiting += 1
      } else {
        free(copy)
      }
    }
    while let (frame, release) = link.link.takePassed() { requeue(frame, key, link, at: release) }
    return true
  }

  private func requeue(_ frame: Int32, _ key: Int, _ link: Link, at release: UInt64) {
    guard let held = pool[Int(frame)] else { return }
    guard !line.put(frame, of: Int32(key), bytes: held.frame.count, release: release) else { return }
    link.waiting -= 1
    free(frame)
  }

  /// A frame that somebody else has made for `nic`, as if it came now and nothing were wrong.
  func pass(_ bytes: FrameBytes, to nic: NICIndex, at now: UInt64) {
    let number = keep(bytes, nic, .toServer)
    let key = Self.key(nic, .toServer)
    if line.put(number, of: Int32(key), bytes: bytes.count, release: now) {
      links[key]?.waiting += 1
    } else {
      free(number)
    }
  }

  // MARK: Frames whose time has come

  /// When there is something to do; nil: nothing waits.
  var deadline: UInt64? {
    var first = line.deadline
    for key in holding { if let next = links[key]?.link.deadline { first = min(first ?? .max, next) } }
    return first
  }

  /// The next frame that leaves now, and the number by which it is freed; nil: none does.
  func next(at now: UInt64) -> (number: Int32, held: Held)? {
    for key in holding {
      guard let link = links[key], let due = link.link.deadline else {
        holding.remove(key)
        continue
      }
      if due <= now { while let frame = link.link.takeDue(at: now) { requeue(frame, key, link, at: now) } }
    }
    while let entry = line.take(at: now) {
      if let link = links[Int(entry.owner)] {
        link.waiting -= 1
        if link.waiting == 0, link.link.settings.isNothing { links[Int(entry.owner)] = nil }
      }
      if let held = pool[Int(entry.frame)] { return (entry.frame, held) }
    }
    return nil
  }

  func free(_ number: Int32) {
    guard let held = pool[Int(number)] else { return }
    unsafe held.memory.deallocate()
    pool[Int(number)] = nil
    unused.append(number)
  }

  private func keep(_ bytes: FrameBytes, _ nic: NICIndex, _ direction: Direction) -> Int32 {
    let count = bytes.count + VirtioNetHeader.size
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count + FrameBuffer.headroom, alignment: 8)
    let start = unsafe memory + FrameBuffer.headroom
    unsafe bytes.copy(bytes.count, to: start)
    let held = unsafe Held(
      memory: memory, frame: FrameBuffer(start: start, count: bytes.count), nic: nic, direction: direction)
    if let number = unused.popLast() {
      pool[Int(number)] = held
      return number
    }
    pool.append(held)
    return Int32(pool.count - 1)
  }

  /// What was left to be done of a checksum is done first, so that the receiver can see the fault. A super-frame is
  /// finished by the receiver's kernel: there the changed byte arrives with a right checksum.
  private func corrupt(_ number: Int32, _ corruption: ImpairedLink.Corruption) {
    guard let held = pool[Int(number)] else { return }
    held.frame.finishChecksum()
    unsafe held.frame.bytes[corruption.offset] ^= corruption.mask
  }
}
