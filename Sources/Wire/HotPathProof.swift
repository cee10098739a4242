// The compiler's word that hashing a frame, judging its virtio header and measuring it
// allocate nothing, take no lock and count no reference. The attribute is
// underscored, so it stays in this one file of the module; the other per-frame functions here are proved where they are
// used, in Switching.

#if HOT_PATH_PROOF
  @_noLocks func proveFlowHash(_ frame: FrameBuffer, _ members: Int) -> Int {
    FlowHash.member(frame.flowHash, of: members)
  }

  @_noLocks func proveOffloadCheck(_ frame: FrameBuffer, _ header: FrameHeader) -> Bool {
    frame.hasSoundOffload(header)
  }

  @_noLocks func proveLoopProbe(_ frame: FrameBuffer, _ header: FrameHeader, _ key: SipKey) -> Bool {
    frame.loopProbe(header, key: key) != nil
  }

  @_noLocks func provePacketSize(_ frame: FrameBuffer, _ header: FrameHeader) -> Int { frame.packetSize(header) }
#endif
