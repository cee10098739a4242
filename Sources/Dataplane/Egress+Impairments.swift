import Impairments
import Observers
import Ports
import Switching
import Wire

// Links with which something is wrong, where frames are given away and taken in. Off: one test a frame.
extension Egress {
  /// Whether something may be wrong with one direction of the link of `nic`.
  @inline(__always)
  func isImpaired(_ nic: NICIndex, _ direction: Impairer.Direction) -> Bool {
    bits(of: nic) & Self.bit(direction) != 0
  }

  /// What is wrong from now on. At a worker that does not own `nic`: whether its frames are to be given to who does.
  mutating func set(_ settings: Impairment, _ nic: NICIndex, _ direction: Impairer.Direction, isOwner: Bool) {
    if isOwner { impairer.set(settings, nic, direction) }
    // Where frames wait, those behind them must not overtake them: the bit goes with the first that finds no link.
    if !settings.isNothing { setBit(nic, direction, true) } else if !isOwner { setBit(nic, direction, false) }
  }

  /// Whether the link has taken the frame for `nic`: it is lost, or leaves later.
  @inline(never)
  mutating func takes(_ bytes: FrameBytes, for nic: NICIndex) -> Bool {
    guard crew.owner(of: nic) == index else {
      if !crew.give(bytes.array, to: nic) { lose(bytes, for: nic) }
      return true
    }
    switch impairer.arrive(
      bytes, header: bytes.tagControl == nil ? FrameHeader.size : FrameHeader.size + FrameHeader.tagSize, nic,
      .toServer, at: Clock.nanoseconds())
    {
    case .passes:
      forgetIfWhole(nic, .toServer)
      return false
    case .waits: return true
    case .isLost:
      lose(bytes, for: nic)
      return true
    }
  }

  /// The same for a frame that `nic` gave.
  @inline(never)
  mutating func takes(_ frame: FrameBuffer, _ header: FrameHeader, from nic: NICIndex) -> Bool {
    let size = header.isTagged ? FrameHeader.size + FrameHeader.tagSize : FrameHeader.size
    switch impairer.arrive(FrameBytes(frame), header: size, nic, .fromServer, at: Clock.nanoseconds()) {
    case .passes:
      forgetIfWhole(nic, .fromServer)
      return false
    case .waits: return true
    case .isLost:
      drop(frame, from: nic, .impaired)
      return true
    }
  }

  private mutating func lose(_ bytes: FrameBytes, for nic: NICIndex) {
    counters.dropped(nic, .impaired)
    observers.droppedOutgoing(bytes, by: nic, .impaired)
  }

  /// A frame of the slow path, the guard or another worker for `nic`, whose link is impaired.
  mutating func take(given bytes: [UInt8], for nic: NICIndex) {
    unsafe bytes.withUnsafeBytes { bytes in
      let frame = unsafe FrameBytes(bytes, then: nil)
      if takes(frame, for: nic) { return }
      impairer.pass(frame, to: nic, at: Clock.nanoseconds())
      setBit(nic, .toServer, true)
    }
  }

  private mutating func forgetIfWhole(_ nic: NICIndex, _ direction: Impairer.Direction) {
    if !impairer.has(nic, direction) { setBit(nic, direction, false) }
  }

  private static func bit(_ direction: Impairer.Direction) -> UInt8 { direction == .toServer ? 1 : 2 }
}
