public import Net
import Wire

// What a bond has to say, one frame at a time, written where the caller wants it.

extension Bond {
  /// Writes the next frame that is to be sent now to `frame`, which has room for `SlowProtocolPDU.frameSize` bytes, all
  /// of which are written. Returns by which member it goes; `nil`: there is none, and nothing was written.
  ///
  /// To be called after each event until it returns `nil`. What exceeds three LACPDUs in a second waits: `deadline`
  /// says until when. So does what says more than is in force, until `confirm`.
  @unsafe public mutating func nextTransmission(into frame: UnsafeMutableRawPointer, at now: Instant) -> Int? {
    for index in members.indices {
      if !isHeld(index), members[index].transmit.take(at: now) {
        let pdu =
          members[index].farewell
          ?? LACPDU(actor: members[index].actor(configuration), partner: members[index].echo)
        unsafe pdu.write(to: frame, from: configuration.system)
        members[index].farewell = nil
        members[index].counters.lacpdusSent += 1
        members[index].noteSent(pdu, at: now)
        // What has ended is announced now, and need not be done any more.
        updateCarriage()
        schedule()
        return index
      }
      if let pdu = members[index].markerResponse {
        unsafe pdu.write(to: frame, from: configuration.system)
        members[index].markerResponse = nil
        members[index].counters.markerResponsesSent += 1
        schedule()
        return index
      }
    }
    return nil
  }
}
