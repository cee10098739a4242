// The compiler's word that hashing a frame allocates nothing, takes no lock and counts no reference. The attribute is
// underscored, so it stays in this one file of the module; the other per-frame functions here are proved where they are
// used, in Switching.

#if HOT_PATH_PROOF
  @_noLocks func proveFlowHash(_ frame: FrameBuffer, _ members: Int) -> Int {
    FlowHash.member(frame.flowHash, of: members)
  }
#endif
